"""What is the twin's own about its service; what it shares with the real one: tests/contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings
from tests.given.domain import SETTINGS
from tests.given.twin import START, ask
from twin.clock import Clock
from twin.contract import PUBLIC_REFERENCE_PATH
from twin.server import serve
from twin.service import DURATION_HEADER, Behaviour, Ingestor
from twin.source import servicetitan
from twin.warehouse import BUFFERED, Warehouse

BEGAN = START - timedelta(days=30)
JOBS = "/ingest/jobs?mode=incremental"
INVOICES = "/ingest/invoices?mode=incremental"
ROUTES = {entity.name: entity.uri("", SETTINGS.reference_path) for entity in CATALOGUE}
MINUTE = timedelta(minutes=1)


@dataclass
class Service:
    """The stand-in with empty tables, and where it listens."""

    clock: Clock
    warehouse: Warehouse
    ingestor: Ingestor
    address: str

    def get(self, path: str) -> int:
        return ask(self.address, "GET", path)[0]

    def table(self, entity: str) -> tuple[int, int, datetime | None]:
        """Rows, different records, when the last was loaded."""
        return self.warehouse.rows(entity), self.warehouse.count(entity), self.warehouse.max_loaded_at(entity)

    def log(self) -> list[tuple[str, str]]:
        found = self.warehouse.execute("SELECT entity_type, status FROM st_logs_v2.ingestion_logs ORDER BY end_time")
        return found.fetchall()


@contextmanager
def service_with(settings: Settings) -> Iterator[Service]:
    clock, warehouse = Clock(START), Warehouse(settings)
    ingestor = Ingestor(clock, warehouse, settings, servicetitan(BEGAN, settings.time_zone))
    with serve(ingestor) as address:
        yield Service(clock, warehouse, ingestor, address)
    warehouse.close()


@pytest.fixture
def service() -> Iterator[Service]:
    with service_with(SETTINGS) as service:
        yield service


# Routes


@pytest.mark.parametrize("entity", ROUTES)
def test_each_entity_of_the_catalogue_has_its_route(entity: str, service: Service) -> None:
    status, _, content = ask(service.address, "GET", ROUTES[entity])
    service.clock.advance(START + timedelta(hours=1))

    assert status == 200
    claimed = json.loads(content)["recordsProcessed"]
    assert service.table(entity) == (claimed, claimed, START + timedelta(seconds=74))
    assert claimed > 0
    assert not [other for other in ROUTES if other != entity and service.warehouse.has(other)]


def test_the_answer_comes_at_once_and_says_how_long_it_takes(service: Service) -> None:
    service.ingestor.behaviours["jobs"] = Behaviour(duration=timedelta(minutes=40))
    _, headers, _ = ask(service.address, "GET", JOBS)

    assert float(headers[DURATION_HEADER]) == 2400
    assert service.clock.now == START


def test_the_path_of_reference_entities_is_a_setting_or_what_the_service_is_told() -> None:
    with service_with(replace(SETTINGS, reference_path="/dimensions")) as service:
        assert service.get("/dimensions/technicians") == 200
        assert service.get("/ingest/ref/technicians") == 404
        service.ingestor.reference_path = PUBLIC_REFERENCE_PATH
        assert service.get("/dimensions/technicians") == 404
        assert service.get("/ingest-ref/technicians") == 200
        assert service.get(JOBS) == 200


def test_a_service_whose_root_has_a_path_is_asked_below_it() -> None:
    # What is sent to the stand-in is what follows the root.
    with service_with(replace(SETTINGS, base_url="https://b.example/api/v2")) as service:
        assert service.get(JOBS) == 200


# Rows


def test_a_run_loads_what_the_source_had_when_it_began(service: Service) -> None:
    service.ingestor.behaviours["campaigns"] = Behaviour(duration=timedelta(hours=9))
    service.get("/ingest/campaigns?mode=full")
    ended = START + timedelta(hours=9)
    service.clock.advance(ended - MINUTE)
    assert not service.warehouse.has("campaigns")

    service.clock.advance(ended)
    records = len(service.ingestor.upstream.records("campaigns", START))
    assert service.table("campaigns") == (records, records, ended - timedelta(seconds=1))
    assert len(service.ingestor.upstream.records("campaigns", ended)) > records


def test_records_that_come_while_a_run_reads_are_never_read_again(service: Service) -> None:
    # The cursor is moved to the end of the run: the service's own gap.
    service.ingestor.behaviours["invoices"] = Behaviour(duration=timedelta(hours=9))
    for day in range(2):
        service.clock.advance(START + timedelta(days=day))
        service.get(INVOICES)
    service.clock.advance(START + timedelta(days=2))

    missed = service.warehouse.lacks("invoices", service.ingestor.read["invoices"])
    upstream = service.ingestor.upstream
    between = (len(upstream.records("invoices", START + timedelta(hours=h))) for h in (9, 0))
    assert missed == next(between) - next(between) > 0


@pytest.mark.parametrize("status", [500, 503, 429, 404])
def test_a_failure_loads_nothing_and_ends_with_its_cause(status: int, service: Service) -> None:
    service.ingestor.behaviours["jobs"] = Behaviour(status)
    assert service.get(JOBS) == 500
    service.get(INVOICES)
    service.clock.advance(START + timedelta(hours=1))

    assert not service.warehouse.has("jobs")
    assert service.warehouse.rows("invoices") > 0
    assert service.log() == [("jobs", "failed"), ("invoices", "success")]

    del service.ingestor.behaviours["jobs"]
    service.get(JOBS)
    service.clock.advance(START + timedelta(hours=2))
    assert service.warehouse.rows("jobs") > 0


def test_a_run_that_loads_nothing_claims_its_records_and_moves_the_cursor(service: Service) -> None:
    service.ingestor.behaviours["invoices"] = Behaviour(loads_rows=False)
    _, _, content = ask(service.address, "GET", INVOICES)
    service.clock.advance(START + timedelta(hours=1))

    assert json.loads(content)["recordsProcessed"] > 0
    assert service.log() == [("invoices", "success")]
    assert not service.warehouse.has("invoices")
    assert service.warehouse.cursor("invoices") == START + timedelta(seconds=75)


def test_a_row_of_the_run_log_that_cannot_be_written_is_swallowed(service: Service) -> None:
    service.ingestor.behaviours["jobs"] = Behaviour(logs=False)
    assert service.get(JOBS) == 200
    service.get(INVOICES)
    service.clock.advance(START + timedelta(hours=1))

    assert service.log() == [("invoices", "success")]
    assert service.warehouse.rows("jobs") > 0


def test_a_quiet_entity_answers_200_and_has_no_table(service: Service) -> None:
    service.ingestor.behaviours["returns"] = Behaviour(quiet=True)
    _, _, content = ask(service.address, "GET", ROUTES["returns"])
    service.clock.advance(START + timedelta(hours=1))

    assert json.loads(content)["recordsProcessed"] == 0
    assert not service.warehouse.has("returns")


def test_a_service_without_a_run_log_keeps_none() -> None:
    with service_with(replace(SETTINGS, run_log="")) as service:
        assert service.get(JOBS) == 200
        service.clock.advance(START + timedelta(hours=1))

        assert service.warehouse.rows("jobs") > 0
        tables = service.warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert sorted(tables) == [("raw_jobs",), ("sync_state",)]


def test_rows_in_the_streaming_buffer_are_doubled_by_the_next_run(service: Service) -> None:
    service.get(JOBS)
    service.clock.advance(START + 10 * MINUTE)
    records = service.warehouse.rows("jobs")
    # What a load through the streaming API leaves behind.
    service.warehouse.stream("jobs", range(10**6, 10**6 + 1), service.clock.now)
    _, _, content = ask(service.address, "GET", JOBS)
    service.clock.advance(START + 20 * MINUTE)
    rows = records + 1 + json.loads(content)["recordsProcessed"]
    assert (service.warehouse.rows("jobs"), service.warehouse.count("jobs")) == (rows, records + 1)

    service.clock.advance(START + 20 * MINUTE + BUFFERED)
    service.get(JOBS)
    service.clock.advance(START + 30 * MINUTE + BUFFERED)
    assert service.warehouse.rows("jobs") == rows


@pytest.mark.parametrize("second_ends_first", [False, True])
@pytest.mark.parametrize("entity", ["jobs", "purchase_orders"])
def test_two_runs_at_once_neither_lose_nor_double_records(
    entity: str, second_ends_first: bool, service: Service
) -> None:
    for number, minutes in enumerate([60, 10] if second_ends_first else [60, 90]):
        service.clock.advance(START + number * 20 * MINUTE)
        service.ingestor.behaviours[entity] = Behaviour(duration=minutes * MINUTE)
        service.get(ROUTES[entity])
    service.clock.advance(START + timedelta(hours=3))

    assert service.warehouse.rows(entity) == len(service.ingestor.read[entity]) > 0
    assert service.warehouse.lacks(entity, service.ingestor.read[entity]) == 0


runs = st.lists(
    st.tuples(st.integers(0, 240), st.integers(0, 120), st.sampled_from([200, 200, 200, 500, 429])),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=25)
@given(planned=runs)
def test_after_any_runs_of_a_night_the_table_has_each_record_once_that_a_good_run_read(
    planned: list[tuple[int, int, int]],
) -> None:
    with service_with(SETTINGS) as service:
        upstream, good = service.ingestor.upstream, False
        for begins, lasts, status in sorted(planned):
            service.clock.advance(START + begins * MINUTE)
            service.ingestor.behaviours["invoices"] = Behaviour(status, lasts * MINUTE)
            refused = service.ingestor.breaker.refuses(service.clock.now)
            assert service.get(INVOICES) == (200 if status == 200 and not refused else 500)
            good = good or (status == 200 and not refused)
        service.clock.advance(START + timedelta(hours=6))

        expected = upstream.fetch("invoices", START - timedelta(days=7), START) if good else range(0)
        assert service.table("invoices")[:2] == (len(expected), len(expected))
