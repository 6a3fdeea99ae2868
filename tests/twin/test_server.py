"""Where the twin listens, and that nothing is left of it."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from google.cloud.scheduler_v1.types import HttpMethod

from operations.cloud.credentials import local_scheduler_client
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.twin import BY_HAND, PARENT, START, a_job, ask, named, uri
from twin.server import serve
from twin.twin import Twin, running

JOBS = f"/v1/{PARENT}/jobs"


def port(address: str) -> int:
    found = urlsplit(address).port
    assert found
    return found


def test_it_listens_on_the_loopback_address_alone(twin: Twin) -> None:
    assert urlsplit(twin.address).hostname == "127.0.0.1"
    # A server on all addresses would answer on each of these.
    for host in ("127.0.0.2", "::1", socket.gethostname()):
        try:
            found = socket.getaddrinfo(host, port(twin.address), type=socket.SOCK_STREAM)
        except OSError:
            continue
        for family, kind, protocol, _, place in found:
            if place[0] != "127.0.0.1":
                with socket.socket(family, kind, protocol) as client:
                    client.settimeout(5)
                    assert client.connect_ex(place) != 0, place


def test_two_twins_at_once_know_nothing_of_each_other() -> None:
    with running(SETTINGS, START) as one, running(SETTINGS, START) as two:
        assert port(one.address) != port(two.address)
        local_scheduler_client(one.address).delete_job(name=named("v2-sync-jobs-daily"))
        two.advance(in_phoenix("2026-10-20T12:00"))

        assert len(list(local_scheduler_client(two.address).list_jobs(parent=PARENT))) == 7
        assert (len(one.dispatcher.attempts), len(two.dispatcher.attempts)) == (0, 7)
        assert one.clock.now == START


@pytest.mark.parametrize("fails", [False, True])
def test_after_the_block_its_port_is_closed_and_its_threads_have_ended(fails: bool) -> None:
    before = set(threading.enumerate())
    kept: list[HTTPConnection] = []
    try:
        with running(SETTINGS, START) as twin:
            address = twin.address
            # Clients keep their connections open.
            client = local_scheduler_client(address)
            assert len(list(client.list_jobs(parent=PARENT))) == 7
            for _ in range(3):
                kept.append(HTTPConnection("127.0.0.1", port(address), timeout=5))
                kept[-1].request("GET", JOBS)
                assert kept[-1].getresponse().read()
            # One that never says a word.
            silent = socket.create_connection(("127.0.0.1", port(address)), timeout=5)
            assert set(threading.enumerate()) > before
            if fails:
                raise RuntimeError("in the block")
    except RuntimeError:
        assert fails

    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port(address)), timeout=5)
    with silent, suppress(ConnectionResetError):
        assert silent.recv(1) == b""
    for connection in kept:
        connection.close()


def test_requests_in_parallel_are_all_answered(twin: Twin) -> None:
    def work(number: int) -> int:
        client = local_scheduler_client(twin.address)
        target = {"uri": uri("returns"), "http_method": HttpMethod.GET}
        for n in range(5):
            short = f"w{number}-{n}"
            client.create_job(parent=PARENT, job=a_job(short, schedule="* * * * *", http_target=target))
            client.run_job(name=named(short))
            client.pause_job(name=named(short))
            client.update_job(job=a_job(short, description=short))
            assert client.get_job(name=named(short)).description == short
            client.resume_job(name=named(short))
            if n % 2:
                client.delete_job(name=named(short))
        return len(list(client.list_jobs({"parent": PARENT, "page_size": 2})))

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work, number) for number in range(8)]
        # Time passes meanwhile.
        for minute in range(1, 11):
            twin.advance(in_phoenix(f"2026-10-20T01:{minute:02}"))
        lengths = [future.result() for future in futures]

    expected = {f"w{number}-{n}" for number in range(8) for n in (0, 2, 4)}
    assert {name.rpartition("/")[2] for name in twin.scheduler.jobs} == expected | BY_HAND.keys()
    assert all(7 + 3 <= length <= 7 + 8 * 5 for length in lengths)
    assert len(twin.scheduler.take_writes()) == 8 * (5 * 4 + 2)


def test_a_request_never_meets_another_or_the_clock_half_way(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    for name in ("get", "create", "patch", "begin_attempt"):
        method = getattr(twin.scheduler, name)

        def noted(*arguments: Any, method: Any = method) -> Any:
            held.append(twin.lock.locked())
            return method(*arguments)

        monkeypatch.setattr(twin.scheduler, name, noted)
    client = local_scheduler_client(twin.address)
    client.create_job(parent=PARENT, job=a_job())
    client.update_job(job=a_job())
    client.run_job(name=named("added"))
    twin.advance(in_phoenix("2026-10-20T12:00"))

    assert len(held) > 10
    assert all(held)


def test_one_of_many_that_create_the_same_job_wins(twin: Twin) -> None:
    body = {"name": named("same"), "schedule": "0 4 * * *", "httpTarget": {"uri": uri("returns")}}
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: ask(twin.address, "POST", JOBS, body)[0], range(16)))

    assert sorted(codes) == [200] + [409] * 15


def test_one_connection_takes_many_requests_errors_among_them(twin: Twin) -> None:
    connection = HTTPConnection("127.0.0.1", port(twin.address), timeout=5)
    answers = []
    for method, path, body in [
        ("GET", JOBS, None),
        ("POST", JOBS, "{"),
        ("GET", f"{JOBS}/nowhere", None),
        ("PATCH", f"{JOBS}/nowhere", json.dumps({"description": "a body that is not looked at"})),
        ("PUT", JOBS, "a body that is not looked at"),
        ("GET", JOBS, None),
    ]:
        connection.request(method, path, body)
        response = connection.getresponse()
        response.read()
        answers.append(response.status)
    connection.close()

    assert answers == [200, 400, 404, 404, 405, 200]


def test_any_wsgi_app_can_be_served_and_a_bug_in_it_is_an_answer() -> None:
    def app(environ: object, start_response: object) -> object:
        raise RuntimeError("a bug")

    with serve(app) as address:
        assert ask(address, "GET", "/")[0] == 500
        assert ask(address, "GET", "/")[0] == 500
