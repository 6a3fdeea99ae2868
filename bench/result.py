"""What a benchmark found, as a Markdown table and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.local.files import write_atomic

BEGIN = "<!-- bench: begin -->"
END = "<!-- bench: end -->"


@dataclass(frozen=True, kw_only=True)
class Result:
    """`measured` and its highest allowed value, `target`, are in `unit`; "" is for a ratio of two times."""

    name: str
    measured: float
    target: float
    unit: str
    detail: str

    @property
    def verdict(self) -> str:
        return "met" if self.measured <= self.target else "not met"

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "measured": round(self.measured, 3),
            "target": self.target,
            "unit": self.unit,
            "verdict": self.verdict,
            "detail": self.detail,
        }


def machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}


def markdown(rows: Sequence[Sequence[str]], note: str) -> list[str]:
    """The lines of a table with `rows`, of which the first is its head, and below it the note and the machine."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return [*lines, "", note + "; {cores} cores, Python {python}, {system}.".format(**machine())]


def report(results: Sequence[Result]) -> dict[str, object]:
    return {**machine(), "results": [result.as_json() for result in results]}


def table(results: Sequence[Result], rounds: int) -> str:
    rows = [("what", "measured", "target", "verdict", "detail")]
    rows += [
        (
            result.name,
            f"{result.measured:.2f} {result.unit}".strip(),
            f"at most {result.target:g} {result.unit}".strip(),
            result.verdict,
            result.detail,
        )
        for result in results
    ]
    return "\n".join(markdown(rows, f"Medians of {rounds} interleaved rounds"))


def write(path: Path, text: str) -> None:
    """Puts `text` between the markers of the file. Raises ValueError where they are not there, once each, in order."""
    content = path.read_text(encoding="utf-8")
    head, begin, rest = content.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in head + tail:
        raise ValueError(f"{path.name}: needs one line {BEGIN} and, below it, one line {END}")
    write_atomic(path, f"{head}{BEGIN}\n{text}\n{END}{tail}".encode())
