"""The colours of the pictures, light and dark."""

from __future__ import annotations

from operations.timeline import palette
from operations.timeline.overview import timeline_svg
from tests.given.domain import SETTINGS


def test_both_palettes_name_the_same_colours() -> None:
    assert palette.LIGHT.keys() == palette.DARK.keys()


def test_a_file_of_its_own_has_all_its_colours_and_those_of_the_dark() -> None:
    picture = timeline_svg(SETTINGS)
    assert "var(" not in picture
    light, dark = picture.split("@media screen and (prefers-color-scheme: dark)")
    assert palette.LIGHT["ink"] in light
    assert palette.DARK["ink"] in dark


def test_groups_beyond_the_palette_take_its_colours_again() -> None:
    groups = sum(name.startswith("group-") for name in palette.LIGHT) - 1  # Without the neutral one.

    assert [palette.colour_class(number) for number in (0, groups - 1, groups)] == ["0", str(groups - 1), "0"]
    assert f".solid-{groups - 1} " in palette.COLOURS
