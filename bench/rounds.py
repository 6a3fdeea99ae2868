"""Medians of several commands, taken in turn: what slows the machine down for a while slows all of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from statistics import median


def medians(measures: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Each measure's median over `rounds` runs in the order A, B, C, A, B, C and so on.

    One run of each comes first and does not count: it fills jsii's cache, Python's and ours.
    """
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for name, measure in measures.items():
        progress(f"warming up: {name}")
        measure()
    for number in range(1, rounds + 1):
        for name, measure in measures.items():
            progress(f"round {number} of {rounds}: {name}")
            samples[name].append(measure())
    progress("")
    return {name: median(values) for name, values in samples.items()}


def progress(text: str) -> None:
    """Replaces the line on stderr, where that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()
