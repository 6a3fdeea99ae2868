"""Each entity's verdict: by its last success in the run log or, without one, by its table."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import DAILY, MISSING, Criteria, Loaded, Status, Threshold
from ingest.judging.run import LogRow
from operations.cloud.tables import Survey, Tables
from operations.freshness import Freshness, expected, judge_runs, judge_tables, log_silence
from tests.given.domain import SETTINGS, in_phoenix, night

NOW = in_phoenix("2026-10-26T08:00")
LAST_NIGHT = night(3)
HOURS, TICK = timedelta(hours=1), timedelta(microseconds=1)
NO_TABLES = Tables({}, {})
AGES = [
    (timedelta(hours=3), Status.PASS),
    (timedelta(hours=26), Status.PASS),
    (timedelta(hours=26) + TICK, Status.WARN),
    (timedelta(hours=50), Status.WARN),
    (timedelta(hours=50) + TICK, Status.ERROR),
]


def call(entity: str, ago: timedelta, status: str = "success", fetched: int = 10) -> LogRow:
    """One that ended `ago`."""
    return LogRow(
        entity, f"run-{ago}", NOW - ago - 2 * HOURS, NOW - ago, status, fetched, fetched, "429" * bool(status)
    )


def by_log(*log: LogRow, tables: Tables = NO_TABLES, number: int = 3) -> dict[str, Freshness]:
    found = judge_runs(CATALOGUE, expected(night(number)), log, tables, NOW)
    return {verdict.entity.name: verdict for verdict in found}


def by_tables(loaded: dict[str, Loaded], surveyed: Survey | None = None, number: int = 3) -> dict[str, Freshness]:
    surveyed = surveyed or Survey([], {})
    found = judge_tables(CATALOGUE, expected(night(number)), surveyed, Tables(loaded, {}), NOW)
    return {verdict.entity.name: verdict for verdict in found}


@pytest.mark.parametrize(("ago", "status"), AGES)
def test_an_entity_is_judged_by_the_end_of_its_last_success(ago: timedelta, status: Status) -> None:
    log = [call("jobs", ago), call("jobs", 99 * HOURS), call("jobs", HOURS, "failed"), call("returns", HOURS)]
    found = by_log(*log)["jobs"]

    assert (found.status, found.age, found.last_success, found.last_call) == (status, ago, log[0], log[2])


def test_a_night_without_new_records_is_a_success_and_the_newest_row_is_shown_beside_it() -> None:
    old = Loaded(NOW - 99 * HOURS, 7)
    found = by_log(call("returns", HOURS, fetched=0), tables=Tables({"returns": old}, {}))["returns"]

    assert (found.status, found.loaded) == (Status.PASS, old)


def test_an_entity_that_never_succeeded_is_an_error_whatever_its_table_has() -> None:
    fresh = Tables({"jobs": Loaded(NOW - HOURS, 7)}, {})
    found = by_log(call("jobs", HOURS, "failed"), tables=fresh)

    assert (found["jobs"].status, found["jobs"].age) == (Status.ERROR, None)
    assert (found["returns"].status, found["returns"].last_call) == (Status.ERROR, None)


def test_a_success_that_is_dated_in_the_future_proves_nothing() -> None:
    assert by_log(call("jobs", -TICK))["jobs"].status is Status.ERROR
    assert by_log(call("jobs", 0 * HOURS))["jobs"].status is Status.PASS


def test_a_success_without_an_end_is_dated_by_its_start() -> None:
    row = LogRow("jobs", "r", NOW - 3 * HOURS, None, "success", 1, 1)

    assert by_log(row)["jobs"].age == 3 * HOURS


def test_a_table_that_is_missing_or_broken_does_not_change_what_the_run_log_says() -> None:
    tables = Tables({"inventory_bills": MISSING}, {"jobs": "it is locked"})
    found = by_log(call("jobs", HOURS), call("inventory_bills", HOURS), tables=tables)

    assert (found["jobs"].status, found["jobs"].error) == (Status.PASS, "it is locked")
    assert (found["inventory_bills"].status, found["inventory_bills"].loaded) == (Status.PASS, MISSING)


def test_a_weekly_entity_may_be_a_week_old_and_its_name_in_the_log_is_the_bare_one() -> None:
    found = by_log(call("technicians", timedelta(days=7)), call("jobs", timedelta(days=7)))

    assert found["technicians"].status is Status.PASS
    assert found["jobs"].status is Status.ERROR


def test_only_entities_with_a_job_at_the_night_are_expected() -> None:
    live = {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
    rest = {entity.name for entity in CATALOGUE} - live
    fresh = Loaded(NOW - HOURS, 1)

    for found in (by_log(call("returns", HOURS), number=0), by_tables({"returns": fresh}, number=0)):
        assert {name for name, verdict in found.items() if verdict.status is Status.NOT_YET} == rest


@pytest.mark.parametrize(("ago", "status"), [*AGES, (timedelta(minutes=-1), Status.PASS)])
def test_without_a_run_log_a_table_is_judged_by_its_newest_row(ago: timedelta, status: Status) -> None:
    table = Loaded(NOW - ago, 5)
    found = by_tables({"jobs": table})["jobs"]

    assert (found.status, found.age, found.loaded) == (status, ago, table)


def test_without_a_run_log_an_empty_table_is_an_error() -> None:
    found = by_tables({"jobs": Loaded(None, 0)})["jobs"]

    assert (found.status, found.age, found.error) == (Status.ERROR, None, None)


def test_without_a_run_log_a_table_that_could_not_be_asked_is_a_runtime_error_and_hides_no_other() -> None:
    surveyed = Survey([], {"jobs": "it does not exist", "payroll": "it has no column"}, {"jobs"})
    found = by_tables({"jobs": MISSING, "returns": Loaded(NOW - HOURS, 5)}, surveyed)

    assert (found["jobs"].status, found["jobs"].error) == (Status.RUNTIME_ERROR, "it does not exist")
    assert (found["payroll"].status, found["payroll"].error) == (Status.RUNTIME_ERROR, "it has no column")
    assert str(found["invoices"].error) == "BigQuery's answer leaves raw_invoices out; try again"
    assert found["returns"].status is Status.PASS


def test_ages_are_time_that_passed_whatever_the_clocks_of_the_zones_do() -> None:
    # In Denver the clock went back an hour between the two; in Phoenix it did not.
    before, after = in_phoenix("2026-10-31T23:00"), in_phoenix("2026-11-01T23:00")
    row = LogRow("jobs", "r", before, before, "success", 1, 1)
    (verdict,) = judge_runs(CATALOGUE[:1], CATALOGUE[:1], [row], NO_TABLES, after)

    assert verdict.age == timedelta(hours=24)


def silence(*log: LogRow) -> str | None:
    return log_silence(expected(LAST_NIGHT), log, SETTINGS, NOW)


def test_a_run_log_with_a_row_of_whatever_entity_and_status_is_written() -> None:
    assert silence(call("collections", 50 * HOURS, "failed")) is None


def test_a_run_log_that_stopped_is_named_with_its_last_row() -> None:
    text = str(silence(call("jobs", 50 * HOURS + TICK), call("returns", -HOURS)))

    assert text.startswith("run log st_logs_v2.ingestion_logs: last row Sat 2026-10-24 05:59, error after 50 hours; ")
    assert str(silence()).startswith("run log st_logs_v2.ingestion_logs: no row in 90 days, error after 50 hours; ")


def test_the_shortest_error_after_decides_how_long_a_run_log_may_be_silent() -> None:
    strict = {"returns": Criteria(Threshold(1, "hour"), Threshold(1, "hour"))}
    row = call("jobs", 2 * HOURS)

    assert log_silence(expected(LAST_NIGHT), [row], SETTINGS, NOW, strict) is not None
    assert log_silence(expected(LAST_NIGHT), [row], SETTINGS, NOW, {"returns": DAILY}) is None
