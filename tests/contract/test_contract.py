"""What the ingest service does, asked of the twin's and, where the environment names it, of the real one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.place import DAY, PUBLIC, Answer, Place
from twin.contract import (
    BREAKER_FAILURES,
    BREAKER_PAUSE,
    ENTITIES,
    LOG_COLUMNS,
    SERVED,
    SYNC_COLUMNS,
    SYNC_STATE,
    Served,
    columns,
)

RAW = [entity for entity in ENTITIES if not entity.is_reference]
REFERENCES = [entity for entity in ENTITIES if entity.is_reference]
LOG_DATASET, _, LOG = PUBLIC.run_log.partition(".")
# A clock's resolution, and what a request takes.
SLACK = timedelta(seconds=1)


def path(entity: str, mode: str = "incremental") -> str:
    return f"/ingest-ref/{entity}" if SERVED[entity].is_reference else f"/ingest/{entity}?mode={mode}"


def table(entity: str) -> str:
    served = SERVED[entity]
    return f"{PUBLIC.reference_dataset if served.is_reference else PUBLIC.dataset}.{served.table_name}"


def ok(answer: Answer) -> Answer:
    assert answer.status == 200, answer.content
    return answer


# Routes


def test_it_lists_what_it_can_ingest_and_that_starts_nothing(place: Place) -> None:
    raw, references = [entity.name for entity in RAW], [entity.name for entity in REFERENCES]

    assert ok(place.get("/entities")).body == {"entities": raw, "count": 14}
    told = ok(place.get("/ref-entities")).body
    assert (told["refEntities"], told["count"]) == (references, 3)
    assert ok(place.get("/health")).body.keys() == {"status", "service", "version", "timestamp"}
    assert place.upstream.asked == []


@pytest.mark.parametrize(
    ("asked", "error", "listed", "names"),
    [
        ("/ingest/nonsense", "Entity not found", "availableEntities", RAW),
        ("/ingest/business_units?mode=full", "Entity not found", "availableEntities", RAW),
        ("/ingest-ref/jobs", "Reference entity not found", "availableRefEntities", REFERENCES),
        ("/ingest-ref/campaigns?mode=full", "Reference entity not found", "availableRefEntities", REFERENCES),
    ],
)
def test_an_unknown_entity_is_404_with_the_known_ones(
    asked: str, error: str, listed: str, names: list[Served], place: Place
) -> None:
    answer = place.get(asked)

    assert (answer.status, answer.body) == (404, {"error": error, listed: [entity.name for entity in names]})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("GET", "/"),
        ("GET", "/ingest"),
        ("GET", "/ingest/jobs/1"),
        ("GET", "/ingest/ref/business_units?mode=full"),
        ("OPTIONS", "/ingest/ref/business_units"),
        ("POST", "/ingest/jobs?mode=incremental"),
        ("PUT", "/ingest-ref/technicians"),
        ("DELETE", "/entities"),
    ],
)
def test_what_is_no_route_of_its_is_the_404_of_express(method: str, asked: str, place: Place) -> None:
    place.stock("jobs", 1)
    answer = place.call(method, asked)

    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"<pre>Cannot {method} {asked.partition('?')[0]}</pre>" in answer.content.decode()
    assert place.upstream.asked == []


@pytest.mark.parametrize("asked", ["/ingest/jobs", "/ingest/nonsense", "/ingest-ref/campaigns", "/entities"])
def test_options_answers_for_the_pattern_and_not_for_the_entity(asked: str, place: Place) -> None:
    answer = place.call("OPTIONS", asked)

    assert (answer.status, answer.headers["Allow"], answer.content) == (200, "GET,HEAD", b"GET,HEAD")
    assert place.upstream.asked == []


def test_head_starts_an_ingest(place: Place) -> None:
    place.stock("customers", 2)
    answer = place.call("HEAD", path("customers"))

    assert (answer.status, answer.content) == (200, b"")
    assert place.rows(table("customers"))[0] == 6


@pytest.mark.parametrize(
    "asked", ["/INGEST/locations", "/ingest/locations/", "/ingest/locations?mode=", "/ingest/locations?mode=odd"]
)
def test_case_a_last_slash_and_another_mode_make_no_difference(asked: str, place: Place) -> None:
    place.stock("locations", 9)
    answer = ok(place.get(asked))

    assert (answer.body["entity"], answer.body["recordsProcessed"]) == ("locations", 14)
    assert answer.body["mode"] == ("odd" if asked.endswith("odd") else "incremental")


def test_an_entitys_name_is_taken_as_it_is_written(place: Place) -> None:
    assert place.get("/ingest/Jobs").status == 404


# Runs with records


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_the_first_run_with_records_makes_the_table_with_the_services_columns(entity: Served, place: Place) -> None:
    place.stock(entity.name, 1)
    before = place.tables()
    answer = ok(place.get(path(entity.name)))

    mine = {"entity": entity.name, "mode": "incremental"} if not entity.is_reference else {"refEntity": entity.name}
    assert answer.body.keys() == {"success", *mine, "recordsProcessed", "runId", "duration"}
    assert mine.items() <= answer.body.items()
    assert (answer.body["success"], answer.body["recordsProcessed"]) == (True, 4)
    dataset, _, name = table(entity.name).partition(".")
    expected = [(c.name, c.type) for c in columns(entity.column_text)]
    assert name not in before
    assert place.columns(dataset)[name] == expected


def test_rows_are_stamped_within_their_run(place: Place) -> None:
    place.stock("invoices", 1)
    answer = ok(place.get(path("invoices")))
    (logged,) = place.log("invoices")

    rows, different, first, last = place.rows(table("invoices"))
    assert rows == different == 4
    assert logged["start_time"] <= first <= last <= logged["end_time"]
    assert answer.asked - SLACK <= logged["start_time"]
    assert logged["end_time"] <= answer.answered + SLACK


def test_a_second_run_merges_what_it_reads_again_and_stamps_it_anew(place: Place) -> None:
    place.stock("jobs", 1)
    ok(place.get(path("jobs")))
    before = place.rows(table("jobs"))
    place.wait(timedelta(seconds=2))
    second = ok(place.get(path("jobs")))

    assert second.body["recordsProcessed"] == 4
    after = place.rows(table("jobs"))
    assert after[:2] == before[:2] == (4, 4)
    assert before[3] < second.asked < after[2]


def test_a_record_whose_id_is_a_hash_with_its_place_is_doubled_when_it_comes_in_another(place: Place) -> None:
    place.stock("returns", 20)
    ok(place.get(path("returns")))
    assert place.rows(table("returns"), "returnId")[:2] == (14, 14)

    ok(place.get(path("returns", "full")))
    assert place.rows(table("returns"), "returnId")[:2] == (14 + 42, 42)
    assert place.keys("returns") == (14 + 42, 42, 14)


def test_a_record_with_an_id_of_its_own_is_not_doubled_when_it_comes_in_another_place(place: Place) -> None:
    place.stock("customers", 20)
    ok(place.get(path("customers")))
    ok(place.get(path("customers", "full")))

    assert place.keys("customers") == (42, 42, 0)


def test_payroll_items_are_not_doubled_when_they_come_again(place: Place) -> None:
    place.stock("payroll", 3)
    ok(place.get(path("payroll")))
    ok(place.get(path("payroll", "full")))

    assert place.keys("payroll") == (8, 8, 0)


@pytest.mark.parametrize("entity", ["campaigns", "technicians"])
def test_a_full_sync_asks_for_everything(entity: str, place: Place) -> None:
    place.stock(entity, 40)

    assert ok(place.get(path(entity, "full"))).body["recordsProcessed"] == 82
    assert place.upstream.asked == [(entity, None)]


def test_a_reference_entity_is_read_in_full_whatever_the_mode(place: Place) -> None:
    place.stock("technicians", 40)
    answer = ok(place.get("/ingest-ref/technicians?mode=incremental"))

    assert answer.body["recordsProcessed"] == 82
    assert "mode" not in answer.body


# Runs without records


@pytest.mark.parametrize("entity", ["returns", "business_units"])
def test_a_run_without_records_is_a_success_that_makes_no_table(entity: str, place: Place) -> None:
    answer = ok(place.get(path(entity)))

    warned = {"warning": "No records returned from API"} if SERVED[entity].is_reference else {}
    mine = {"entity": entity, "mode": "incremental"} if not warned else {"refEntity": entity}
    assert answer.body == {"success": True, **mine, "recordsProcessed": 0, **warned}
    assert SERVED[entity].table_name not in place.tables()
    (logged,) = place.log(entity)
    assert (logged["status"], logged["records_fetched"], logged["records_inserted"]) == ("success", 0, 0)


def test_a_run_without_records_touches_neither_the_table_nor_the_cursor(place: Place) -> None:
    place.stock("payments", 1)
    ok(place.get(path("payments")))
    before = place.rows(table("payments"))
    place.upstream.quiet.add("payments")
    ok(place.get(path("payments")))
    ok(place.get(path("payments")))

    assert place.rows(table("payments")) == before
    asked = [since for _, since in place.upstream.asked]
    assert asked[1] == asked[2]
    assert len(place.log("payments")) == 3


# Cursors


@pytest.mark.parametrize(
    ("entity", "days"),
    [("invoices", 7), ("returns", 7), ("jobs", 7 + 7), ("estimates", 7 + 180)],
)
def test_the_first_incremental_run_looks_back_a_week_and_some_further(entity: str, days: int, place: Place) -> None:
    place.stock(entity, 400)
    answer = ok(place.get(path(entity)))

    ((asked, since),) = place.upstream.asked
    assert asked == entity
    assert since is not None
    assert answer.asked - days * DAY - SLACK <= since <= answer.answered - days * DAY + SLACK
    assert answer.body["recordsProcessed"] == 2 * days


@pytest.mark.parametrize(("entity", "days"), [("payroll", 0), ("jobs", 7), ("estimates", 180)])
def test_the_next_begins_where_the_last_one_ended_and_some_look_back(entity: str, days: int, place: Place) -> None:
    place.stock(entity, 1)
    first = ok(place.get(path(entity)))
    place.get(path(entity))

    (_, since) = place.upstream.asked[1]
    assert since is not None
    assert first.asked <= since + days * DAY <= first.answered + SLACK


def test_the_table_of_the_cursors_is_made_by_the_first_that_asks_for_one(place: Place) -> None:
    place.stock("technicians", 1)
    ok(place.get(path("technicians")))
    assert SYNC_STATE not in place.tables()

    ok(place.get(path("returns")))
    expected = [(c.name, c.type) for c in columns(SYNC_COLUMNS)]
    assert place.columns(LOG_DATASET)[SYNC_STATE] == expected
    ok(place.get(path("technicians")))
    found = place.query(f"SELECT entity_type, records_processed FROM {LOG_DATASET}.{SYNC_STATE}")  # noqa: S608
    assert found == [{"entity_type": "ref_technicians", "records_processed": 4}]


# The run log


def test_every_call_of_a_run_is_a_row_of_the_run_log(place: Place) -> None:
    place.stock("technicians", 1)
    answer = ok(place.get(path("technicians")))
    (logged,) = place.log("technicians")

    assert {name: logged[name] for name in ("run_id", "status", "records_fetched", "records_inserted")} == {
        "run_id": answer.body["runId"],
        "status": "success",
        "records_fetched": 4,
        "records_inserted": 4,
    }
    assert logged["error_message"] is None
    took = (logged["end_time"] - logged["start_time"]) / timedelta(milliseconds=1)
    assert logged["duration_ms"] == pytest.approx(took, abs=50)
    expected = [(c.name, c.type) for c in columns(LOG_COLUMNS)]
    assert place.columns(LOG_DATASET)[LOG] == expected


# Failures


@pytest.mark.parametrize(("entity", "status"), [("appointments", 404), ("activity_codes", 404), ("payments", 429)])
def test_any_failure_of_servicetitan_is_a_500_and_a_failed_row_of_the_log(
    entity: str, status: int, place: Place
) -> None:
    place.upstream.statuses[entity] = status
    answer = place.get(path(entity))

    error = f"Request failed with status code {status}"
    mine = {"refEntity": entity} if SERVED[entity].is_reference else {"entity": entity, "mode": "incremental"}
    assert (answer.status, answer.body) == (500, {"success": False, **mine, "error": error})
    (logged,) = place.log(entity)
    assert (logged["status"], logged["error_message"]) == ("failed", error)
    assert (logged["records_fetched"], logged["records_inserted"]) == (0, 0)
    assert logged["end_time"] is not None
    assert SERVED[entity].table_name not in place.tables()


def test_a_success_in_between_starts_the_count_of_failures_again(place: Place) -> None:
    place.upstream.statuses["returns"] = 404
    for _ in range(2):
        for _ in range(BREAKER_FAILURES - 1):
            place.get(path("returns"))
        assert ok(place.get(path("customers"))).body["success"] is True


def test_five_failures_in_a_row_of_any_entities_open_the_breaker_for_all_of_them(place: Place) -> None:
    place.stock("customers", 1)
    failing = ["returns", "appointments", "activity_codes", "locations", "payroll"]
    for entity in failing:
        place.upstream.statuses[entity] = 404
        assert place.get(path(entity)).status == 500
    asked = len(place.upstream.asked)
    refused = place.get(path("customers"))

    assert refused.status == 500
    assert refused.body["error"] == "Circuit breaker OPEN for crm/v2/tenant/{tenant}/customers"
    assert len(place.upstream.asked) == asked
    (logged,) = place.log("customers")
    assert (logged["status"], logged["error_message"]) == ("failed", refused.body["error"])

    place.wait(BREAKER_PAUSE + SLACK)
    # One more failure after the pause opens it again at once.
    assert place.get(path("returns")).body["error"] == "Request failed with status code 404"
    assert "Circuit breaker OPEN" in place.get(path("customers")).body["error"]
    place.wait(BREAKER_PAUSE + SLACK)
    assert ok(place.get(path("customers"))).body["recordsProcessed"] == 4


def test_the_rebuild_of_dim_jobs_always_answers_500(place: Place) -> None:
    answer = place.get("/rebuild/dim_jobs")

    assert (answer.status, answer.body["success"]) == (500, False)
