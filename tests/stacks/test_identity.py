"""The stack ingest-identity, and the night from which the jobs send its token."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.catalogue import CATALOGUE
from tests.given.domain import EMAIL, IDENTITY, LAST
from tests.given.grants import INVOKER
from tests.given.synth import Synthesize


def test_the_identity_stack_is_synthesized_to_this_json(synthesize: Synthesize, snapshot_json: Any) -> None:
    assert synthesize(night=IDENTITY, **INVOKER)["ingest-identity"] == snapshot_json


@pytest.mark.parametrize("night", [0, LAST, IDENTITY])
def test_the_identity_stack_is_the_same_on_every_night(night: int, synthesize: Synthesize) -> None:
    assert synthesize(night=night, **INVOKER)["ingest-identity"] == synthesize(night=1, **INVOKER)["ingest-identity"]


def test_only_the_last_nights_jobs_send_a_token(synthesize: Synthesize) -> None:
    def tokens(night: int) -> list[Any]:
        stacks = synthesize(night=night, **INVOKER)
        jobs = [
            job
            for name in stacks
            for job in stacks[name].get("resource", {}).get("google_cloud_scheduler_job", {}).values()
        ]
        return [job["http_target"].get("oidc_token") for job in jobs]

    assert not any(tokens(LAST))
    assert len(tokens(IDENTITY)) == len(CATALOGUE)
    root = "https://st-v2-ingestor-999875365235.us-central1.run.app"
    assert all(token == {"service_account_email": EMAIL, "audience": root} for token in tokens(IDENTITY))
