"""A command to measure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "bench" / "programs"


class MeasureError(Exception):
    """A command could not be measured: which one, how it ended, and its last words."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """Run from the repository's root. `succeeds` are the exit codes that count as done."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    succeeds: Collection[int] = (0,)

    def seconds(self) -> float:
        """The wall time of one run, interpreter start included."""
        start = perf_counter()
        self._run()
        return perf_counter() - start

    def printed(self) -> float:
        """The number that one run prints as its last line."""
        output = self._run()
        try:
            return float(output.split()[-1])
        except (IndexError, ValueError):
            raise MeasureError(f"{self.name}: printed no number as its last line but {output[-200:]!r}") from None

    def _run(self) -> str:
        try:
            done = subprocess.run(
                self.arguments,
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            raise MeasureError(f"{self.name}: cannot be started ({error.strerror}); run `make setup`") from None
        if done.returncode not in self.succeeds:
            raise MeasureError(f"{self.name}: ended with exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout


def python(name: str, *arguments: str, environ: Mapping[str, str]) -> Command:
    return Command(name=name, arguments=(sys.executable, *arguments), environ=environ)
