"""The pictures as PNG, by a renderer and a font that are pinned packages: the same bytes on each machine."""

from __future__ import annotations

from pathlib import Path

import fontpkg_inter  # type: ignore[import-untyped]
import resvg_py

from operations.timeline.chart import chart
from operations.timeline.drawing import stacked
from operations.timeline.overview import overview
from operations.timeline.schedule import Schedule

SCALE = 2
"""Pixels to a px of the drawing."""

FONT: Path = fontpkg_inter.ROOT / "files" / "Inter[opsz,wght].ttf"


def timeline_png(schedule: Schedule) -> bytes:
    """The overview and below it the schedule, in light colours."""
    return png(stacked([overview(schedule.settings), chart(schedule)]))


def png(svg: str) -> bytes:
    """An SVG as it looks in light colours, on a transparent ground. Fonts of the machine are not looked at."""
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=SCALE,
        skip_system_fonts=True,
        font_files=[str(FONT)],
        font_family=fontpkg_inter.FAMILY,
        sans_serif_family=fontpkg_inter.FAMILY,
    )
