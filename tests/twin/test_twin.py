"""What the twin sends to the ingest service, and to nothing else."""

from __future__ import annotations

import pytest
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import HttpMethod

from tests.given.twin import GET, at, attempts, given_job, uri
from twin.twin import Twin


@pytest.mark.parametrize(
    "target",
    [
        "https://example.invalid/ingest/returns",
        "https://st-v2-ingestor-999875365235.us-central1.run.app.example.invalid/ingest/returns",
        "http://st-v2-ingestor-999875365235.us-central1.run.app/ingest/returns",
        "http://127.0.0.1:9/ingest/returns",
    ],
)
def test_a_target_elsewhere_is_never_called(target: str, twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", http_target={"uri": target, **GET})
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 14)]
    assert twin.warehouse.rows("returns") == 0


def test_letters_beyond_ascii_in_a_target_are_encoded(twin: Twin, client: CloudSchedulerClient) -> None:
    given_job(client, "0 4 * * *", http_target={"uri": uri("returns") + "&by=Zoë", **GET})
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, 0)]


@pytest.mark.parametrize(("method", "code"), [("GET", 0), ("HEAD", 0), ("POST", 5), ("DELETE", 5)])
def test_the_declared_method_is_sent(method: str, code: int, twin: Twin, client: CloudSchedulerClient) -> None:
    target = {"uri": uri("returns"), "http_method": getattr(HttpMethod, method)}
    given_job(client, "0 4 * * *", http_target=target)
    twin.advance(at("12:00"))

    assert attempts(twin) == [("Tue 04:00:00", 0, code)]
    assert bool(twin.warehouse.rows("returns")) is (code == 0)
