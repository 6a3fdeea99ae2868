"""Whether somebody listens, found out in seconds."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from time import sleep

import pytest

from operations.cloud import reach
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.reach import refuse_unreachable


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refusal(url: str) -> str:
    with pytest.raises(UnansweredError) as caught:
        refuse_unreachable("The API", url, code=2)
    assert (caught.value.cause, caught.value.code) == (Cause.UNREACHABLE, 2)
    return str(caught.value)


def test_who_listens_is_reached(listening: int) -> None:
    refuse_unreachable("The API", f"http://127.0.0.1:{listening}/v1/")


def test_a_port_at_which_nobody_listens_is_named_with_what_to_do() -> None:
    told = refusal("http://127.0.0.1:9/v1/")

    assert told.startswith("The API cannot be reached (127.0.0.1: Connection refused); check the network")


@pytest.mark.parametrize(
    "url", ["https://no-such-host.invalid", f"https://{'a' * 70}.invalid", "https://:80", "nonsense"]
)
def test_a_name_that_is_none_is_no_traceback(url: str) -> None:
    assert refusal(url).startswith("The API cannot be reached (")


def test_a_proxy_is_asked_in_place_of_the_host(listening: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening}")
    refuse_unreachable("The API", "https://no-such-host.invalid")

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "(127.0.0.1: Connection refused)" in refusal("https://no-such-host.invalid")


def test_a_name_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> socket.socket:
        sleep(1)
        return socket.socket()

    monkeypatch.setattr(reach, "PATIENCE", 0.05)
    monkeypatch.setattr(socket, "create_connection", endless)

    assert "no answer in 0 s" in refusal("https://example.com")
