"""The picture of the architecture shows the arrows that the layout holds."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from tests.checkout import ROOT
from tests.layout import ARROWS

SVG = ROOT / "docs" / "architecture.svg"
NAMES = {part.removesuffix(".py"): part for part in ARROWS}
"""Parts by the name that is imported."""


def test_every_arrow_is_drawn_and_no_other() -> None:
    drawn = {
        (path.get("data-from"), path.get("data-to"))
        for path in ElementTree.parse(SVG).iter("{http://www.w3.org/2000/svg}path")  # noqa: S314
        if path.get("data-from")
    }

    assert drawn == {(part, NAMES[name]) for part, allowed in ARROWS.items() for name in allowed if name in NAMES}


def test_every_part_is_drawn_and_told() -> None:
    drawn = {
        group.get("data-part")
        for group in ElementTree.parse(SVG).iter("{http://www.w3.org/2000/svg}g")  # noqa: S314
        if group.get("data-part")
    }
    page = SVG.with_suffix(".md").read_text(encoding="utf-8")

    assert drawn == ARROWS.keys()
    assert {name.rstrip("/") for name in re.findall(r"`(\w+(?:/|\.py))`", page.partition("## From")[0])} >= drawn
