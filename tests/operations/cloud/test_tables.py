"""Each table's verdict, from Google's client against the twin's BigQuery."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.catalogue import CATALOGUE
from ingest.freshness import Loaded, Status
from ingest.settings import Settings
from operations.cloud.tables import MAX_BYTES, Freshness, expected, judge, read, survey
from tests.given.domain import in_phoenix, night
from tests.given.tables import JOBS, LAST_NIGHT, NOW, Place

TABLE = "kpi-auto-471020.st_raw_v2.raw_jobs"


def verdicts(place: Place, settings: Settings = LAST_NIGHT) -> dict[str, Freshness]:
    surveyed = survey(place.client, settings, expected(settings))
    found = read(place.client, settings, surveyed.readable, max_bytes=MAX_BYTES)
    return {verdict.entity.name: verdict for verdict in judge(CATALOGUE, surveyed, found, NOW)}


@pytest.mark.parametrize(
    ("ago", "status"),
    [
        (timedelta(hours=3), Status.PASS),
        (timedelta(hours=26), Status.PASS),
        (timedelta(hours=26, microseconds=1), Status.WARN),
        (timedelta(hours=50), Status.WARN),
        (timedelta(hours=50, microseconds=1), Status.ERROR),
        (timedelta(minutes=-1), Status.PASS),
    ],
)
def test_a_table_is_judged_by_the_age_of_its_newest_row(ago: timedelta, status: Status, place: Place) -> None:
    place.load("jobs", timedelta(days=30), rows=4)
    place.load("jobs", ago)
    found = verdicts(place)["jobs"]

    assert (found.status, found.age) == (status, ago)
    assert found.loaded == Loaded(NOW - ago, 5)


def test_a_weekly_table_may_be_a_week_old(place: Place) -> None:
    place.load_all(timedelta(days=7))
    found = verdicts(place)

    assert found["campaigns"].status is Status.PASS
    assert found["jobs"].status is Status.ERROR


def test_a_table_that_never_loaded_is_an_error_without_a_moment(place: Place) -> None:
    found = verdicts(place)["jobs"]

    assert (found.status, found.loaded, found.age) == (Status.ERROR, Loaded(None, 0), None)


def test_a_missing_table_and_a_missing_column_do_not_hide_the_others(place: Place) -> None:
    place.load_all()
    place.warehouse.execute("DROP TABLE st_raw_v2.raw_jobs")
    place.warehouse.execute("ALTER TABLE st_raw_v2.raw_payroll RENAME updated_on TO modified_on")
    place.warehouse.execute("ALTER TABLE st_raw_v2.raw_returns ALTER updated_on TYPE VARCHAR")
    found = verdicts(place, night(2))

    assert found.pop("jobs").error == f"table {TABLE} does not exist; run its job, or fix the dataset"
    assert "raw_payroll has no column updated_on or _ingested_at; set loaded_at_fields" in str(
        found.pop("payroll").error
    )
    assert "raw_returns is STRING; loaded_at_fields must be a TIMESTAMP" in str(found.pop("returns").error)
    assert {verdict.status for verdict in found.values()} == {Status.PASS, Status.NOT_YET}


def test_broken_tables_are_runtime_errors(place: Place) -> None:
    place.warehouse.execute("DROP TABLE st_raw_v2.raw_jobs")

    assert verdicts(place)["jobs"].status is Status.RUNTIME_ERROR


def test_an_empty_dataset_is_found_out_with_one_call(place: Place) -> None:
    for entity in CATALOGUE:
        place.warehouse.execute(f'DROP TABLE st_raw_v2."raw_{entity.name}"')

    assert {verdict.status for verdict in verdicts(place, night(2)).values()} == {Status.RUNTIME_ERROR, Status.NOT_YET}
    assert place.calls == [("query", False)]


def test_the_case_of_a_columns_name_does_not_matter(place: Place) -> None:
    place.load("jobs", timedelta(hours=1))
    place.warehouse.execute('ALTER TABLE st_raw_v2.raw_jobs RENAME updated_on TO "Updated_On"')

    assert verdicts(place)["jobs"].status is Status.PASS
    assert survey(place.client, LAST_NIGHT, [replace(JOBS, loaded_at_fields=("UPDATED_ON",))]).readable


def test_only_entities_with_a_job_at_the_night_are_expected(place: Place) -> None:
    place.load("jobs", timedelta(hours=3))
    found = verdicts(place, night(0))

    assert found["jobs"].status is Status.PASS
    assert found["payroll"].status is Status.ERROR
    waiting = {name for name, verdict in found.items() if verdict.status is Status.NOT_YET}
    live = {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
    assert waiting == {entity.name for entity in CATALOGUE} - live


def test_an_answer_without_a_tables_row_is_no_pass(place: Place) -> None:
    surveyed = survey(place.client, LAST_NIGHT, [JOBS])
    (verdict,) = judge([JOBS], surveyed, {}, NOW)

    assert verdict.status is Status.RUNTIME_ERROR


def test_ages_are_time_that_passed_whatever_the_clocks_of_the_zones_do(place: Place) -> None:
    # In Denver the clock went back an hour between the two; in Phoenix it did not.
    before, after = in_phoenix("2026-10-31T23:00"), in_phoenix("2026-11-01T23:00")
    place.warehouse.load("jobs", range(1), before)
    surveyed = survey(place.client, LAST_NIGHT, [JOBS])
    found = read(place.client, LAST_NIGHT, [JOBS], max_bytes=None)
    (verdict,) = judge([JOBS], surveyed, found, after)

    assert verdict.age == timedelta(hours=24)
