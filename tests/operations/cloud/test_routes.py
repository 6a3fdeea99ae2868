"""The prober. A GET or a HEAD on a target starts an ingest: whatever the service answers, only OPTIONS is sent."""

from __future__ import annotations

from threading import Event

import pytest

from ingest.rollout import state_at
from ingest.verdict import Verdict
from operations.cloud import routes
from operations.cloud.routes import RouteAnswer, probe
from operations.preflight import routes_check
from tests.given.domain import night
from tests.given.status import scripted
from twin.server import serve
from twin.twin import Twin

STATUSES = [200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 407, 429, 500, 503]


@pytest.mark.parametrize("code", STATUSES)
def test_only_options_is_ever_sent_and_once_a_route(code: int) -> None:
    settings = night(3)
    world = state_at(settings.rollout, 3)
    with scripted((code, b"")) as (service, address):
        service.headers = {"Location": f"{address}/elsewhere", "Allow": "GET", "WWW-Authenticate": "Basic"}
        check = routes_check(world, lambda url: probe(url.replace(settings.base_url, address)), settings)

    assert {method for method, _ in service.seen} == {"OPTIONS"}
    assert len(service.seen) == len(world)
    assert "/elsewhere" not in {path for _, path in service.seen}
    expected = Verdict.PASS if code in (200, 204) else Verdict.FAIL if code == 404 else Verdict.INCONCLUSIVE
    assert check.verdict is expected


def test_a_refusal_without_an_identity_is_told_as_it_is() -> None:
    with scripted((401, b"")) as (_, address):
        assert probe(address).http_status == 401


def test_the_allow_header_is_read_whatever_its_case_and_spaces() -> None:
    with scripted((204, b"")) as (service, address):
        service.headers = {"Allow": " get,Head ,, OPTIONS"}
        assert probe(address) == RouteAnswer(204, frozenset({"GET", "HEAD", "OPTIONS"}))


def test_a_route_of_the_twins_service_exists_and_no_ingest_starts(twin: Twin) -> None:
    rows = twin.warehouse.rows("jobs")
    with serve(twin.ingestor) as address:
        assert "GET" in probe(f"{address}/ingest/jobs").allow
        assert probe(f"{address}/ingest-ref/campaigns").http_status == 404
    twin.advance(twin.clock.now.replace(hour=1, minute=59))

    assert twin.warehouse.rows("jobs") == rows


def test_a_service_that_is_not_there_gives_no_answer() -> None:
    with serve(lambda environ, start: []) as address:
        pass
    answer = probe(address)

    assert answer.http_status is None
    assert answer.text
    assert "\n" not in answer.text


def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "TIMEOUT", 0.2)
    end = Event()

    def silent(environ: object, start_response: object) -> list[bytes]:
        end.wait()
        raise OSError

    with serve(silent) as address:
        try:
            assert probe(address).http_status is None
        finally:
            end.set()


@pytest.mark.parametrize("url", ["https://", "ftp://127.0.0.1/x", "no url"])
def test_a_url_that_is_none_gives_no_answer(url: str) -> None:
    assert probe(url).http_status is None
