"""Runs of the past, replayed at a night's times and judged by the gate's rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.judging.replay import Night, Replay, last_nights, percentile, replay
from ingest.judging.run import LogRow
from ingest.judging.verdict import Verdict
from ingest.schedule import Cadence
from ingest.settings import Settings
from tests.given.domain import in_phoenix, night

SHIFT = night(2)
NOW = in_phoenix("2026-10-26T21:00")
DAYS = [date(2026, 10, day) for day in (24, 25, 26)]
DAILY = {entity.name: entity for entity in CATALOGUE if not entity.target.is_weekly}
WEEKLY = {entity.name: entity for entity in CATALOGUE if entity.target.is_weekly}
BEFORE = {name: entity.live or entity.target for name, entity in DAILY.items()}
MINUTE = timedelta(minutes=1)
DELAY = timedelta(seconds=2)


def call(
    entity: str, day: date, at: Cadence, minutes: float = 1.2, status: str = "success", late: timedelta = DELAY
) -> LogRow:
    due = at.on(day, SHIFT.time_zone)
    assert due
    return LogRow(entity, f"{entity}-{day}", due + late, due + minutes * MINUTE, status, 10, 10)


def log(took: dict[str, float] | None = None) -> list[LogRow]:
    """Each job but locations ran at its time before the night, for 1.2 minutes; on the second day as `took` says."""
    return [
        call(name, one, at, (took or {}).get(name, 1.2) if one == DAYS[1] else 1.2)
        for name, at in BEFORE.items()
        for one in DAYS
        if name != "locations"
    ]


def played(rows: Iterable[LogRow], settings: Settings = SHIFT) -> Replay:
    return replay(settings, settings.world_before(), settings.world(), rows, DAYS, NOW)


def failed(found: Replay) -> dict[int, list[tuple[str, str]]]:
    """By day, the rules that failed with their jobs."""
    return {one.day.day: [(c.name, c.entity) for c in one.failed] for one in found.nights if one.failed}


def test_short_runs_hold_on_every_night() -> None:
    found = played(log())

    assert (found.verdict, failed(found)) == ("pass", {})
    assert (found.held("in-order"), found.held("no-overlap")) == ((3, 3), (3, 3))
    assert (found.unknown, found.irregular) == (("locations",), ())
    assert [one.verdict for one in found.nights] == ["pass"] * 3


def test_a_run_that_is_longer_than_the_new_gap_is_named_with_its_night_and_by_how_much() -> None:
    found = played(log({"jobs": 6.5}))

    assert found.verdict == "fail"
    assert failed(found) == {25: [("no-overlap", "jobs")]}
    (check,) = found.nights[1].failed
    assert (check.measured, check.tolerance) == ("6.5 min", "5.0 min")
    assert (found.held("in-order"), found.held("no-overlap")) == ((3, 3), (2, 3))
    (jobs,) = [one for one in found.headroom if one.job.entity.name == "jobs"]
    assert jobs.overruns == 1


def test_a_core_run_that_reaches_the_financial_wave_spoils_the_order() -> None:
    found = played(log({"customers": 21}))

    assert ("in-order", "invoices") in failed(found)[25]
    assert ("no-overlap", "customers") in failed(found)[25]
    assert found.held("in-order") == (2, 3)
    (invoices,) = [check for check in found.nights[1].failed if check.entity == "invoices"]
    assert invoices.measured == "customers ended Sun 2026-10-25 04:31, it began Sun 2026-10-25 04:30"


def test_the_same_run_held_at_the_old_times() -> None:
    assert played(log({"jobs": 6.5}), night(1)).verdict == "pass"


def test_failed_tries_take_their_time_too() -> None:
    rows = [row for row in log() if row.entity != "payments"]
    at = BEFORE["payments"]
    for one in DAYS:
        rows += [
            call("payments", one, at, 2, "failed"),
            call("payments", one, at, 6, late=3 * MINUTE),
        ]
    found = played(rows)

    assert failed(found) == {day.day: [("no-overlap", "payments")] for day in DAYS}


def test_a_try_that_was_given_up_counts_until_it_ends() -> None:
    rows = [row for row in log() if row.entity != "jobs"]
    for one in DAYS:
        rows += [call("jobs", one, BEFORE["jobs"], 40), call("jobs", one, BEFORE["jobs"], 33, late=31 * MINUTE)]
    found = played(rows)

    assert {check.measured for one in found.nights for check in one.failed if check.entity == "jobs"} == {"40.0 min"}
    assert next(one for one in found.headroom if one.job.entity.name == "jobs").p50 == 40 * MINUTE


def test_a_night_without_a_row_of_a_job_is_not_known_in_whole() -> None:
    rows = [row for row in log() if (row.entity, row.started.day) != ("payroll", 25)]
    found = played(rows)

    assert [one.verdict for one in found.nights] == ["pass", "inconclusive", "pass"]
    assert found.nights[1].lacking == ("payroll",)
    assert found.verdict == "pass"


def test_a_job_is_not_missed_before_its_first_run() -> None:
    rows = [row for row in log() if row.entity != "returns" or row.started.day == 26]
    found = played(rows)

    assert [one.verdict for one in found.nights] == ["pass"] * 3
    assert (found.begins, found.unknown) == ({"returns": DAYS[2]}, ("locations",))


def test_nothing_on_record_is_not_known() -> None:
    found = played([])

    assert (found.verdict, found.held("in-order"), found.held("no-overlap")) == ("inconclusive", (0, 0), (0, 0))
    assert found.unknown == tuple(SHIFT.world())
    assert {(one.p50, one.p95, one.suggestion, one.overruns) for one in found.headroom} == {(None, None, None, 0)}


def test_calls_at_other_times_are_no_runs_of_the_job() -> None:
    others = [call("jobs", day, Cadence.daily(at), 50) for day in DAYS for at in ("08:00", "14:00", "20:00")]

    assert played([*log(), *others]) == played(log())


def test_after_the_night_the_runs_at_the_new_times_count() -> None:
    rows = [row for row in log() if row.entity != "customers"]
    rows += [call("customers", day, DAILY["customers"].target, 4.5) for day in DAYS]
    found = played(rows)

    (customers,) = [one for one in found.headroom if one.job.entity.name == "customers"]
    assert customers.p50 == 4.5 * MINUTE, "and not 59.5, from its time before"


def test_headroom_is_to_the_next_job_and_what_is_tight_gets_a_suggestion() -> None:
    found = played([*log({"jobs": 4.1}), *(call("locations", day, DAILY["locations"].target) for day in DAYS)])
    by_name = {one.job.entity.name: one for one in found.headroom}

    jobs = by_name["jobs"]
    assert (jobs.p50, jobs.p95, jobs.gap, jobs.is_tight) == (1.2 * MINUTE, 4.1 * MINUTE, 5 * MINUTE, True)
    assert jobs.suggestion == (
        "jobs: its p95, 4.1 min, is over 80% of the 5.0 min until appointments; give it 6 min: "
        "appointments at 04:06 or later"
    )
    assert by_name["locations"].gap == (DAILY["invoices"].target.minute - DAILY["locations"].target.minute) * MINUTE
    assert (by_name["payroll_adjustments"].gap, by_name["payroll_adjustments"].suggestion) == (None, None)
    assert [name for name, one in by_name.items() if one.suggestion] == ["jobs"]


@pytest.mark.parametrize(("minutes", "tight"), [(4.0, False), (4.01, True)])
def test_just_80_percent_of_the_gap_is_enough(minutes: float, tight: bool) -> None:
    found = played(log({"jobs": minutes}))

    assert next(one for one in found.headroom if one.job.entity.name == "jobs").is_tight is tight


def test_weekly_jobs_are_replayed_on_their_day_and_narrow_the_gap() -> None:
    last = night(3)
    sunday = [call(name, DAYS[1], entity.target, 6) for name, entity in WEEKLY.items()]
    found = played([*log(), *sunday], last)

    assert [rule for rule, entity in failed(found)[25]] == ["no-overlap"] * 3
    assert failed(found).keys() == {25}
    (adjustments,) = [one for one in found.headroom if one.job.entity.name == "payroll_adjustments"]
    assert adjustments.following
    assert (adjustments.gap, adjustments.following.entity.name) == (55 * MINUTE, "business_units")


def test_a_job_without_one_time_a_day_is_left_out() -> None:
    before = SHIFT.world_before()
    after = dict(SHIFT.world())
    after["payroll"] = replace(after["payroll"], cadence=Cadence.verbatim("0 5,17 * * *"))
    found = replay(SHIFT, before, after, log(), DAYS, NOW)

    assert (found.irregular, found.verdict) == (("payroll",), "pass")


@pytest.mark.parametrize(
    ("now", "last"), [("2026-10-26T21:00", 26), ("2026-10-26T06:00", 25), ("2026-10-26T00:30", 25)]
)
def test_the_last_night_is_one_whose_runs_are_over(now: str, last: int) -> None:
    found = last_nights(SHIFT, SHIFT.world_before(), SHIFT.world(), in_phoenix(now), 2)

    assert found == [date(2026, 10, last - 1), date(2026, 10, last)]


SPANS = st.lists(st.integers(0, 10**6).map(lambda n: timedelta(milliseconds=n)), min_size=1, max_size=60).map(sorted)


@given(SPANS, st.integers(1, 100))
def test_a_percentile_is_the_smallest_that_so_many_percent_are_not_above(spans: list[timedelta], percent: int) -> None:
    found = percentile(spans, percent)

    assert found in spans
    assert sum(span <= found for span in spans) * 100 >= percent * len(spans)
    assert all(sum(span <= less for span in spans) * 100 < percent * len(spans) for less in spans if less < found)


LENGTHS = st.fixed_dictionaries({name: st.floats(0.1, 40).map(lambda n: round(n, 1)) for name in DAILY})


@given(LENGTHS)
def test_a_night_holds_when_every_run_ends_before_the_next_time_and_core_before_the_others(
    took: dict[str, float],
) -> None:
    """Against the rules in minutes, counted here: a failed night is one where one of them is broken."""
    rows = [*log(took), call("locations", DAYS[1], DAILY["locations"].target, took["locations"])]
    found: Night = played(rows).nights[1]

    starts = sorted((entity.target.minute, name) for name, entity in DAILY.items())
    gaps = {name: later - start for (start, name), (later, _) in pairwise(starts)}
    overlaps = {name for name, gap in gaps.items() if took[name] > gap}
    core = max(DAILY[name].target.minute + took[name] for name in took if DAILY[name].group == "core")
    spoiled = {
        name
        for name, entity in DAILY.items()
        if entity.group in ("financial", "labor") and core >= entity.target.minute + DELAY / MINUTE
    }
    assert {c.entity for c in found.failed if c.name == "no-overlap"} == overlaps
    assert {c.entity for c in found.failed if c.name == "in-order"} == spoiled
    assert (found.verdict is Verdict.FAIL) == bool(overlaps or spoiled)
