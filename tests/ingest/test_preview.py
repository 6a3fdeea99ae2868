"""What a deploy says before it is done: windows in which it doubles or loses a run, and the JSON of the preview."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.neighbours import Neighbour
from ingest.preview import Preview, clock_warnings, next_run, preview, run_windows
from ingest.rollout import Action, Change, before_rollout, changes, state_at
from ingest.schedule import Cadence
from tests.given.domain import PHOENIX, daily, in_phoenix, night, weekly

JOBS = next(entity for entity in CATALOGUE if entity.name == "jobs")
CAMPAIGNS = next(entity for entity in CATALOGUE if entity.name == "campaigns")

EARLY, LATE = Cadence.daily("02:00"), Cadence.daily("04:00")
SATURDAY, SUNDAY = Cadence.weekly("Saturday", "06:00"), Cadence.weekly("Sunday", "06:00")


def _shift(before: Cadence, after: Cadence) -> Change:
    later = before.slot < after.slot
    action = Action.UNCHANGED if before == after else Action.SHIFT_LATER if later else Action.SHIFT_EARLIER
    return Change(CAMPAIGNS if after.is_weekly else JOBS, (action,), before, after)


def _kinds(change: Change, at: str) -> list[str]:
    return [warning.kind for warning in run_windows([change], in_phoenix(at), PHOENIX)]


def _preview_of_night(number: int, at: str, strategy: str = "phased") -> Preview:
    settings = night(number, strategy)
    return preview(settings, settings.world_before(), "the night before", in_phoenix(at))


@pytest.mark.parametrize(
    ("at", "doubled"),
    [
        ("2026-10-20T00:00", False),
        ("2026-10-20T01:54", False),
        ("2026-10-20T01:54:59", False),
        ("2026-10-20T01:55", True),
        ("2026-10-20T02:00", True),
        ("2026-10-20T03:59", True),
        ("2026-10-20T03:59:59", True),
        ("2026-10-20T04:00", False),
        ("2026-10-20T20:00", False),
        ("2026-10-20T23:59", False),
    ],
)
def test_a_move_later_doubles_the_run_when_deployed_between_the_old_time_and_the_new(at: str, doubled: bool) -> None:
    assert _kinds(_shift(EARLY, LATE), at) == (["double run"] if doubled else [])


@pytest.mark.parametrize(
    ("at", "lost"),
    [
        ("2026-10-20T01:54:59", False),
        ("2026-10-20T01:55", True),
        ("2026-10-20T03:59:59", True),
        ("2026-10-20T04:00", False),
        ("2026-10-20T23:59", False),
    ],
)
def test_a_move_earlier_loses_the_run_when_deployed_between_the_new_time_and_the_old(at: str, lost: bool) -> None:
    assert _kinds(_shift(LATE, EARLY), at) == (["lost run"] if lost else [])


@pytest.mark.parametrize("at", ["01:55", "01:57", "01:59", "02:00", "02:02"])
def test_a_move_by_less_than_the_allowance_does_one_thing_only(at: str) -> None:
    soon = Cadence.daily("02:03")
    assert _kinds(_shift(EARLY, soon), f"2026-10-20T{at}") == ["double run"]
    assert _kinds(_shift(soon, EARLY), f"2026-10-20T{at}") == ["lost run"]


@pytest.mark.parametrize(
    ("before", "after", "at", "kinds"),
    [
        (SUNDAY, SATURDAY, "2026-10-18T05:54", []),
        (SUNDAY, SATURDAY, "2026-10-18T05:55", ["double run"]),
        (SUNDAY, SATURDAY, "2026-10-21T12:00", ["double run"]),
        (SUNDAY, SATURDAY, "2026-10-24T05:59", ["double run"]),
        (SUNDAY, SATURDAY, "2026-10-24T06:00", []),
        (SATURDAY, SUNDAY, "2026-10-18T05:54", []),
        (SATURDAY, SUNDAY, "2026-10-18T05:55", ["lost run"]),
        (SATURDAY, SUNDAY, "2026-10-21T12:00", ["lost run"]),
        (SATURDAY, SUNDAY, "2026-10-24T06:00", []),
    ],
)
def test_the_window_of_a_weekly_job_spans_the_days_of_its_week(
    before: Cadence, after: Cadence, at: str, kinds: list[str]
) -> None:
    # 2026-10-18 is a Sunday, and 2026-10-24 the Saturday of its week.
    assert _kinds(_shift(before, after), at) == kinds


def test_a_deploy_just_before_midnight_may_land_in_a_window_of_the_next_day() -> None:
    change = _shift(Cadence.daily("00:02"), LATE)
    assert _kinds(change, "2026-10-20T23:56") == []
    assert _kinds(change, "2026-10-20T23:57") == ["double run"]
    assert _kinds(_shift(LATE, Cadence.daily("00:02")), "2026-10-20T23:57") == ["lost run"]


def test_a_deploy_just_before_the_weeks_end_may_land_in_a_window_of_the_next_week() -> None:
    change = _shift(Cadence.weekly("Sunday", "00:02"), SUNDAY)
    assert _kinds(change, "2026-10-24T23:57") == ["double run"]
    assert _kinds(change, "2026-10-23T23:57") == []


def test_the_clock_is_read_in_the_schedules_zone() -> None:
    utc = datetime.fromisoformat("2026-10-20T10:00+00:00")
    (warning,) = run_windows([_shift(EARLY, LATE)], utc, PHOENIX)
    assert "(now 03:00)" in warning.text


@pytest.mark.parametrize(
    "change",
    [
        Change(JOBS, (Action.CREATE,), None, LATE),
        Change(JOBS, (Action.REMOVE,), LATE, None),
        Change(JOBS, (Action.ADOPT,), LATE, LATE),
        Change(JOBS, (Action.UNCHANGED,), LATE, LATE),
    ],
    ids=lambda change: change.actions[0],
)
def test_a_job_that_is_not_moved_has_no_window(change: Change) -> None:
    midnight = in_phoenix("2026-10-20T00:00")
    warned = [n for n in range(24 * 60) if run_windows([change], midnight + timedelta(minutes=n), PHOENIX)]
    assert warned == []


def test_adopting_and_shifting_at_once_has_the_window_of_the_shift() -> None:
    found = changes(before_rollout(), state_at(night(2).rollout, 2))
    doubled = [w.entity for w in run_windows(found, in_phoenix("2026-10-20T02:12"), PHOENIX)]
    assert doubled == ["jobs", "appointments", "invoices"]


def test_the_warnings_say_what_happens_and_when_to_deploy_instead() -> None:
    at = in_phoenix("2026-10-20T03:00")
    (double,) = run_windows([_shift(EARLY, LATE)], at, PHOENIX)
    (lost,) = run_windows([_shift(LATE, EARLY)], at, PHOENIX)
    (lost_week,) = run_windows([_shift(SATURDAY, SUNDAY)], at, PHOENIX)
    assert double.text == (
        "jobs: runs twice, it starts at 02:00 and again at 04:00 (now 03:00); "
        "deploy after 04:00, or accept a second incremental run"
    )
    assert lost.text == ("jobs: loses today's run, 02:00 has passed and the run at 04:00 is taken away (now 03:00)")
    assert lost_week.text == (
        "campaigns: loses this week's run, Sun 06:00 has passed and the run at Sat 06:00 is taken away (now 03:00)"
    )
    assert (double.entity, lost.entity, lost_week.entity) == ("jobs", "jobs", "campaigns")


def _period(cadence: Cadence, run: datetime) -> datetime:
    midnight = run.replace(hour=0, minute=0, second=0)
    return midnight - timedelta(days=run.isoweekday() % 7) if cadence.is_weekly else midnight


def _runs(cadence: Cadence, around: datetime) -> list[datetime]:
    days = (around.replace(hour=0, minute=0, second=0) + timedelta(days=n) for n in range(-21, 22))
    return [
        day.replace(hour=cadence.at.hour, minute=cadence.at.minute)
        for day in days
        if cadence.weekday in (None, day.isoweekday() % 7)
    ]


def _simulated(before: Cadence, after: Cadence, at: datetime) -> set[str]:
    """Counts the runs of the periods around `at`, for a deploy that lands at once, or up to five minutes later."""
    found = set()
    for landing in (at + timedelta(minutes=n) for n in range(6)):
        runs = [run for run in _runs(before, at) if run <= landing] + [run for run in _runs(after, at) if run > landing]
        counts = Counter(_period(after, run) for run in runs)
        days = 7 if after.is_weekly else 1
        near = [_period(after, at) + timedelta(days=n * days) for n in (-1, 0, 1)]
        found |= {"double run" for period in near if counts[period] > 1}
        found |= {"lost run" for period in near if counts[period] < 1}
    return found


pairs = st.one_of(st.tuples(daily, daily), st.tuples(weekly, weekly))
near_midnight = st.builds(
    lambda hour, minute: Cadence.daily(f"{hour:02}:{minute:02}"), st.sampled_from([0, 23]), st.integers(0, 59)
)
close_pairs = st.builds(
    lambda hour, one, other, day: (Cadence(time(hour, one), day), Cadence(time(hour, other), day)),
    st.sampled_from([0, 4, 23]),
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from([None, 0, 3, 6]),
)
instants = st.datetimes(datetime(2026, 10, 1), datetime(2026, 11, 1)).map(lambda at: at.replace(microsecond=0))


@given(
    st.one_of(pairs, st.tuples(near_midnight, near_midnight), close_pairs),
    instants,
    st.one_of(st.none(), st.tuples(st.booleans(), st.integers(-400, 400))),
)
@settings(max_examples=200)
def test_the_warnings_are_those_of_a_simulated_schedule(
    pair: tuple[Cadence, Cadence], at: datetime, close_to: tuple[bool, int] | None
) -> None:
    before, after = pair
    if close_to:
        cadence = after if close_to[0] else before
        at = _runs(cadence, at)[3] + timedelta(seconds=close_to[1])
    aware = at.replace(tzinfo=in_phoenix("2026-10-20T00:00").tzinfo)
    warnings = run_windows([_shift(before, after)], aware, PHOENIX)
    assert {warning.kind for warning in warnings} == _simulated(before, after, at)
    assert len(warnings) <= 1


def test_daylight_saving_is_warned_of_once_for_all_jobs_of_a_night() -> None:
    found = changes({}, state_at(night(1).rollout, 1))
    texts = [w.text for w in clock_warnings(found, in_phoenix("2026-10-20T03:00"), "America/New_York")]
    assert texts == [
        "jobs, appointments, invoices, estimates, payments: on 2027-03-14 the clock of America/New_York changes and "
        "the local time is skipped; pick a time that occurs once on that night, or a zone without daylight saving"
    ]


def test_daylight_saving_warnings_come_by_date_and_name_their_jobs() -> None:
    found = [_shift(LATE, EARLY), Change(CAMPAIGNS, (Action.CREATE,), None, Cadence.weekly("Sunday", "01:30"))]
    warnings = clock_warnings(found, in_phoenix("2026-01-20T03:00"), "America/New_York")
    assert [(w.kind, w.entity, w.text.split("; ")[0]) for w in warnings] == [
        (
            "clock change",
            "jobs",
            "jobs: on 2026-03-08 the clock of America/New_York changes and the local time is skipped",
        ),
        (
            "clock change",
            "campaigns",
            "campaigns: on 2026-11-01 the clock of America/New_York changes and the local time is repeated",
        ),
    ]


def test_a_removed_job_is_not_warned_of_for_daylight_saving() -> None:
    removed = Change(JOBS, (Action.REMOVE,), EARLY, None)
    assert clock_warnings([removed], in_phoenix("2026-01-20T03:00"), "America/New_York") == []


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_in_the_evening_no_night_of_the_plan_has_a_warning(number: int) -> None:
    assert _preview_of_night(number, "2026-10-20T20:00").warnings == []


def test_the_shift_at_three_in_the_morning_doubles_runs_but_loses_none() -> None:
    found = _preview_of_night(2, "2026-10-20T03:00")
    assert [w.entity for w in found.warnings if w.kind == "double run"] == [
        "jobs",
        "appointments",
        "invoices",
        "estimates",
        "payments",
        "payroll",
    ]
    assert not found.loses_runs


def test_going_back_at_three_in_the_morning_loses_runs() -> None:
    settings = night(1)
    found = preview(settings, state_at(settings.rollout, 2), "night 2", in_phoenix("2026-10-20T03:00"))
    assert [w.entity for w in found.warnings] == [
        "jobs",
        "appointments",
        "invoices",
        "estimates",
        "payments",
        "payroll",
    ]
    assert found.loses_runs


def test_a_preview_of_the_night_that_is_deployed_has_no_changes() -> None:
    settings = night(1)
    found = preview(settings, state_at(settings.rollout, 1), "night 1", in_phoenix("2026-10-20T20:00"))
    assert (found.has_changes, found.stacks) == (False, [])


def test_a_preview_names_its_night_its_strategy_and_what_it_counts_from() -> None:
    found = _preview_of_night(1, "2026-10-20T20:00", "immediate")
    assert (found.strategy, found.night, found.title, found.before) == ("immediate", 1, "shift", "the night before")
    assert found.stacks == ["phase-core", "phase-financial", "phase-labor"]
    assert found.has_changes


def test_a_preview_without_adoption_creates_the_live_jobs() -> None:
    found = preview(night(0, adopt_existing=False), {}, "nothing", in_phoenix("2026-10-20T20:00"))
    assert {change.actions for change in found.changes} == {(Action.CREATE,)}


def test_the_json_of_a_preview_holds_everything_in_plain_values() -> None:
    settings = night(2)
    before = {name: job for name, job in state_at(settings.rollout, 3).items() if name in ("jobs", "campaigns")}
    before["jobs"] = state_at(settings.rollout, 1)["jobs"]
    found = preview(settings, before, "a test", in_phoenix("2026-10-20T02:00")).as_json()
    listed = found.pop("changes")
    assert found == {
        "strategy": "phased",
        "night": 2,
        "title": "shift",
        "before": "a test",
        "at": "2026-10-20T02:00:00-07:00",
        "time_zone": "America/Phoenix",
        "stacks": ["phase-core", "phase-financial", "phase-labor", "phase-reference"],
        "warnings": [
            {
                "kind": "double run",
                "entity": "jobs",
                "text": "jobs: runs twice, it starts at 02:00 and again at 04:00 (now 02:00); "
                "deploy after 04:00, or accept a second incremental run",
            }
        ],
    }
    assert isinstance(listed, list)
    by_entity = {change["entity"]: change for change in listed}
    assert by_entity["jobs"] == {
        "entity": "jobs",
        "job": "v2-sync-jobs-daily",
        "group": "core",
        "actions": ["shift later"],
        "before": "0 2 * * *",
        "after": "0 4 * * *",
        "next_run": "2026-10-20T04:00:00-07:00",
        "fields": [],
        "notes": [],
    }
    assert by_entity["campaigns"] == {
        "entity": "campaigns",
        "job": "v2-sync-campaigns-weekly",
        "group": "reference",
        "actions": ["remove"],
        "before": "15 6 * * 0",
        "after": None,
        "next_run": None,
        "fields": [],
        "notes": [],
    }
    assert by_entity["locations"]["before"] is None


def test_the_next_run_is_in_local_time_with_its_offset() -> None:
    assert next_run(SUNDAY, in_phoenix("2026-10-20T20:00"), PHOENIX) == "2026-10-25T06:00:00-07:00"
    assert next_run(None, in_phoenix("2026-10-20T20:00"), PHOENIX) is None


def test_a_neighbour_that_a_night_meets_is_a_warning_and_loses_no_run() -> None:
    rebuild = Neighbour("v2-rebuild-dim-jobs-daily", "0 4 * * *", PHOENIX, "calls the ingest service at /x")
    settings = night(2)
    found = preview(settings, settings.world_before(), "night 1", in_phoenix("2026-10-20T21:00"), [rebuild])

    assert [(one.kind, one.entity) for one in found.warnings] == [("neighbour", "v2-rebuild-dim-jobs-daily")]
    assert found.as_json()["warnings"] == [
        {
            "kind": "neighbour",
            "entity": "v2-rebuild-dim-jobs-daily",
            "text": "v2-rebuild-dim-jobs-daily at 04:00 now runs while jobs loads; "
            "it used to run 45 min after the last one",
        }
    ]
    assert not found.loses_runs


def test_a_preview_that_knows_no_neighbours_says_nothing_of_them() -> None:
    assert _preview_of_night(2, "2026-10-20T21:00").warnings == []


def test_one_time_is_named_from_which_a_deploy_loses_nothing() -> None:
    """Going back from night 2 at 02:40: eight jobs lose their run, one after the other."""
    settings = night(1)
    found = preview(settings, settings.world(2), "night 2 is deployed", in_phoenix("2026-10-21T02:40"))
    lost = {warning.entity for warning in found.warnings if warning.kind == "lost run"}

    assert {"jobs", "invoices"} <= lost
    assert found.loses_nothing_from == in_phoenix("2026-10-21T05:01")
    then = preview(settings, settings.world(2), "night 2 is deployed", found.loses_nothing_from)
    assert not then.loses_runs
    before = preview(
        settings, settings.world(2), "night 2 is deployed", found.loses_nothing_from - timedelta(minutes=2)
    )
    assert before.loses_runs


@pytest.mark.parametrize(("at", "kinds"), [("2026-10-20T21:50", ["lost run"]), ("2026-10-20T22:05", [])])
def test_a_window_is_judged_by_the_zone_that_the_job_has_now(at: str, kinds: list[str]) -> None:
    """05:00 in UTC is 22:00 in Phoenix, which is later in the day than 04:00."""
    change = _shift(LATE, LATE)._replace(before=Cadence.daily("05:00"), before_zone="UTC")

    assert _kinds(change, at) == kinds


def test_a_job_in_a_zone_that_is_none_is_compared_as_if_it_were_in_ours() -> None:
    change = _shift(LATE, LATE)._replace(before=Cadence.daily("05:00"), before_zone="Mars/Base")

    assert _kinds(change, "2026-10-20T04:30") == _kinds(change._replace(before_zone=None), "2026-10-20T04:30")
