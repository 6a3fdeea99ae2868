"""The command `status`, from its options to its exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from google.cloud.scheduler_v1 import CloudSchedulerClient

from commands.between.status import status, status_text
from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.errors import OperationError
from operations.status import Held, held, statuses
from operations.terraform.declared import Declared
from tests.given.domain import SETTINGS, night
from tests.given.states import resource, write_state
from tests.given.status import DENIED, from_api, scripted
from tests.given.storage import BUCKET, running
from tests.given.twin import named
from twin.twin import Twin

REMOTE = {"INGEST_BACKEND": "gcs", "INGEST_BACKEND_BUCKET": "a-bucket"}
"""So that no state of this checkout is read."""


def run(address: str, *arguments: str) -> Result:
    environ = {ENDPOINT_VARIABLE: f"{address}/v1/", TOKEN_VARIABLE: "of-the-twin", **REMOTE}
    return CliRunner().invoke(status, list(arguments), env=environ, standalone_mode=False)


def test_the_committed_jobs_in_sync_exit_with_0(twin: Twin) -> None:
    done = run(twin.address, "--night", "0")

    assert done.return_value == 0, done.output
    assert "7 in sync" in done.output
    assert "Mon 2026-10-19 02:00" in done.output


def test_json_tells_every_job_and_differences_exit_with_2(twin: Twin, client: CloudSchedulerClient) -> None:
    client.pause_job(name=named("v2-sync-jobs-daily"))
    done = run(twin.address, "--night", "1", "--json")
    content = json.loads(done.stdout)

    assert done.return_value == 2
    assert [each["entity"] for each in content["jobs"]][:2] == ["jobs", "appointments"]
    assert len(content["jobs"]) == 11
    assert content["jobs"][0]["states"] == ["paused by hand"]
    assert content["jobs"][1] == {
        "job": "v2-sync-appointments-daily",
        "entity": "appointments",
        "states": ["in sync"],
        "schedule": "10 2 * * *",
        "differences": [],
        "last_attempt": "2026-10-19T02:10:00-07:00",
        "last_attempt_status": "OK",
        "next_run": "2026-10-20T02:10:00-07:00",
        "note": "",
    }


def test_an_api_error_is_one_line_with_exit_code_1() -> None:
    with scripted(DENIED) as (_, address):
        done = run(address)

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 1
    assert "\n" not in str(done.exception)


def test_missing_credentials_are_one_line_with_exit_code_1(tmp_path: Path) -> None:
    environ = {
        ENDPOINT_VARIABLE: "http://127.0.0.1:9/v1/",
        TOKEN_VARIABLE: "",
        "GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "none.json"),
    }
    done = CliRunner().invoke(status, [], env=environ, standalone_mode=False)

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 1
    assert "gcloud auth application-default login" in str(done.exception)


def test_the_state_says_what_is_held(tmp_path: Path) -> None:
    assert held(tmp_path, SETTINGS, {}) == Held(frozenset())
    write_state(tmp_path, "phase-core", resource("jobs", {"schedule": "0 2 * * *"}))

    assert held(tmp_path, SETTINGS, {}) == Held(frozenset({"jobs"}))


@pytest.mark.parametrize("content", ["{}", "[]"])
def test_a_broken_state_leaves_adoption_untold_and_says_why(content: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "phase-core.tfstate").write_text(content)
    found = held(tmp_path, SETTINGS, {})

    assert found.entities is None
    assert "phase-core.tfstate" in found.note


def test_the_state_in_a_bucket_is_read_and_an_unreachable_one_is_not_known(tmp_path: Path) -> None:
    settings = replace(SETTINGS, backend="gcs", backend_bucket=BUCKET)
    instances = [{"attributes": {"schedule": "0 2 * * *"}}]
    resource = {"type": "google_cloud_scheduler_job", "name": "jobs", "instances": instances}
    with running(BUCKET) as storage:
        name = f"{settings.backend_prefix}/phase-core/default.tfstate"
        storage.buckets[BUCKET][name] = [(1, json.dumps({"resources": [resource]}).encode())]
        environ = {**storage.environ, TOKEN_VARIABLE: "for the local endpoint"}
        assert held(tmp_path, settings, environ) == Held(frozenset({"jobs"}))

    # It has stopped.
    found = held(tmp_path, settings, environ)
    assert found.entities is None
    assert "cannot be reached" in found.note


def test_the_table_shows_what_differs_below_it(nights: dict[int, list[Declared]]) -> None:
    state = Held(None, "the state is remote")
    live = {"v2-sync-jobs-daily": from_api(name=named("v2-sync-jobs-daily"), schedule="9 9 * * *", state="ENABLED")}
    text = status_text(night(2), statuses(night(2), nights[2], live, state), state)

    assert "  schedule: declared 0 4 * * *, live 9 9 * * *" in text.splitlines()
    assert text.splitlines()[-1] == "NOTE: the state is remote"
    assert "1 drifted, 11 missing" in text
