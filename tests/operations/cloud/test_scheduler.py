"""Listing live jobs against services that misbehave."""

from __future__ import annotations

from threading import Event

import pytest

from operations.cloud import errors as answers
from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE, local_scheduler_client, scheduler_client
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.scheduler import MOST_PAGES, live_jobs
from tests.given.status import DENIED, DISABLED, NO_API, UNSURE, Answer, google_error, scripted
from tests.given.twin import PARENT, a_job, named
from twin.scheduler import Scheduler
from twin.server import serve
from twin.twin import Twin


def page(*names: str, then: str = "") -> Answer:
    return 200, {"jobs": [{"name": named(name)} for name in names], "nextPageToken": then}


def refused(*answers: Answer) -> UnansweredError:
    with scripted(*answers) as (_, address), pytest.raises(UnansweredError) as error:
        live_jobs(local_scheduler_client(address), PARENT)
    assert "\n" not in str(error.value)
    assert PARENT in str(error.value)
    return error.value


def test_all_pages_are_read() -> None:
    with scripted(page("a", then="2"), page("b", then="3"), page("c")) as (service, address):
        found = live_jobs(local_scheduler_client(address), PARENT)

    assert list(found) == ["a", "b", "c"]
    assert len(service.seen) == 3


def test_jobs_of_one_page_cost_one_call_however_many_they_are(twin: Twin) -> None:
    client = local_scheduler_client(twin.address)
    for number in range(400):
        twin.scheduler.create(
            PARENT,
            {
                "name": named(f"job-{number}"),
                "schedule": "0 4 * * *",
                "httpTarget": {"uri": a_job().http_target.uri, "httpMethod": "GET"},
            },
        )
    calls = []
    plain = Scheduler.page

    def counted(self: Scheduler, parent: str, size: int, token: str) -> dict[str, object]:
        calls.append(token)
        return plain(self, parent, size, token)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scheduler, "page", counted)
        found = live_jobs(client, PARENT)

    assert len(found) == 407
    assert calls == [""]


def test_a_token_that_repeats_ends_in_an_error() -> None:
    assert "no end (after 3)" in str(refused(page("a", then="1"), page("b", then="2"), page("c", then="1")))


def test_tokens_without_end_end_in_an_error() -> None:
    endless = [page(f"job-{number}", then=f"t{number}") for number in range(MOST_PAGES + 5)]

    assert f"no end (after {MOST_PAGES})" in str(refused(*endless))


def test_as_many_pages_as_allowed_are_read() -> None:
    pages = [page(f"job-{number}", then=f"t{number}") for number in range(MOST_PAGES - 1)]
    with scripted(*pages, page("last")) as (_, address):
        assert len(live_jobs(local_scheduler_client(address), PARENT)) == MOST_PAGES


@pytest.mark.parametrize("passing", [(429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE")])
def test_what_passes_is_asked_again(passing: tuple[int, str]) -> None:
    with scripted(google_error(*passing), page("a")) as (service, address):
        assert list(live_jobs(local_scheduler_client(address), PARENT)) == ["a"]
    assert len(service.seen) == 2


@pytest.mark.parametrize("lasting", [(429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (503, "UNAVAILABLE")])
def test_what_does_not_pass_ends_with_the_apis_words(lasting: tuple[int, str]) -> None:
    error = refused(google_error(*lasting))

    assert lasting[1] in str(error)
    assert "words of the API" in str(error)
    assert error.cause is Cause.UNAVAILABLE
    assert str(error).endswith("; try again later")


def test_a_disabled_api_is_told_from_a_missing_permission() -> None:
    assert refused(DISABLED).cause is Cause.DISABLED
    assert refused(DENIED).cause is Cause.DENIED


def test_a_project_that_is_not_there_is_told() -> None:
    assert refused(google_error(404, "NOT_FOUND")).cause is Cause.NOT_FOUND


@pytest.mark.parametrize("answer", NO_API, ids=[str(body) for _, body in NO_API])
def test_an_answer_that_is_no_apis_is_one_line(answer: Answer) -> None:
    assert refused(answer).cause in UNSURE


def test_a_job_without_a_name_is_not_taken_for_an_answer() -> None:
    assert "without a name" in str(refused((200, {"jobs": [{"schedule": "0 4 * * *"}]})))


def test_expired_credentials_are_told_with_what_to_do() -> None:
    with scripted(google_error(401, "UNAUTHENTICATED")) as (_, address):
        client = scheduler_client({ENDPOINT_VARIABLE: f"{address}/v1/", TOKEN_VARIABLE: "expired"})
        with pytest.raises(UnansweredError, match="gcloud auth application-default login"):
            live_jobs(client, PARENT)


def test_a_service_that_is_not_there_is_one_line() -> None:
    with serve(lambda environ, start: []) as address:
        pass
    with pytest.raises(UnansweredError) as error:
        live_jobs(local_scheduler_client(address), PARENT)
    assert "\n" not in str(error.value)
    assert error.value.cause is Cause.UNREACHABLE
    assert "it cannot be reached ([Errno 111] Connection refused); check the network" in str(error.value)


def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "TIMEOUT", 0.2)
    end = Event()

    def silent(environ: object, start_response: object) -> list[bytes]:
        end.wait()
        raise OSError

    with serve(silent) as address:
        try:
            with pytest.raises(UnansweredError):
                live_jobs(local_scheduler_client(address), PARENT)
        finally:
            end.set()
