"""The command `preflight` against the twin, from its options to its exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.evening.preflight import preflight
from operations.cloud.bigquery import ENDPOINT_VARIABLE as BIGQUERY_ENDPOINT
from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.cloud.permissions import ACCOUNTS_VARIABLE, PROJECTS_VARIABLE
from operations.cloud.routes import PUBLIC_REFERENCE_PATH, Answer, get
from operations.errors import OperationError
from operations.preflight import PERMISSIONS
from tests.given.domain import SETTINGS
from tests.given.status import DISABLED, scripted
from twin.iam import Iam
from twin.server import serve
from twin.twin import Twin

REMOTE = {"INGEST_BACKEND": "gcs", "INGEST_BACKEND_BUCKET": "a-bucket"}
"""So that no state of this checkout is read."""


@pytest.fixture(autouse=True)
def service(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The twin's ingest service and BigQuery stand in for those of the settings."""
    with serve(twin.ingestor) as address:

        def to_the_twin(url: str, token: str) -> Answer:
            assert url.startswith(SETTINGS.base_url)
            return get(url.replace(SETTINGS.base_url, address), token)

        monkeypatch.setattr("operations.preflight.get", to_the_twin)
        monkeypatch.setenv(BIGQUERY_ENDPOINT, twin.endpoints[BIGQUERY_ENDPOINT])
        yield


@pytest.fixture
def iam() -> Iterator[tuple[Iam, str]]:
    app = Iam(SETTINGS.project, set(PERMISSIONS))
    with serve(app) as address:
        yield app, address


def run(scheduler: str, iam: str, *arguments: str, **environ: str) -> Result:
    pointed = {
        ENDPOINT_VARIABLE: f"{scheduler}/v1/",
        PROJECTS_VARIABLE: f"{iam}/v1/",
        ACCOUNTS_VARIABLE: f"{iam}/v1/",
        TOKEN_VARIABLE: "of-the-twin",
    }
    return CliRunner().invoke(preflight, list(arguments), env=pointed | REMOTE | environ, standalone_mode=False)


def test_all_checks_pass_before_night_1(twin: Twin, iam: tuple[Iam, str]) -> None:
    done = run(twin.address, iam[1], "--night", "1", "--json")
    verdicts = {check["check"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}

    assert done.return_value == 0
    assert set(verdicts.values()) == {"pass"}
    assert "tables" in verdicts


def test_checks_that_share_a_cause_share_a_line(iam: tuple[Iam, str]) -> None:
    done = run("http://127.0.0.1:9", iam[1])

    assert "inconclusive  names to create, jobs to adopt, neighbours: the live jobs could not be listed" in done.output
    assert done.output.count("the live jobs could not be listed") == 1


def test_a_table_that_is_missing_fails_where_its_job_has_loaded(twin: Twin, iam: tuple[Iam, str]) -> None:
    assert "raw_returns does not exist yet" in run(twin.address, iam[1], "--night", "1").output
    twin.warehouse.execute(f'DROP TABLE "{SETTINGS.dataset}"."raw_jobs"')
    done = run(twin.address, iam[1], "--night", "1")

    assert done.return_value == 1
    assert "raw_jobs does not exist, although v2-sync-jobs-daily has loaded records" in done.output


def test_a_failed_check_exits_with_1_and_says_what_to_do(twin: Twin, iam: tuple[Iam, str]) -> None:
    iam[0].granted.clear()
    done = run(twin.address, iam[1], "--night", "1")

    assert done.return_value == 1
    assert "> ask for roles/cloudscheduler.admin" in done.output


def test_the_invoker_is_asked_for(twin: Twin, iam: tuple[Iam, str]) -> None:
    done = run(twin.address, iam[1], INGEST_INVOKER_SERVICE_ACCOUNT="none@example.com", INGEST_CREATE_INVOKER="false")

    assert done.return_value == 1
    assert "none@example.com does not exist" in done.output


def test_the_reference_path_of_the_public_service_is_found_and_named(twin: Twin, iam: tuple[Iam, str]) -> None:
    twin.ingestor.reference_path = PUBLIC_REFERENCE_PATH
    done = run(twin.address, iam[1], "--night", "3")

    assert done.return_value == 1
    assert '> in cdktf.json set "reference_path": "/ingest-ref"' in done.output


def test_a_disabled_api_is_named(iam: tuple[Iam, str]) -> None:
    with scripted(DISABLED) as (_, address):
        done = run(address, iam[1])

    assert done.return_value == 1
    assert "gcloud services enable cloudscheduler.googleapis.com" in done.output


def test_missing_credentials_are_inconclusive_and_the_routes_are_asked_for_all_the_same(
    twin: Twin, tmp_path: Path
) -> None:
    missing = str(tmp_path / "none.json")
    done = run(
        twin.address,
        "http://127.0.0.1:9",
        "--json",
        GOOGLE_OAUTH_ACCESS_TOKEN="",
        GOOGLE_APPLICATION_CREDENTIALS=missing,
    )
    found = {check["check"]: check for check in json.loads(done.stdout)["checks"]}

    assert done.return_value == 2
    assert found["routes"]["verdict"] == "pass"
    assert "gcloud auth application-default login" in found["Cloud Scheduler"]["reason"]
    assert "\n" not in found["permissions"]["reason"]


def test_settings_that_are_wrong_exit_with_2(twin: Twin, iam: tuple[Iam, str]) -> None:
    done = run(twin.address, iam[1], "--night", "9")

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 2
    assert "night: 9" in str(done.exception)
