"""The stand-in for the ingest service, over real HTTP, with a real database behind it."""

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
from twin.server import serve
from twin.service import DURATION_HEADER, Behaviour, Ingestor
from twin.warehouse import Warehouse

BEGAN = START - timedelta(days=30)
JOBS = "/ingest/jobs?mode=incremental"
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


@contextmanager
def service_with(settings: Settings) -> Iterator[Service]:
    clock, warehouse = Clock(START), Warehouse(settings)
    ingestor = Ingestor(clock, warehouse, settings, BEGAN)
    with serve(ingestor) as address:
        yield Service(clock, warehouse, ingestor, address)
    warehouse.close()


@pytest.fixture
def service() -> Iterator[Service]:
    with service_with(SETTINGS) as service:
        yield service


# Routes and methods


@pytest.mark.parametrize("entity", ROUTES)
def test_each_entity_of_the_catalogue_has_its_route(entity: str, service: Service) -> None:
    status, _, content = ask(service.address, "GET", ROUTES[entity])
    service.clock.advance(START + timedelta(hours=1))

    mode = "full" if "/ref/" in ROUTES[entity] else "incremental"
    assert (status, json.loads(content)) == (200, {"entity": entity, "mode": mode, "status": 200})
    records = service.ingestor.records(entity, START)
    assert service.table(entity) == (records, records, START + timedelta(seconds=75))
    assert not [other for other in ROUTES if other != entity and service.warehouse.rows(other)]


def test_the_answer_comes_at_once_and_says_how_long_it_takes(service: Service) -> None:
    service.ingestor.behaviours["jobs"] = Behaviour(duration=timedelta(minutes=40))
    _, headers, _ = ask(service.address, "GET", JOBS)

    assert float(headers[DURATION_HEADER]) == 2400
    assert service.clock.now == START


def test_head_runs_an_ingest_too_as_it_does_in_express(service: Service) -> None:
    status, _, content = ask(service.address, "HEAD", JOBS)
    service.clock.advance(START + timedelta(hours=1))

    assert (status, content) == (200, b"")
    assert service.warehouse.rows("jobs") == service.ingestor.records("jobs", START)


def test_options_tells_the_methods_and_runs_nothing(service: Service) -> None:
    for path in ROUTES.values():
        status, headers, content = ask(service.address, "OPTIONS", path)
        assert (status, headers["Allow"], content) == (200, "GET, HEAD, OPTIONS", b"")
    service.clock.advance(START + timedelta(hours=1))

    assert not [entity for entity in ROUTES if service.warehouse.rows(entity)]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_not_allowed_and_run_nothing(method: str, service: Service) -> None:
    status, headers, _ = ask(service.address, method, JOBS)
    service.clock.advance(START + timedelta(hours=1))

    assert (status, headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert service.warehouse.rows("jobs") == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/ingest", "/ingest/", "/ingest/nothing", "/ingest/jobs/", "/ingest/ref/jobs", "/ingest/campaigns"]
)
def test_an_unknown_route_is_not_found(path: str, method: str, service: Service) -> None:
    assert ask(service.address, method, path)[0] == 404


def test_the_path_of_reference_entities_is_a_setting() -> None:
    with service_with(replace(SETTINGS, reference_path="/ingest-ref")) as service:
        assert service.get("/ingest-ref/campaigns?mode=full") == 200
        assert service.get("/ingest/ref/campaigns?mode=full") == 404
        assert service.get(JOBS) == 200


def test_a_service_whose_root_has_a_path_is_asked_below_it() -> None:
    # What is sent to the stand-in is what follows the root.
    with service_with(replace(SETTINGS, base_url="https://b.example/api/v2")) as service:
        assert service.get(JOBS) == 200


# Rows


def test_the_source_grows_with_time_and_each_entity_at_its_own_pace(service: Service) -> None:
    entities = list(ROUTES)
    counts = [service.ingestor.records(entity, START) for entity in entities]

    assert counts == sorted(counts, reverse=True)
    assert all(service.ingestor.records(entity, BEGAN) == 0 for entity in entities)
    assert all(
        service.ingestor.records(e, START + timedelta(days=1)) > n for e, n in zip(entities, counts, strict=True)
    )


def test_a_run_loads_what_the_source_had_when_it_began(service: Service) -> None:
    service.ingestor.behaviours["jobs"] = Behaviour(duration=timedelta(hours=3))
    service.get(JOBS)
    service.clock.advance(START + timedelta(hours=3) - MINUTE)
    assert service.table("jobs") == (0, 0, None)

    service.clock.advance(START + timedelta(hours=3))
    records = service.ingestor.records("jobs", START)
    assert service.table("jobs") == (records, records, START + timedelta(hours=3))


def test_the_next_run_loads_what_is_new_exactly_once(service: Service) -> None:
    ended = START + timedelta(seconds=75)
    for day in range(3):
        service.clock.advance(START + timedelta(days=day))
        service.get(JOBS)
        service.clock.advance(ended + timedelta(days=day))

        records = service.ingestor.records("jobs", START + timedelta(days=day))
        assert service.table("jobs") == (records, records, ended + timedelta(days=day))


def test_a_run_that_finds_nothing_new_moves_nothing(service: Service) -> None:
    service.get(JOBS)
    service.clock.advance(START + 2 * MINUTE)
    before = service.table("jobs")
    service.get(JOBS)
    service.clock.advance(START + 5 * MINUTE)

    assert service.ingestor.records("jobs", START + 2 * MINUTE) == before[0], "the source has nothing new"
    assert service.table("jobs") == before


@pytest.mark.parametrize(
    ("behaviour", "retry_after"),
    [
        (Behaviour(500), None),
        (Behaviour(503), None),
        (Behaviour(429), "60"),
        (Behaviour(200, loads_rows=False), None),
    ],
    ids=["500", "503", "429", "no rows"],
)
def test_trouble_loads_nothing_and_ends_with_its_cause(
    behaviour: Behaviour, retry_after: str | None, service: Service
) -> None:
    service.ingestor.behaviours["jobs"] = behaviour
    status, headers, _ = ask(service.address, "GET", JOBS)
    service.get("/ingest/invoices?mode=incremental")
    service.clock.advance(START + timedelta(hours=1))

    assert (status, headers.get("Retry-After")) == (behaviour.http_status, retry_after)
    assert service.table("jobs") == (0, 0, None)
    assert service.warehouse.rows("invoices") > 0

    del service.ingestor.behaviours["jobs"]
    service.get(JOBS)
    service.clock.advance(START + timedelta(hours=2))
    assert service.warehouse.rows("jobs") == service.ingestor.records("jobs", START + timedelta(hours=1))


@pytest.mark.parametrize("second_ends_first", [False, True])
def test_two_runs_at_once_neither_lose_nor_double_records(second_ends_first: bool, service: Service) -> None:
    lasts = [60, 10] if second_ends_first else [60, 90]
    for number, minutes in enumerate(lasts):
        service.clock.advance(START + number * 20 * MINUTE)
        service.ingestor.behaviours["jobs"] = Behaviour(duration=minutes * MINUTE)
        service.get(JOBS)
    service.clock.advance(START + timedelta(hours=3))

    records = service.ingestor.records("jobs", START + 20 * MINUTE)
    assert records > service.ingestor.records("jobs", START)
    assert service.table("jobs")[:2] == (records, records)


runs = st.lists(
    st.tuples(st.integers(0, 600), st.integers(0, 300), st.sampled_from([200, 200, 200, 500, 429]), st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=25)
@given(planned=runs)
def test_after_any_runs_the_table_holds_each_record_once_up_to_the_last_good_run(
    planned: list[tuple[int, int, int, bool]],
) -> None:
    with service_with(SETTINGS) as service:
        good = []
        for begins, lasts, status, loads in sorted(planned):
            service.clock.advance(START + begins * MINUTE)
            service.ingestor.behaviours["jobs"] = Behaviour(status, lasts * MINUTE, loads)
            assert service.get(JOBS) == status
            if status == 200 and loads:
                good.append(service.clock.now)
        service.clock.advance(START + timedelta(days=1))

        records = service.ingestor.records("jobs", max(good)) if good else 0
        assert service.table("jobs")[:2] == (records, records)


def test_tables_carry_the_catalogues_loaded_at_field(service: Service) -> None:
    columns = service.warehouse._database.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ? AND column_name <> 'id'",
        [SETTINGS.dataset],
    ).fetchall()

    assert dict(columns) == {f"raw_{entity.name}": entity.loaded_at_fields[0] for entity in CATALOGUE}
