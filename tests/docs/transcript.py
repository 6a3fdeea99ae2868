"""What a page shows of a terminal, and what is printed when that is typed."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ingest.schedule import time_zone
from tests.checkout import ROOT, Checkout
from tests.docs.command_list import PROGRAM

ANSWER = "[y/N]: "


@dataclass(frozen=True)
class Shown:
    """A command on a page with the lines below it, and the local time of which the page says that it is typed."""

    at: datetime
    command: str
    lines: tuple[str, ...]

    @property
    def chunks(self) -> list[str]:
        """Its lines without what the page leaves out, which it shows by a line of three dots."""
        text = "\n".join(self.lines)
        return [chunk.strip("\n") for chunk in re.split(r"^\.\.\.$", text, flags=re.MULTILINE) if chunk.strip("\n")]


def transcript(page: Path, zone: str) -> list[Shown]:
    """The commands in a page's `console` blocks; a comment `<!-- at TIME -->` says from when on."""
    found = []
    at = None
    text = page.read_text(encoding="utf-8")
    for time, block in re.findall(r"<!-- at (\S+) -->|^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if time:
            at = datetime.fromisoformat(time).replace(tzinfo=time_zone(zone))
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.rstrip("\n").split("\n")
            assert at, f"{page.name}: no <!-- at TIME --> before {command}"
            found.append(Shown(at, command, tuple(lines)))
    return found


def typed(checkout: Checkout, command: str, at: datetime, environ: dict[str, str]) -> str:
    """What an ingest-rollout command prints in the checkout, on a terminal on which "y" is answered."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == PROGRAM, command
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "docs" / "evening.py"), *arguments],
        cwd=checkout.root,
        env=checkout.environ | environ | {"TIME": at.isoformat(), "PYTHONPATH": str(checkout.root)},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    return done.stdout.replace(ANSWER, f"{ANSWER}y\n")


def missing(shown: Shown, printed: str) -> str:
    """The first chunk that is not there in whole lines below the ones before it; "" where all are."""
    text = "\n" + "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()) + "\n"
    begins, ends = shown.lines[:1] != ("...",), shown.lines[-1:] != ("...",)
    place = 0
    for number, chunk in enumerate(shown.chunks):
        found = text.find(f"\n{chunk}\n", place)
        if found < 0 or (number == 0 and begins and found > 0):
            return chunk
        place = found + len(chunk) + 1
    return shown.chunks[-1] if ends and place != len(text) - 1 else ""
