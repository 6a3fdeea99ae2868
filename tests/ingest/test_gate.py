"""The gate's checks: each passes, fails and is inconclusive; missing evidence never passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.attempt import Attempt
from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.freshness import Loaded
from ingest.gate import NAMES, WARN_SHARE, WINDOW, Check, Evidence, blocking, evaluate, gate_time, record
from ingest.rollout import STRATEGIES, Hold, Job, World, state_at
from ingest.schedule import Cadence, time_zone
from ingest.verdict import Verdict, overall

ZONE = "America/Phoenix"
PHOENIX = time_zone(ZONE)
DEPLOYED = datetime(2026, 10, 21, 21, tzinfo=PHOENIX)
MORNING = datetime(2026, 10, 22, 8, tzinfo=PHOENIX)
WORLD = state_at(STRATEGIES["phased"], 2)
TOOK = timedelta(minutes=2)


def due(entity: str) -> datetime:
    """When a daily job of night 2 is due on the morning after the deploy."""
    return datetime.combine(MORNING.date(), WORLD[entity].cadence.at, PHOENIX)


def good(world: World = WORLD) -> Evidence:
    """Everything ran in its time and loaded 10 rows on top of 100."""
    return Evidence(
        {job.entity.job_name: Attempt(due(name), 0, False) for name, job in world.items()},
        {name: Loaded(due(name) + TOOK, 110) for name in world},
        dict.fromkeys(world, 100),
    )


def changed(
    entity: str, *, attempt: Attempt | None = None, table: Loaded | None = None, before: int | None = None
) -> Evidence:
    evidence = good()
    attempts: dict[str, Any] = dict(evidence.attempts or {})
    tables: dict[str, Any] = dict(evidence.tables or {})
    rows: dict[str, Any] = dict(evidence.rows_before or {})
    if attempt:
        attempts[WORLD[entity].entity.job_name] = attempt
    if table:
        tables[entity] = table
    if before is not None:
        rows[entity] = before
    return Evidence(attempts, tables, rows)


def checks(evidence: Evidence, *, now: datetime = MORNING) -> list[Check]:
    return evaluate(WORLD, ZONE, evidence, DEPLOYED, now)


def found(name: str, entity: str, evidence: Evidence, *, now: datetime = MORNING) -> Check:
    (check,) = [one for one in checks(evidence, now=now) if (one.name, one.entity) == (name, entity)]
    return check


def test_a_night_in_which_everything_went_well_passes_with_every_check() -> None:
    all_checks = checks(good())

    assert overall(check.verdict for check in all_checks) is Verdict.PASS
    assert {check.name for check in all_checks} == set(NAMES)
    assert {check.verdict for check in all_checks} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("attempt", "verdict", "measured"),
    [
        (Attempt(due("returns"), 0, False), "pass", "began Thu 04:55"),
        (Attempt(due("returns") + WINDOW, 0, False), "pass", "began Thu 06:55"),
        (Attempt(None, None, False), "fail", "never ran"),
        (Attempt(due("returns") - timedelta(days=1), 0, False), "fail", "last began Wed 04:55"),
        (Attempt(due("returns") - timedelta(days=1), 0, True), "fail", "last began Wed 04:55, the job is paused"),
        (
            Attempt(due("returns") + WINDOW + timedelta(minutes=1), 0, False),
            "inconclusive",
            "the last attempt began Thu 06:56, which is no scheduled run",
        ),
    ],
)
def test_only_a_scheduled_run_counts_as_having_run(attempt: Attempt, verdict: str, measured: str) -> None:
    check = found("ran", "returns", changed("returns", attempt=attempt))

    assert (check.verdict, check.measured) == (verdict, measured)
    assert (check.expected, check.tolerance) == ("a run at Thu 04:55", "began within 2 h")


def test_a_run_that_is_not_due_yet_is_inconclusive() -> None:
    check = found("ran", "payroll", good(), now=due("payroll") - timedelta(minutes=1))

    assert (check.verdict, check.expected, check.measured) == ("inconclusive", "a run at Thu 05:00", "not due yet")


def test_a_job_that_does_not_exist_fails() -> None:
    evidence = good()
    attempts = {key: value for key, value in (evidence.attempts or {}).items() if "returns" not in key}

    assert found("ran", "returns", replace(evidence, attempts=attempts)).measured == "the job does not exist"


def test_an_attempt_from_before_the_deploy_does_not_count() -> None:
    attempts = {
        name: replace(one, started=DEPLOYED - timedelta(hours=1)) for name, one in (good().attempts or {}).items()
    }

    assert {c.verdict for c in checks(replace(good(), attempts=attempts)) if c.name == "ran"} == {Verdict.FAIL}


def test_a_failed_attempt_fails_with_its_code() -> None:
    check = found("succeeded", "payroll", changed("payroll", attempt=Attempt(due("payroll"), 4, False)))

    assert (check.verdict, check.expected, check.measured) == ("fail", "OK", "DEADLINE_EXCEEDED (4)")


@pytest.mark.parametrize("code", [-1, 99])
def test_a_code_of_no_attempt_that_has_ended_is_inconclusive_by_name(code: int) -> None:
    evidence = changed("payroll", attempt=Attempt(due("payroll"), code))

    assert (found("succeeded", "payroll", evidence).verdict, found("succeeded", "payroll", evidence).measured) == (
        "inconclusive",
        f"code {code}",
    )


def test_the_ledger_gives_back_the_checks_that_were_recorded() -> None:
    made = checks(changed("jobs", attempt=Attempt(due("jobs"), 13), before=200))

    assert [Check.read(check) for check in record(made, DEPLOYED, MORNING)["checks"]] == made


@pytest.mark.parametrize(("old", "new"), [("in order", "in-order"), ("no overlap", "no-overlap"), ("kept", "kept")])
def test_a_check_of_an_older_ledger_has_its_present_name(old: str, new: str) -> None:
    made = Check(new, "jobs", Verdict.FAIL, "this", "that", "none")

    assert new in NAMES
    assert Check.read({**made.record(), "check": old}) == made


def test_what_fails_and_what_is_not_known_blocks_each_name_once() -> None:
    def named(name: str, verdict: Verdict) -> Check:
        return Check(name, "jobs", verdict, "", "")

    made = [named("ran", Verdict.PASS), named("kept", Verdict.WARN), named("loaded", Verdict.FAIL)]
    made += [named("succeeded", Verdict.INCONCLUSIVE), named("loaded", Verdict.FAIL)]
    assert blocking(made) == ["loaded", "succeeded"]


@pytest.mark.parametrize(
    ("at", "verdict", "measured"),
    [
        (due("jobs"), "pass", "last loaded Thu 04:00"),
        (due("jobs") - timedelta(seconds=1), "fail", "last loaded Thu 03:59"),
        (None, "fail", "never loaded"),
    ],
)
def test_the_table_got_rows_from_the_run(at: datetime | None, verdict: str, measured: str) -> None:
    check = found("loaded", "jobs", changed("jobs", table=Loaded(at, 110)))

    assert (check.verdict, check.measured) == (verdict, measured)


@pytest.mark.parametrize(("rows", "verdict"), [(100, "pass"), (99, "fail")])
def test_the_table_did_not_shrink(rows: int, verdict: str) -> None:
    check = found("kept", "jobs", changed("jobs", table=Loaded(due("jobs") + TOOK, rows)))

    assert (check.verdict, check.expected, check.measured) == (verdict, "100 rows or more", str(rows))


@pytest.mark.parametrize(("minutes", "verdict"), [(29, "pass"), (30, "fail"), (45, "fail")])
def test_a_job_begins_after_the_groups_it_needs_have_ended(minutes: int, verdict: str) -> None:
    ended = due("jobs") + timedelta(minutes=minutes)
    check = found("in-order", "invoices", changed("jobs", table=Loaded(ended, 110)))

    assert check.verdict == verdict
    assert check.expected == "begins after core has ended"


@pytest.mark.parametrize(
    ("share", "verdict"), [(WARN_SHARE - 0.01, "pass"), (WARN_SHARE, "warn"), (1.0, "warn"), (1.01, "fail")]
)
def test_a_run_ends_before_the_next_jobs_time_and_warns_when_it_is_close(share: float, verdict: str) -> None:
    check = found("no-overlap", "jobs", changed("jobs", table=Loaded(due("jobs") + share * timedelta(minutes=5), 110)))

    assert (check.verdict, check.tolerance) == (verdict, "5.0 min")


def test_a_warning_does_not_hold() -> None:
    close = changed("jobs", table=Loaded(due("jobs") + timedelta(minutes=4), 110))

    assert overall(check.verdict for check in checks(close)) is Verdict.PASS


@pytest.mark.parametrize("missing", ["attempts", "tables", "rows_before"])
def test_missing_evidence_holds(missing: str) -> None:
    lacking: Mapping[str, Any] = {missing: None}
    verdict = overall(check.verdict for check in checks(replace(good(), **lacking)))

    assert verdict is Verdict.INCONCLUSIVE


def test_a_table_that_nobody_could_ask_holds() -> None:
    evidence = good()
    tables = {name: table for name, table in (evidence.tables or {}).items() if name != "jobs"}

    assert found("loaded", "jobs", replace(evidence, tables=tables)).verdict is Verdict.INCONCLUSIVE
    assert found("kept", "jobs", replace(evidence, tables=tables)).verdict is Verdict.INCONCLUSIVE


def test_live_times_of_night_0_need_no_order() -> None:
    world = state_at(STRATEGIES["phased"], 0)
    assert not [c for c in evaluate(world, ZONE, good(world), DEPLOYED, MORNING) if c.name == "in-order"]


def test_the_gate_of_the_weekly_jobs_is_after_their_sunday() -> None:
    world = state_at(STRATEGIES["phased"], 3)

    assert gate_time(world, ZONE, DEPLOYED) == datetime(2026, 10, 25, 6, 15, tzinfo=PHOENIX) + WINDOW


def test_many_jobs_are_judged_with_one_look_at_each() -> None:
    lookups = 0

    class Counting(dict[str, Attempt]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal lookups
            lookups += 1
            return super().get(key, default)

    entities = [replace(CATALOGUE[0], name=f"entity_{number}") for number in range(10_000)]
    world = {entity.name: Job(entity, entity.target, Hold.DECLARED, False) for entity in entities}
    attempts = Counting({entity.job_name: Attempt(due("jobs"), 0, False) for entity in entities})
    found = evaluate(world, ZONE, Evidence(attempts, None, None), DEPLOYED, MORNING)

    assert lookups == 10_000
    assert len([check for check in found if check.name == "ran" and check.verdict is Verdict.PASS]) == 10_000


def _entity(cadence: Cadence) -> Entity:
    return replace(CATALOGUE[0], target=cadence)


@given(
    minute=st.integers(0, 24 * 60 - 1),
    weekday=st.none() | st.integers(0, 6),
    since=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    hours=st.floats(0, 24 * 15),
    zone=st.sampled_from(["America/Phoenix", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_a_run_counts_when_it_was_due_after_the_deploy_and_until_now(
    minute: int, weekday: int | None, since: datetime, hours: float, zone: str
) -> None:
    cadence = Cadence.parse(f"{minute % 60} {minute // 60} * * {'*' if weekday is None else weekday}")
    begin = since.replace(microsecond=0, tzinfo=time_zone(zone))
    now = begin + timedelta(hours=hours)
    entity = _entity(cadence)
    world = {entity.name: Job(entity, cadence, Hold.DECLARED, False)}
    fires = []
    for fire in cadence.next_fires(begin, zone):
        if fire.timestamp() > now.timestamp():
            break
        fires.append(fire)
    attempts = {entity.job_name: Attempt(fires[-1], 0, False)} if fires else {}
    (ran, *_) = evaluate(world, zone, Evidence(attempts, None, None), begin, now)

    assert ran.verdict is (Verdict.PASS if fires else Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(("name", "entity"), [("in-order", "invoices"), ("no-overlap", "jobs")])
def test_an_end_that_is_not_known_is_inconclusive(name: str, entity: str) -> None:
    evidence = good()
    tables = {key: table for key, table in (evidence.tables or {}).items() if key != "jobs"}
    check = found(name, entity, replace(evidence, tables=tables))

    assert check.verdict is Verdict.INCONCLUSIVE
    assert "not known" in check.measured
