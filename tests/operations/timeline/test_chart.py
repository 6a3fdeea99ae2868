"""What the chart of the schedule draws."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

import pytest

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import STRATEGIES
from ingest.schedule import Cadence
from operations.timeline.chart import LEAST, NARROW, WIDE, Layout, chart
from operations.timeline.schedule import Schedule
from tests.given.domain import AT, in_phoenix
from tests.given.timeline import BESIDE, MEASURED, SVG, elsewhere, parse, phoenix, row, run, texts

LAYOUTS = pytest.mark.parametrize("layout", [WIDE, NARROW], ids=lambda layout: layout.name)


def picture(schedule: Schedule, layout: Layout = WIDE) -> Element:
    return parse(chart(schedule, layout).stand_alone())


def bars(picture: Element, entity: str, kind: str) -> list[tuple[float, float]]:
    """Left end and length in px of the entity's bars of a kind: before, after or run."""
    found = [rect for rect in row(picture, entity).iter(f"{SVG}rect") if kind in str(rect.get("class")).split()]
    return [(float(rect.get("x", "")), float(rect.get("width", ""))) for rect in found]


@LAYOUTS
@pytest.mark.parametrize(
    ("strategy", "number"), [(name, n) for name, strategy in STRATEGIES.items() for n in strategy.numbers]
)
def test_each_job_has_a_bar_where_it_runs_and_one_where_it_ran(strategy: str, number: int, layout: Layout) -> None:
    found = phoenix(number, strategy)
    drawn = picture(found, layout)
    for one in found.rows:
        shown = texts(row(drawn, one.entity.name))
        assert shown[0] == one.entity.title
        assert one.after.clock in " ".join(shown)
        assert len(bars(drawn, one.entity.name, "after")) == 1
        assert len(bars(drawn, one.entity.name, "before")) == (one.kind == "moved")
        assert ("new" in " ".join(shown[1:])) == (one.kind == "new")


@LAYOUTS
def test_bars_are_5_minutes_long_and_stand_at_their_times(layout: Layout) -> None:
    drawn = picture(phoenix(), layout)
    ((two, length),) = bars(drawn, "jobs", "before")
    ((four, same),) = bars(drawn, "jobs", "after")
    ((half_past, _),) = bars(drawn, "invoices", "after")
    minute = (four - two) / 120
    assert length == same == pytest.approx(5 * minute, abs=0.1)
    assert half_past == pytest.approx(four + 30 * minute, abs=0.2)


@LAYOUTS
def test_what_was_measured_lasts_as_long_as_it_took(layout: Layout) -> None:
    drawn = picture(phoenix(measured=MEASURED), layout)
    ((start, planned),) = bars(drawn, "returns", "after")
    (second, length), (first, short) = bars(drawn, "returns", "run")
    assert first == start
    assert short == LEAST
    assert second == pytest.approx(start + planned / 5, abs=0.1)
    assert length == pytest.approx(4 * planned, abs=0.2)
    assert bars(drawn, "invoices", "run") == []


def test_failed_attempts_look_different_and_have_a_legend_only_then() -> None:
    failed = picture(phoenix(measured=MEASURED))
    assert "measured, failed" in texts(failed)
    assert [rect.get("class") for rect in row(failed, "returns").findall(f"{SVG}rect")][-1] == "run failed"
    well = texts(picture(phoenix(measured=MEASURED[:1])))
    assert "measured, start to end" in well
    assert "measured, failed" not in well
    assert not [text for text in texts(picture(phoenix())) if text.startswith("measured")]


@LAYOUTS
def test_groups_are_bands_over_their_waves(layout: Layout) -> None:
    drawn = picture(phoenix(), layout)
    bands = {str(rect.get("class")): rect for rect in drawn.findall(f"{SVG}rect") if rect.get("rx") == "4.0"}
    assert list(bands) == [f"tint-{number}" for number in range(len(GROUPS))]
    for number, group in enumerate(GROUPS):
        first = next(entity for entity in CATALOGUE if entity.group == group.name)
        ((start, _),) = bars(drawn, first.name, "after")
        assert float(bands[f"tint-{number}"].get("x", "")) == pytest.approx(start, abs=0.1)


@LAYOUTS
def test_a_group_without_a_job_is_left_out_and_weekly_jobs_tell_their_day(layout: Layout) -> None:
    assert "reference" not in texts(picture(phoenix(2), layout))
    last = picture(phoenix(3), layout)
    assert "wave from 06:00 on Sundays" in texts(last)
    assert any("Sun 06:15" in text for text in texts(row(last, "campaigns")))


@LAYOUTS
def test_the_axis_has_local_time_and_utc(layout: Layout) -> None:
    shown = texts(picture(phoenix(), layout))
    for text in ("America/Phoenix", "UTC", "02:00", "07:00", "09:00", "14:00"):
        assert text in shown
    kolkata = texts(picture(elsewhere("Asia/Kolkata", in_phoenix("2026-10-20T01:00")), layout))
    assert "20:30 −1 d" in kolkata


@LAYOUTS
def test_the_axis_reaches_to_what_was_measured_late_and_keeps_its_ticks_apart(layout: Layout) -> None:
    long = picture(phoenix(measured=[run("jobs", "2026-10-20T23:30", 3600)]), layout)
    shown = texts(long)
    assert "02:00" in shown
    assert len([text for text in shown if text.endswith(":00")]) < 40
    ((start, length),) = bars(long, "jobs", "run")
    assert start + length < layout.width


@LAYOUTS
def test_everything_stays_inside(layout: Layout) -> None:
    drawn = picture(phoenix(measured=MEASURED), layout)
    width, height = map(float, str(drawn.get("viewBox")).split()[2:])
    for element in drawn.iter():
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        assert 0 <= x <= x + float(element.get("width", 0) if element is not drawn else 0) <= width
        assert 0 <= y <= height


@LAYOUTS
def test_it_is_described(layout: Layout) -> None:
    drawn = picture(phoenix(measured=MEASURED), layout)
    assert drawn.get("role") == "img"
    names = str(drawn.get("aria-labelledby")).split()
    assert [element.get("id") for element in drawn[:2]] == names
    assert drawn.findtext(f"{SVG}title") == "The schedule before the rollout and after night 3, reference"
    described = drawn.findtext(f"{SVG}desc") or ""
    assert f"jobs from 02:00 to {AT['jobs']}, measured 1 min 15 s" in described
    assert f"locations new at {AT['locations']}" in described
    assert f"payroll from 03:00 to {AT['payroll']}" in described


def test_a_job_that_moves_earlier_has_its_labels_on_the_far_sides() -> None:
    found = phoenix()
    jobs = replace(found.rows[0], before=Cadence.daily("05:00"))
    drawn = picture(replace(found, rows=(jobs, *found.rows[1:])))
    ((old, length),) = bars(drawn, "jobs", "before")
    ((new, _),) = bars(drawn, "jobs", "after")
    places = {
        "".join(t.itertext()): (float(t.get("x", "")), t.get("class")) for t in row(drawn, "jobs").iter(f"{SVG}text")
    }
    assert places["05:00"][0] > old + length
    assert places["04:00"][0] < new
    assert "end" in str(places["04:00"][1])


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_neighbours_are_named_with_their_times_and_ringed_on_the_axis(layout: Layout) -> None:
    without = parse(chart(phoenix(), layout).stand_alone())
    picture = parse(chart(phoenix(neighbours=BESIDE), layout).stand_alone())
    said = " ".join(texts(picture))

    assert "v2-rebuild-dim-jobs-daily" in said
    assert "daily at 05:00 America/Denver" in said
    assert "0 8,14,20 * * * America/Phoenix" in said
    assert "daily at 04:30 America/Phoenix, paused" in said
    axes = 2 if layout.is_narrow else 1
    assert len(picture.findall(f"{SVG}circle")) - len(without.findall(f"{SVG}circle")) == axes
    assert "Neighbours" not in " ".join(texts(without))
