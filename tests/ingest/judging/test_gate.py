"""The gate's checks on mornings: good ones open it, each bad one is blocked by name and nothing else with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.attempt import Attempt, LiveJob
from ingest.catalogue import CATALOGUE
from ingest.judging.duplicates import NO_ROWS, Keys
from ingest.judging.freshness import MISSING, Loaded
from ingest.judging.gate import (
    NAMES,
    WARN_SHARE,
    Check,
    Evidence,
    _runs_at,
    blocking,
    evaluate,
    gate_time,
    record,
)
from ingest.judging.run import START_DELAY, window
from ingest.judging.verdict import Verdict, overall
from ingest.rollout import Job, Management
from ingest.schedule import Cadence, time_zone
from tests.given.domain import SETTINGS, night
from tests.given.mornings import DEPLOYED, MORNING, SHIFTED, TOOK, Morning, minutes, texts

WINDOW = window(SETTINGS)


def after(entity: str, count: float) -> datetime:
    """That many minutes after the entity's time on the morning."""
    return Morning().due(entity) + minutes(count)


def test_a_night_in_which_everything_went_well_passes_with_every_check() -> None:
    checks = Morning().checks()

    assert {check.name for check in checks} == set(NAMES)
    assert {check.verdict for check in checks} == {Verdict.PASS}


def test_every_time_that_is_shown_has_its_date() -> None:
    morning = Morning()
    morning.attempt("jobs", after("jobs", -24 * 60))
    morning.called("returns", after("returns", 200))
    morning.change("invoices", updated=after("invoices", 10))
    morning.tables["payroll"] = Loaded(after("payroll", 60 * 24 * 400), 110)

    for text in texts(morning.checks()):
        assert re.sub(r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d", "", text).count(":") == 0, text


GOOD: dict[str, Callable[[Morning], None]] = {}
BAD: dict[str, tuple[tuple[str, str, str], Callable[[Morning], None]]] = {}
Change = Callable[[Morning], None]


def good(change: Change) -> Change:
    GOOD[change.__name__] = change
    return change


def bad(name: str, entity: str, verdict: str) -> Callable[[Change], Change]:
    def note(change: Change) -> Change:
        BAD[change.__name__] = ((name, entity, verdict), change)
        return change

    return note


@good
def quiet_entities(morning: Morning) -> None:
    morning.quiet("returns")
    morning.quiet("inventory_bills", table=False)


@good
def other_writers_of_the_same_tables_later_in_the_morning(morning: Morning) -> None:
    for entity in ("jobs", "invoices", "customers"):
        later = after(entity, 180)
        morning.called(entity, later)
        morning.tables[entity] = Loaded(later + TOOK, 130)


@good
def a_run_by_hand_after_the_window(morning: Morning) -> None:
    for entity in ("returns", "jobs"):
        morning.attempt(entity, after(entity, 150))
        morning.called(entity, after(entity, 150))


@good
def a_run_by_hand_that_fails_after_one_that_succeeded(morning: Morning) -> None:
    morning.attempt("returns", after("returns", 15), 13)
    morning.called("returns", after("returns", 15), status="failed", fetched=0)


@good
def a_retry_that_succeeded(morning: Morning) -> None:
    morning.unlogged("payments")
    morning.called("payments", after("payments", 0), took=minutes(0.1), status="failed", fetched=0, error="429 slow")
    morning.called("payments", after("payments", 1.2))
    morning.attempt("payments", after("payments", 1.2))
    morning.tables["payments"] = Loaded(after("payments", 1.5), 110)


@good
def no_run_log_at_all_but_tables_that_moved(morning: Morning) -> None:
    morning.log = None


@good
def a_row_lost_from_the_run_log(morning: Morning) -> None:
    morning.unlogged("estimates")


@good
def a_first_try_that_never_reached_the_service(morning: Morning) -> None:
    morning.unlogged("payroll")
    morning.called("payroll", after("payroll", 1.1))
    morning.attempt("payroll", after("payroll", 1.1))


@good
def a_job_changed_by_hand_before_its_run(morning: Morning) -> None:
    morning.change("returns", updated=after("returns", -60))


@bad("succeeded", "returns", "fail")
def a_service_error(morning: Morning) -> None:
    morning.failed("returns", after("returns", 4))


@bad("succeeded", "locations", "fail")
def an_upstream_404_of_one_entity(morning: Morning) -> None:
    morning.failed("locations", after("locations", 4), error="ServiceTitan answered 404")


@bad("succeeded", "returns", "fail")
def a_failure_that_a_run_by_hand_did_not_heal(morning: Morning) -> None:
    morning.failed("returns", after("returns", 4))
    morning.attempt("returns", after("returns", 60))
    morning.called("returns", after("returns", 60))
    morning.tables["returns"] = Loaded(after("returns", 61), 110)


@bad("succeeded", "returns", "fail")
def a_failure_with_a_run_by_hand_after_the_window(morning: Morning) -> None:
    morning.failed("returns", after("returns", 4))
    morning.attempt("returns", after("returns", 150))
    morning.called("returns", after("returns", 150))
    morning.tables["returns"] = Loaded(after("returns", 151), 110)


@bad("loaded", "returns", "fail")
def records_claimed_and_no_table_moved(morning: Morning) -> None:
    morning.tables["returns"] = Loaded(after("returns", -24 * 60), 110)


@bad("loaded", "returns", "fail")
def records_claimed_and_no_table(morning: Morning) -> None:
    morning.tables["returns"] = MISSING
    morning.before["returns"] = 0
    morning.keys["returns"] = NO_ROWS


@bad("loaded", "jobs", "fail")
def no_records_of_an_entity_that_always_has_some(morning: Morning) -> None:
    morning.quiet("jobs")


@bad("loaded", "returns", "inconclusive")
def a_row_dated_in_the_future(morning: Morning) -> None:
    morning.tables["returns"] = Loaded(MORNING + timedelta(days=400), 110)


@bad("loaded", "payroll_adjustments", "inconclusive")
def a_row_lost_from_the_run_log_of_a_table_that_did_not_move(morning: Morning) -> None:
    # The last of the morning: nothing waits for its end, which is not known either.
    morning.quiet("payroll_adjustments")
    morning.unlogged("payroll_adjustments")


@bad("kept", "returns", "fail")
def a_table_that_shrank(morning: Morning) -> None:
    morning.tables["returns"] = replace(morning.tables["returns"], rows=99)


@bad("kept", "returns", "inconclusive")
def a_table_that_could_not_be_counted_at_the_deploy(morning: Morning) -> None:
    morning.before["returns"] = None


@good
def duplicates_from_before_the_deploy_fewer_by_now(morning: Morning) -> None:
    morning.keys["returns"] = Keys(110, 108, 2)


@good
def no_duplicate_of_a_table_that_could_not_be_counted_at_the_deploy(morning: Morning) -> None:
    morning.keys["returns"], morning.doubled_before["returns"] = Keys(110, 110, 0), None


@good
def equal_rows_of_a_table_without_an_id_of_servicetitans_own(morning: Morning) -> None:
    morning.keys["payroll"] = Keys(110, 106, 4)


@bad("no-duplicates", "returns", "fail")
def rows_doubled_since_the_deploy(morning: Morning) -> None:
    morning.keys["returns"] = Keys(110, 106, 4)


@bad("no-duplicates", "returns", "inconclusive")
def duplicates_of_a_table_that_could_not_be_counted_at_the_deploy(morning: Morning) -> None:
    morning.doubled_before["returns"] = None


@bad("no-duplicates", "returns", "inconclusive")
def a_table_whose_keys_cannot_be_counted(morning: Morning) -> None:
    del morning.keys["returns"]
    morning.uncounted["returns"] = "it has no column returnId"


@bad("ran", "returns", "fail")
def a_job_never_called_although_the_table_moved(morning: Morning) -> None:
    morning.attempt("returns", None, None)


@bad("ran", "returns", "fail")
def a_job_last_called_yesterday_although_the_table_moved(morning: Morning) -> None:
    morning.attempt("returns", after("returns", -24 * 60))


@bad("ran", "returns", "fail")
def a_job_that_does_not_exist(morning: Morning) -> None:
    del morning.jobs[morning.world["returns"].entity.job_name]


@bad("ran", "returns", "fail")
def a_job_paused_after_its_run(morning: Morning) -> None:
    morning.attempt("returns", after("returns", 0), paused=True)
    morning.change("returns", updated=after("returns", 30))


@bad("ran", "returns", "fail")
def a_job_paused_at_its_time_and_then_run_by_hand(morning: Morning) -> None:
    morning.unlogged("returns")
    morning.called("returns", after("returns", 20))
    morning.attempt("returns", after("returns", 20), paused=True)


@bad("ran", "returns", "inconclusive")
def a_later_attempt_hides_whether_it_ran(morning: Morning) -> None:
    morning.unlogged("returns")
    morning.attempt("returns", after("returns", 150))


@bad("ran", "returns", "inconclusive")
def an_attempt_in_the_future(morning: Morning) -> None:
    morning.attempt("returns", MORNING + minutes(1))


@bad("as-deployed", "returns", "inconclusive")
def a_job_paused_at_its_time_run_by_hand_and_resumed(morning: Morning) -> None:
    morning.unlogged("returns")
    morning.called("returns", after("returns", 20))
    morning.attempt("returns", after("returns", 20))
    morning.change("returns", updated=after("returns", 30))


@bad("as-deployed", "returns", "fail")
def a_job_moved_by_hand(morning: Morning) -> None:
    morning.change("returns", schedule="0 1 * * *", updated=after("returns", -200))


@bad("as-deployed", "returns", "fail")
def a_job_in_another_zone(morning: Morning) -> None:
    morning.change("returns", time_zone="UTC")


@bad("as-deployed", "returns", "fail")
def a_job_that_calls_another_address(morning: Morning) -> None:
    morning.change("returns", uri="https://example.com/ingest/returns?mode=incremental")


@bad("succeeded", "jobs", "inconclusive")
def an_attempt_under_way(morning: Morning) -> None:
    morning.attempt("jobs", after("jobs", 0), -1)
    morning.unlogged("jobs")


@bad("succeeded", "jobs", "inconclusive")
def a_code_that_nobody_knows(morning: Morning) -> None:
    morning.attempt("jobs", after("jobs", 0), 99)


@bad("succeeded", "returns", "inconclusive")
def a_success_that_the_run_log_denies(morning: Morning) -> None:
    morning.unlogged("returns")
    morning.called("returns", after("returns", 0), status="failed", error="Quota")


@bad("succeeded", "payroll_adjustments", "inconclusive")
def asked_20_s_after_the_last_run_began(morning: Morning) -> None:
    morning.now = after("payroll_adjustments", 20 / 60)
    morning.unlogged("payroll_adjustments")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_morning_opens_the_gate(name: str) -> None:
    morning = Morning()
    GOOD[name](morning)

    assert morning.blocked() == []
    assert morning.verdict() == Verdict.PASS


@pytest.mark.parametrize("name", BAD)
def test_a_bad_morning_is_blocked_by_name_and_nothing_else_with_it(name: str) -> None:
    morning = Morning()
    expected, change = BAD[name]
    change(morning)

    assert morning.blocked() == [expected]


def test_a_run_that_overruns_the_next_groups_start_is_named_with_the_job_that_it_ran_into() -> None:
    morning = Morning()
    morning.unlogged("locations")
    until = int((after("invoices", 0) - after("locations", 0)) / minutes(1))
    morning.called("locations", after("locations", 0), took=minutes(until + 1))
    # Stamped before the load, the newest row is from before the overrun.
    morning.tables["locations"] = Loaded(after("locations", until - 1), 110)

    assert morning.blocked() == [("in-order", "invoices", "fail"), ("no-overlap", "locations", "fail")]
    assert "locations ended Thu 2026-10-22 04:31" in morning.check("in-order", "invoices").measured


def test_an_attempt_that_goes_on_after_its_deadline_blocks_the_groups_behind_it() -> None:
    morning = Morning()
    morning.unlogged("jobs")
    morning.called("jobs", after("jobs", 0), took=minutes(40))
    morning.attempt("jobs", after("jobs", 0), 4)

    assert {name for name, *_ in morning.blocked()} == {"succeeded", "in-order", "no-overlap"}


def test_a_retry_that_succeeded_is_a_warning_that_names_the_first_error() -> None:
    morning = Morning()
    a_retry_that_succeeded(morning)

    assert morning.warned() == [("succeeded", "payments")]
    assert morning.check("succeeded", "payments").measured == "OK after 1 failed try: 429 slow"


def test_a_retry_is_read_from_the_log_when_a_later_run_hides_it() -> None:
    morning = Morning()
    a_retry_that_succeeded(morning)
    morning.attempt("payments", after("payments", 200))

    assert morning.warned() == [("succeeded", "payments")]
    assert morning.blocked() == []


def test_tries_that_all_failed_are_more_than_one_whose_retry_is_not_in_the_log() -> None:
    morning = Morning()
    morning.failed("returns", after("returns", 4), error="Quota")
    morning.attempt("returns", after("returns", 150))
    assert morning.check("succeeded", "returns").measured == "Quota after 2 failed tries: Quota"

    morning.log = [row for row in morning.log or [] if row.entity != "returns" or row.started < after("returns", 1)]
    check = morning.check("succeeded", "returns")
    assert (check.verdict, check.measured) == ("inconclusive", "failed (Quota); its retries are not in the run log")


def test_a_late_success_without_an_earlier_try_is_a_warning() -> None:
    morning = Morning()
    morning.log = None
    morning.attempt("returns", after("returns", 40))
    morning.tables["returns"] = Loaded(after("returns", 41), 110)

    assert morning.check("succeeded", "returns").verdict is Verdict.WARN


def test_an_error_is_named_with_its_code_and_what_the_run_log_says() -> None:
    morning = Morning()
    an_upstream_404_of_one_entity(morning)

    assert morning.check("succeeded", "locations").measured == "INTERNAL (13): ServiceTitan answered 404"


def test_a_call_in_the_run_log_that_was_not_cloud_schedulers_is_named() -> None:
    morning = Morning()
    a_job_last_called_yesterday_although_the_table_moved(morning)

    assert morning.check("ran", "returns").measured == (
        "last began Wed 2026-10-21 04:55; the call of Thu 2026-10-22 04:55 in the run log is not Cloud Scheduler's"
    )


def test_an_attempt_counts_once_its_deadline_has_passed_or_its_end_is_known() -> None:
    morning = Morning()
    asked_20_s_after_the_last_run_began(morning)
    check = morning.check("succeeded", "payroll_adjustments")
    assert check.measured == "may be under way; ask again after Thu 2026-10-22 05:35"

    morning.now = after("payroll_adjustments", 30)
    assert morning.check("succeeded", "payroll_adjustments").verdict is Verdict.PASS
    morning = Morning(now=after("payroll_adjustments", 3))
    assert morning.blocked() == []


def test_an_end_in_the_future_is_none() -> None:
    morning = Morning()
    asked_20_s_after_the_last_run_began(morning)
    morning.called("payroll_adjustments", after("payroll_adjustments", 0))

    assert morning.blocked() == [("succeeded", "payroll_adjustments", "inconclusive")]


def test_an_answer_after_the_deadline_is_a_failed_try() -> None:
    morning = Morning()
    morning.unlogged("payroll_adjustments")
    morning.called("payroll_adjustments", after("payroll_adjustments", 0), took=minutes(31))
    morning.attempt("payroll_adjustments", after("payroll_adjustments", 150))

    assert morning.blocked() == [("succeeded", "payroll_adjustments", "inconclusive")]


def test_a_group_whose_run_is_blocked_leaves_the_order_open() -> None:
    morning = Morning()
    an_attempt_under_way(morning)
    morning.tables["jobs"] = Loaded(after("jobs", -24 * 60), 100)

    assert [check for check in morning.checks() if check.name == "in-order"] == []


def test_a_later_writers_row_is_not_a_runs_end() -> None:
    morning = Morning()
    morning.log = None
    morning.tables["returns"] = Loaded(after("returns", 100), 130)

    assert morning.check("no-overlap", "returns").verdict is Verdict.INCONCLUSIVE


def test_what_no_new_records_mean_depends_on_the_entity() -> None:
    morning = Morning()
    quiet_entities(morning)

    assert morning.check("loaded", "returns").measured == "no new records"
    assert morning.check("kept", "inventory_bills").measured == "the table does not exist"
    morning.quiet("estimates")
    assert morning.check("loaded", "estimates").verdict is Verdict.FAIL


def test_no_records_in_the_log_of_a_table_that_moved_contradict_each_other() -> None:
    morning = Morning()
    newest = morning.tables["jobs"]
    morning.quiet("jobs")
    morning.tables["jobs"] = newest

    assert morning.check("loaded", "jobs").verdict is Verdict.INCONCLUSIVE


def test_the_table_of_a_later_writer_says_nothing_where_the_run_log_has_no_row() -> None:
    morning = Morning()
    morning.unlogged("returns")
    morning.tables["returns"] = Loaded(after("returns", 100), 130)

    check = morning.check("loaded", "returns")
    assert check.verdict is Verdict.INCONCLUSIVE
    assert "may be of a later run" in check.measured


def test_a_row_that_is_not_in_the_log_is_a_warning_and_no_log_at_all_only_where_ends_count() -> None:
    morning = Morning()
    a_row_lost_from_the_run_log(morning)
    assert morning.check("loaded", "estimates").verdict is Verdict.WARN

    morning.log = None
    assert {name for name, _ in morning.warned()} == {"in-order", "no-overlap"}


@pytest.mark.parametrize(
    ("minutes_late", "verdict"),
    [(0, "pass"), (WINDOW // minutes(1), "pass"), (WINDOW // minutes(1) + 1, "inconclusive")],
)
def test_retries_as_long_as_the_settings_allow_are_the_scheduled_run(minutes_late: int, verdict: str) -> None:
    morning = Morning()
    morning.log = None
    morning.attempt("returns", after("returns", minutes_late))
    check = morning.check("ran", "returns")

    assert (check.verdict, check.expected, check.tolerance) == (
        verdict,
        "a run at Thu 2026-10-22 04:55",
        "began within 94 min",
    )


def test_a_run_that_is_not_due_yet_or_due_just_now_is_inconclusive() -> None:
    morning = Morning(now=after("payroll", -1))
    morning.attempt("payroll", None, None)
    check = morning.check("ran", "payroll")
    assert (check.verdict, check.expected, check.measured) == (
        "inconclusive",
        "a run at Thu 2026-10-22 05:00",
        "not due yet",
    )

    morning.now = after("payroll", 0.2)
    assert morning.check("ran", "payroll").verdict is Verdict.INCONCLUSIVE
    morning.now = after("payroll", START_DELAY / minutes(1))
    assert morning.check("ran", "payroll").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("recorded", "live", "same"),
    [
        ("0 2,14 * * 1-5", "0 2,14 * * 1-5", True),
        ("00 02 * * *", "0 2 * * *", True),
        ("0 2,14 * * 1-5", "0 2 * * *", False),
        ("0 2 * * *", "0 2,14 * * *", False),
        ("0 2 * * *", "every day 02:00", False),
    ],
)
def test_a_job_runs_as_it_was_recorded_whatever_form_its_schedule_has(recorded: str, live: str, same: bool) -> None:
    assert _runs_at(live, Cadence.verbatim(recorded)) is same


def test_what_a_live_job_has_otherwise_is_told_in_one_line_and_without_a_secret() -> None:
    morning = Morning(settings=night(2))
    morning.change("jobs", uri="https://h.example/x?key=s3cret", time_zone="UTC\n::error::\x1b[2J")
    measured = morning.check("as-deployed", "jobs").measured

    assert measured == r"schedule 0 4 * * * UTC ::error::\x1b[2J, URL https://h.example/x?key=..."


def test_an_adopted_job_keeps_the_address_that_was_found() -> None:
    morning = Morning(settings=night(0))
    morning.change("jobs", uri="https://example.com/other")

    assert morning.blocked() == []


@pytest.mark.parametrize("missing", ["jobs", "tables", "rows_before", "keys", "doubled_before"])
def test_missing_evidence_blocks(missing: str) -> None:
    morning = Morning()
    lacking: Mapping[str, Any] = {missing: None}
    checks = evaluate(morning.world, SHIFTED, replace(morning.evidence, **lacking), DEPLOYED, MORNING)

    assert overall(check.verdict for check in checks) is Verdict.INCONCLUSIVE


def test_a_table_that_cannot_be_read_blocks_alone_with_the_reason() -> None:
    morning = Morning()
    del morning.tables["jobs"]
    morning.broken["jobs"] = "a filter over modifiedOn is required"

    assert morning.blocked() == [("loaded", "jobs", "inconclusive"), ("kept", "jobs", "inconclusive")]
    assert morning.check("kept", "jobs").measured == "a filter over modifiedOn is required"


@pytest.mark.parametrize(
    ("share", "verdict"), [(WARN_SHARE - 0.01, "pass"), (WARN_SHARE, "warn"), (1.0, "warn"), (1.01, "fail")]
)
def test_a_run_ends_before_the_next_jobs_time_and_warns_when_it_is_close(share: float, verdict: str) -> None:
    morning = Morning()
    row = morning.logged("jobs")
    morning.log = [*(one for one in morning.log or [] if one != row), replace(row, ended=after("jobs", 5 * share))]
    check = morning.check("no-overlap", "jobs")

    assert (check.verdict, check.tolerance) == (verdict, "5.0 min")


def test_yesterdays_run_of_a_group_is_not_what_this_mornings_job_waited_for() -> None:
    morning = Morning(now=after("jobs", 3))
    yesterday = {name: morning.due(name) - timedelta(days=1) for name in morning.world}
    morning.deployed -= timedelta(days=1)
    for name in morning.world:
        morning.change(name, updated=None)
        if name != "jobs":
            morning.unlogged(name)
            morning.called(name, yesterday[name])
            morning.attempt(name, yesterday[name])

    checks = [check for check in morning.checks() if check.name == "in-order"]
    assert {check.verdict for check in checks} == {Verdict.PASS}


def test_live_times_of_night_0_need_no_order() -> None:
    assert not [check for check in Morning(settings=night(0)).checks() if check.name == "in-order"]


def test_jobs_that_a_spring_night_puts_at_one_time_overlap() -> None:
    settings = replace(night(0), time_zone="America/New_York")
    evening = datetime(2026, 3, 7, 21, tzinfo=time_zone(settings.time_zone))
    morning = Morning(settings=settings, deployed=evening, now=evening + timedelta(hours=11))

    assert len({morning.due(name) for name in morning.world}) == 2
    assert {name for name, *_ in morning.blocked()} == {"no-overlap"}
    assert len(morning.blocked()) == 5


def test_the_window_is_time_that_passed_whatever_the_clock_of_the_zone_does() -> None:
    # In Athens the clock goes back an hour at 4 AM; the window of the jobs at 2 AM goes over that.
    settings = replace(night(0), time_zone="Europe/Athens", retry_count=5)
    evening = datetime(2026, 10, 24, 21, tzinfo=time_zone(settings.time_zone))
    due = datetime(2026, 10, 24, 23, tzinfo=time_zone("UTC"))
    morning = Morning(settings=settings, deployed=evening, now=evening + timedelta(hours=14))
    morning.log = None
    assert morning.due("jobs") == due
    morning.attempt("jobs", due + window(settings))
    assert morning.check("ran", "jobs").verdict is Verdict.PASS

    morning.attempt("jobs", due + window(settings) + minutes(1))
    assert morning.check("ran", "jobs").verdict is Verdict.INCONCLUSIVE


def test_the_gate_of_the_weekly_jobs_is_after_their_sunday() -> None:
    expected = datetime(2026, 10, 25, 6, 15, tzinfo=DEPLOYED.tzinfo) + WINDOW

    assert gate_time(night(3).world(), SETTINGS, DEPLOYED) == expected


def test_the_ledger_gives_back_the_checks_that_were_recorded() -> None:
    morning = Morning()
    morning.failed("jobs", after("jobs", 4))
    made = morning.checks()

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


def test_many_jobs_are_judged_with_one_look_at_each() -> None:
    lookups = 0

    class Counting(dict[str, LiveJob]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal lookups
            lookups += 1
            return super().get(key, default)

    live = Morning().live("jobs")
    entities = [replace(CATALOGUE[0], name=f"entity_{number}") for number in range(10_000)]
    world = {entity.name: Job(entity, entity.target, Management.ADOPTED, True) for entity in entities}
    jobs = Counting({entity.job_name: live for entity in entities})
    found = evaluate(world, SETTINGS, Evidence(jobs, None, None, None), DEPLOYED, MORNING)

    assert lookups == 10_000
    assert len([check for check in found if check.name == "ran" and check.verdict is Verdict.PASS]) == 10_000


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
    begin = since.replace(microsecond=0, tzinfo=time_zone(zone)).astimezone(time_zone("UTC"))
    now = begin + timedelta(hours=hours)
    entity = replace(CATALOGUE[0], target=cadence)
    world = {entity.name: Job(entity, cadence, Management.ADOPTED, True)}
    fires = []
    for fire in cadence.next_fires(begin, zone):
        if fire.timestamp() > now.timestamp():
            break
        fires.append(fire)
    live = LiveJob(Attempt(fires[-1] if fires else None, 0), cadence.cron, zone, "", minutes(3), 0)
    evidence = Evidence({entity.job_name: live}, None, None, None)
    found = evaluate(world, replace(SETTINGS, time_zone=zone), evidence, begin, now)
    (ran,) = [check for check in found if check.name == "ran"]

    assert ran.verdict is (Verdict.PASS if fires else Verdict.INCONCLUSIVE)


CHANGES = {name: change for name, (_, change) in BAD.items()} | GOOD


@st.composite
def mornings(draw: st.DrawFn) -> Morning:
    """With several things good and bad, some of them of the same entity."""
    morning = Morning()
    for name in draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=3, unique=True)):
        try:
            CHANGES[name](morning)
        except KeyError:
            # The job was taken away before.
            continue
    return morning


@given(morning=mornings(), data=st.data())
def test_removing_evidence_never_turns_a_fail_into_a_pass(morning: Morning, data: st.DataObject) -> None:
    whole = morning.evidence
    log = whole.log and data.draw(st.lists(st.sampled_from(whole.log), unique=True), "rows that are left")
    tables = {name: whole.tables[name] for name in data.draw(st.sets(st.sampled_from(sorted(whole.tables or {}))))}  # type: ignore[index]
    before = dict.fromkeys(data.draw(st.sets(st.sampled_from(sorted(whole.rows_before or {})))))
    left = replace(
        whole,
        jobs=data.draw(st.sampled_from([whole.jobs, None])),
        log=data.draw(st.sampled_from([whole.log, log, None])),
        tables=data.draw(st.sampled_from([whole.tables, tables, None])),
        rows_before=data.draw(st.sampled_from([whole.rows_before, {**(whole.rows_before or {}), **before}, None])),
        keys=data.draw(st.sampled_from([whole.keys, {}, None])),
        doubled_before=data.draw(st.sampled_from([whole.doubled_before, before, None])),
    )

    def verdicts(evidence: Evidence) -> dict[tuple[str, str], Verdict]:
        found = evaluate(morning.world, morning.settings, evidence, DEPLOYED, morning.now)
        return {(check.name, check.entity): check.verdict for check in found}

    less = verdicts(left)
    failed = [key for key, verdict in verdicts(whole).items() if verdict is Verdict.FAIL]
    assert [key for key in failed if less.get(key) is Verdict.PASS] == []


@given(morning=mornings(), ahead=st.timedeltas(minutes(1), timedelta(days=1000)))
def test_evidence_in_the_future_never_passes(morning: Morning, ahead: timedelta) -> None:
    first = min(morning.due(name) for name in morning.world)
    shift = MORNING - first + ahead
    morning.jobs = {
        name: replace(job, attempt=replace(job.attempt, started=job.attempt.started and job.attempt.started + shift))
        for name, job in morning.jobs.items()
    }
    morning.log = [
        replace(row, started=row.started + shift, ended=row.ended and row.ended + shift) for row in morning.log or []
    ]
    morning.tables = {
        name: replace(table, max_loaded_at=table.max_loaded_at and table.max_loaded_at + shift)
        for name, table in morning.tables.items()
    }

    passed = [check for check in morning.checks() if check.verdict is Verdict.PASS]
    assert {check.name for check in passed} <= {"as-deployed"}


@given(morning=mornings(), ahead=st.timedeltas(minutes(1), timedelta(days=1000)))
def test_rows_in_the_future_never_pass(morning: Morning, ahead: timedelta) -> None:
    morning.tables = {name: Loaded(MORNING + ahead, 110) for name in morning.tables}
    morning.log = [replace(row, fetched=row.fetched or 1) for row in morning.log or []] or None

    assert not [check for check in morning.checks() if check.name == "loaded" and check.verdict is Verdict.PASS]
