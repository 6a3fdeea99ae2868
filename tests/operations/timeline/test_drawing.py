"""The pictures' shapes, their scale, and drawings below each other in one file."""

from __future__ import annotations

from xml.etree import ElementTree

from operations.timeline.drawing import GAP, Drawing, Scale, clock, stacked

SVG = "{http://www.w3.org/2000/svg}"


def drawing(name: str = "night") -> Drawing:
    return Drawing(name, 100, 40, f"The {name}", "Sixteen jobs")


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314


def test_a_drawing_names_and_describes_itself_by_ids_of_its_own() -> None:
    svg = parsed(drawing("night").inline())

    assert svg.get("aria-labelledby") == "night-title night-desc"
    assert [(one.get("id"), one.text) for one in svg] == [("night-title", "The night"), ("night-desc", "Sixteen jobs")]


def test_what_is_drawn_in_a_group_is_in_it_and_what_follows_is_not() -> None:
    made = drawing()
    with made.group(entity="jobs"):
        made.text(1, 2, "jobs & more", "name", after="04:00")
    made.rect(0, 0, 10, 5, "card")
    (group,) = parsed(made.inline()).findall("g")
    (text,) = group

    assert group.get("data-entity") == "jobs"
    assert (text.text, text[0].text) == ("jobs & more", "04:00")
    assert [one.tag for one in parsed(made.inline())] == ["title", "desc", "g", "rect"]


def test_an_arrow_points_to_where_it_goes() -> None:
    later, earlier = drawing(), drawing()
    later.arrow(10, 30, 5, "0")
    earlier.arrow(30, 10, 5, "0")
    heads = [parsed(one.inline()).findall("polyline")[0].get("points") for one in (later, earlier)]

    assert heads == ["24.0,1.0 30.0,5.0 24.0,9.0", "16.0,1.0 10.0,5.0 16.0,9.0"]


def test_a_scale_lays_its_minutes_out_from_left_to_right() -> None:
    scale = Scale(opens=240, closes=360, left=100, right=340)

    assert [scale.x(minute) for minute in (240, 270, 360)] == [100, 160, 340]


def test_minutes_after_midnight_are_those_of_the_next_day() -> None:
    assert [clock(minute) for minute in (0, 270, 1439, 1445)] == ["00:00", "04:30", "23:59", "00:05"]


def test_drawings_in_one_file_are_below_each_other_and_do_not_overlap() -> None:
    svg = parsed(stacked([drawing("a"), drawing("b")]))

    assert svg.get("viewBox") == f"0 0 100 {80 + GAP}"
    assert [part.get("y") for part in svg.findall(f"{SVG}svg")] == ["0", f"{40 + GAP}"]
    assert len(svg.findall(f"{SVG}style")) == 1


def test_a_file_with_one_drawing_has_its_title() -> None:
    svg = parsed(drawing().stand_alone())

    assert svg.get("aria-labelledby") == "night-title night-desc"
    assert [one.tag.removeprefix(SVG) for one in svg] == ["title", "desc", "style"]
