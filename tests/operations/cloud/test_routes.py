"""What the service is asked. A GET of an entity starts an ingest: only lists and an unknown entity are asked for."""

from __future__ import annotations

from threading import Event

import pytest

from ingest.catalogue import CATALOGUE
from ingest.judging.verdict import Verdict
from operations.cloud import routes
from operations.cloud.routes import PUBLIC_REFERENCE_PATH, UNKNOWN, Answer, below, get, listed
from operations.preflight import routes_check
from tests.given.domain import night
from tests.given.status import scripted
from twin.server import serve
from twin.twin import Twin

STATUSES = [200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 407, 429, 500, 503]


@pytest.mark.parametrize("code", STATUSES)
def test_no_entity_is_ever_asked_for_and_no_redirect_followed(code: int) -> None:
    settings = night(3)
    with scripted((code, b"")) as (service, address):
        service.headers = {"Location": f"{address}/elsewhere", "WWW-Authenticate": "Basic"}
        check = routes_check(settings.world(), lambda url: get(url.replace(settings.base_url, address)), settings)

    assert {method for method, _ in service.seen} == {"GET"}
    asked = [path for _, path in service.seen]
    assert len(asked) == len(set(asked))
    assert "/elsewhere" not in asked
    assert not [path for path in asked for entity in CATALOGUE if entity.name in path.split("/")]
    assert check.verdict is Verdict.INCONCLUSIVE


def test_a_refusal_is_told_as_it_is() -> None:
    with scripted((401, b"")) as (_, address):
        assert get(address) == Answer(401)


@pytest.mark.parametrize("token", ["", "a.b.c"])
def test_a_token_is_sent_where_there_is_one(token: str) -> None:
    seen: list[str | None] = []

    def app(environ: dict[str, str], start_response: object) -> list[bytes]:
        seen.append(environ.get("HTTP_AUTHORIZATION"))
        start_response("200 OK", [])  # type: ignore[operator]
        return [b"{}"]

    with serve(app) as address:
        get(address, token)

    assert seen == ([f"Bearer {token}"] if token else [None])


@pytest.mark.parametrize("body", [b"", b"<html>Cannot GET /x</html>", b"[1]", b"null", b"[" * 5000, b"\xff"])
def test_an_answer_that_is_no_object_has_an_empty_body(body: bytes) -> None:
    with scripted((200, body)) as (_, address):
        assert get(address) == Answer(200, {})


def test_the_twins_service_says_what_it_has_and_no_ingest_starts(twin: Twin) -> None:
    rows = twin.warehouse.rows("jobs")
    twin.ingestor.reference_path = PUBLIC_REFERENCE_PATH
    with serve(twin.ingestor) as address:
        entities, references = listed(get, address)
        found = {path: below(get, address, path) for path in ("/ingest", PUBLIC_REFERENCE_PATH, "/ingest/ref")}
    twin.advance(twin.clock.now.replace(hour=1, minute=59))

    assert "collections" in entities
    assert set(references) == {"business_units", "technicians", "activity_codes"}
    assert found == {"/ingest": entities, PUBLIC_REFERENCE_PATH: references, "/ingest/ref": None}
    assert twin.warehouse.rows("jobs") == rows
    assert twin.ingestor.upstream.asked == []


def test_an_unknown_entity_is_none_of_the_services() -> None:
    # Of a JavaScript object, names such as "constructor" are there too.
    assert UNKNOWN not in {entity.name for entity in CATALOGUE} | {"constructor", "toString", "__proto__"}
    assert "-" in UNKNOWN


def test_a_service_that_is_not_there_gives_no_answer() -> None:
    with serve(lambda environ, start: []) as address:
        pass
    answer = get(address)

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
            assert get(address).http_status is None
        finally:
            end.set()


@pytest.mark.parametrize("url", ["https://", "ftp://127.0.0.1/x", "no url"])
def test_a_url_that_is_none_gives_no_answer(url: str) -> None:
    assert get(url).http_status is None
