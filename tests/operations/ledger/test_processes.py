"""Several processes, and processes that are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from tests.checkout import ROOT
from tests.given.ledger import DEPLOY, add

WRITE = """
import sys
from pathlib import Path
from operations.ledger.ledger import Ledger

path, name, count, size = sys.argv[1:]
ledger = Ledger(Path(path))
print("ready", flush=True)
for number in range(int(count)):
    data = {"check": str(number), "reason": "x" * int(size)}
    ledger.append("override", strategy="phased", night=0, data=data, who=name)
    print(number, flush=True)
"""


def writer(path: Path, name: str, count: int, size: int = 10) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, str(path), name, str(count), str(size)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_several_processes_append_to_one_chain(ledger: Ledger) -> None:
    writers = [writer(ledger.path, str(number), 25) for number in range(4)]
    for process in writers:
        process.communicate()
        assert process.returncode == 0

    assert ledger.check().problems == []
    records = ledger.records()
    assert len(records) == 100
    for name in "0123":
        mine = [record.data["check"] for record in records if record.who == name]
        assert mine == [str(number) for number in range(25)], "none is lost, each in its order"


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_process_leaves_all_that_it_was_told_is_written(seed: int, ledger: Ledger) -> None:
    chance = random.Random(seed)  # noqa: S311
    process = writer(ledger.path, "killed", 10_000, size=chance.choice([10, 300_000]))
    assert process.stdout
    for _ in range(1 + chance.randrange(12)):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    rest = process.communicate()[0].split()

    acknowledged = int(rest[-1]) + 1 if rest else 0
    content = ledger.path.read_bytes() if ledger.path.exists() else b""
    records, problems = ledger.readable()
    whole = content.count(b"\n")
    assert whole >= acknowledged
    assert [record.data["check"] for record in records] == [str(number) for number in range(whole)]
    if content.endswith(b"\n") or not content:
        assert problems == []
    else:
        assert [problem.split(":")[0] for problem in problems] == [f"line {whole + 1} is torn"]
        with pytest.raises(OperationError, match=f"line {whole + 1} is torn"):
            add(ledger, "deploy", DEPLOY)
        ledger.path.write_bytes(content[: content.rindex(b"\n") + 1] if whole else b"")
    assert add(ledger, "deploy", DEPLOY).seq == whole + 1
    assert ledger.check().problems == []


def test_a_reader_waits_for_a_line_that_is_on_its_way(
    told: bytes, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(told[:-10])

    @contextmanager
    def until_the_writer_is_done(_: Ledger) -> Iterator[None]:
        ledger.path.write_bytes(told)
        yield

    monkeypatch.setattr(Ledger, "_lock", until_the_writer_is_done)
    assert ledger.check().problems == []


def test_a_reader_that_may_not_lock_still_reads(told: bytes, ledger: Ledger) -> None:
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(told[:-10])
    Path(f"{ledger.path}.lock").mkdir()

    (problem,) = ledger.check().problems
    assert problem.startswith("line 7 is torn")
