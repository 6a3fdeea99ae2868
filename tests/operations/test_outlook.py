"""What is asked before a night, for which bill, and that one source which is silent hides nothing of the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.settings import Settings
from operations.cloud.errors import UnansweredError
from operations.outlook import Outlook, ask, questions
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.tables import Place, answering, client_of, google_error, log_call

SHIFT = night(2)
EVENING = in_phoenix("2026-10-26T21:00")
MORNING = in_phoenix("2026-10-26T02:01")


def found(place: Place, settings: Settings = SHIFT) -> Outlook:
    return ask(place.client, questions(place.client, settings, EVENING), max_bytes=None)


@pytest.fixture
def running(place: Place) -> Place:
    """Every daily job ran this morning, and three invoices were changed at 3 AM yesterday."""
    for entity in SHIFT.world_before():
        due = SHIFT.world_before()[entity].cadence.on(EVENING.date(), SHIFT.time_zone)
        assert due
        place.warehouse.load(entity, range(1), MORNING)
        log_call(place.warehouse, entity, due + timedelta(minutes=2, seconds=2), "success", 1)
    place.warehouse.load("invoices", range(10, 13), in_phoenix("2026-10-25T03:00"))
    return place


def test_the_tables_are_asked_by_one_query_and_the_run_log_by_another(running: Place) -> None:
    asked = questions(running.client, SHIFT, EVENING)
    before = len(running.calls)
    outlook = ask(running.client, asked, max_bytes=None)

    assert running.calls[before:] == [("query", False)] * 2
    assert {one.moved.entity.name: one.records for one in outlook.worth if one.records} == {"invoices": 3}
    assert outlook.replay
    assert [one.day.day for one in outlook.replay.nights if one.checks] == [26]
    assert (len(asked.moved), asked.what) == (11, "11 tables and the run log st_logs_v2.ingestion_logs")
    assert asked.billed >= 10 * 2**20 * (11 + 1 + 1), "a table, the columns and the run log are billed 10 MiB at least"
    assert outlook.silent == ()


def test_a_night_that_moves_nothing_asks_the_run_log_alone(running: Place) -> None:
    asked = questions(running.client, night(3), EVENING)

    assert (asked.moved, asked.what) == ((), "the run log st_logs_v2.ingestion_logs")
    assert ask(running.client, asked, max_bytes=None).worth == ()


def test_a_table_that_cannot_be_counted_is_named_and_hides_no_other(running: Place) -> None:
    dataset = SETTINGS.dataset
    running.warehouse.execute(f"DROP TABLE {dataset}.raw_returns")
    running.warehouse.execute(f"ALTER TABLE {dataset}.raw_purchase_orders RENAME total TO other")
    running.warehouse.execute(f'ALTER TABLE {dataset}.raw_payments ALTER "modifiedOn" TYPE VARCHAR')
    outlook = found(running)

    assert outlook.uncounted.keys() >= {"returns", "purchase_orders"}
    assert outlook.uncounted["returns"] == "its table does not exist yet"
    assert (
        "has no column total; compare it with key and amount of purchase_orders" in outlook.uncounted["purchase_orders"]
    )
    assert {one.moved.entity.name: one.records for one in outlook.worth if one.records} == {"invoices": 3}
    assert outlook.replay


def test_without_a_run_log_the_shift_is_counted_anyway(running: Place) -> None:
    for settings, why in (
        (replace(SHIFT, run_log=""), "Whether it would have held is not known: the setting run_log is empty"),
        (replace(SHIFT, run_log="st_other.log"), "Whether it would have held is not known: BigQuery did not answer"),
    ):
        outlook = found(running, settings)
        assert (outlook.replay, len(outlook.worth)) == (None, 11)
        assert outlook.silent[0].startswith(why)


def test_without_the_tables_the_runs_are_replayed_anyway(running: Place) -> None:
    outlook = found(running, replace(SHIFT, dataset="st_other", reference_dataset="st_another"))

    assert (outlook.worth, outlook.replay is None) == ((), False)


def test_who_cannot_be_reached_at_all_is_an_error() -> None:
    with (
        answering(401, google_error(401, "authError", "Invalid Credentials")) as root,
        pytest.raises(UnansweredError, match="credentials were not accepted") as caught,
    ):
        questions(client_of(root), SHIFT, EVENING)
    assert caught.value.code == 2


def test_a_bill_over_the_limit_is_refused_by_bigquery_and_said(running: Place) -> None:
    outlook = ask(running.client, questions(running.client, SHIFT, EVENING), max_bytes=1)

    assert (outlook.worth, outlook.replay) == ((), None)
    assert [why.partition(":")[0] for why in outlook.silent] == [
        "What the shift is worth is not known",
        "Whether it would have held is not known",
    ]
