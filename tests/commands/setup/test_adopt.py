"""The command: what it prints, what it writes, and its exit codes 0, 1 and 2."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from commands.setup import adopt as adopt_command
from ingest.baseline import FILE, load_baseline
from operations.adopt import live_jobs
from operations.cloud import errors as answers
from operations.cloud.credentials import local_scheduler_client
from operations.errors import OperationError
from operations.ledger.ledger import FILE as LEDGER
from operations.ledger.ledger import Ledger
from tests.checkout import ROOT
from tests.given.adopt import add, change, change_target, make_hostile, recorded
from tests.given.domain import SETTINGS
from tests.given.states import write_night
from tests.given.twin import PARENT
from twin.server import serve
from twin.twin import Twin

Run = Callable[..., int]


@pytest.fixture
def run(twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command against the twin with `tmp_path` as the repository's root; its exit code."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(adopt_command, "ROOT", tmp_path)
    monkeypatch.setenv("GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT", f"{twin.address}/v1/")
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "for the local endpoint")

    def command(*arguments: str) -> int:
        code: int = adopt_command.adopt.main(list(arguments), standalone_mode=False)
        return code

    return command


def test_jobs_as_expected_are_0_and_write_nothing(run: Run, tmp_path: Path, twin: Twin) -> None:
    assert run() == 0
    assert list(tmp_path.iterdir()) == []
    assert twin.scheduler.take_writes() == []


def test_hostile_jobs_are_1_until_they_are_recorded_and_0_then(
    run: Run, tmp_path: Path, twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    make_hostile(twin)

    assert run() == 1
    assert not (tmp_path / FILE).exists()
    assert "http_method" in capsys.readouterr().out
    assert run("--record") == 0
    assert "7 jobs are recorded in baseline.json; review it and commit it." in capsys.readouterr().out
    assert load_baseline(tmp_path) == recorded(twin)
    (record,) = Ledger(tmp_path / LEDGER).records()
    assert record.data["baseline_hash"] == sha256((tmp_path / FILE).read_bytes()).hexdigest()
    assert (record.kind, record.night, record.project) == ("adopt", 0, SETTINGS.project)
    assert run() == 0
    assert run("--record") == 0
    assert "nothing to record" in capsys.readouterr().out
    assert len(Ledger(tmp_path / LEDGER).records()) == 1
    assert twin.scheduler.take_writes() == []


def test_an_adoption_that_cannot_be_noted_says_what_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / LEDGER).mkdir(parents=True)

    with pytest.raises(OperationError, match=r"baseline\.json is written, and that is not in the ledger: .*ledger"):
        run("--record")
    assert (tmp_path / FILE).exists()


def test_a_job_changed_after_its_recording_is_1_and_recorded_again(run: Run, twin: Twin) -> None:
    run("--record")
    change(twin, "jobs", {"description": "new"})

    assert run() == 1
    assert run("--record") == 0
    assert run() == 0


def test_what_has_to_be_mended_is_1_and_leaves_the_record_as_it_was(
    run: Run, tmp_path: Path, twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--record")
    before = (tmp_path / FILE).read_bytes()
    add(twin, "v2-sync-returns-daily")
    change(twin, "jobs", {"description": "new"})

    assert run() == 1
    with pytest.raises(OperationError, match="nothing was recorded") as caught:
        run("--record")
    assert caught.value.code == 1
    assert (tmp_path / FILE).read_bytes() == before
    assert "What to do:\n" in capsys.readouterr().out


def test_a_foreign_job_is_shown_and_does_not_hold_anything(
    run: Run, twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    add(twin, "v2-sync-everything-daily")

    assert run() == 0
    assert "v2-sync-everything-daily: nobody declares it" in capsys.readouterr().out
    assert run("--record") == 0


def test_after_night_0_it_is_over_and_prints_no_command(
    run: Run, tmp_path: Path, twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    write_night(tmp_path, SETTINGS.world(0))
    change(twin, "invoices", {"description": "edited since"})
    add(twin, "v2-sync-everything-daily")

    assert run() == 0
    assert capsys.readouterr().out.startswith("Adoption is over: ")
    add(twin, "v2-sync-returns-daily")
    assert run() == 1
    shown = capsys.readouterr().out
    assert "v2-sync-returns-daily" in shown
    assert "everything" not in shown
    assert "invoices" not in shown


def test_commands_stand_on_lines_that_fit_the_screen_and_none_deletes(
    run: Run, twin: Twin, capsys: pytest.CaptureFixture[str]
) -> None:
    add(twin, "v2-sync-everything-daily")
    change(twin, "jobs", {"timeZone": "UTC"})
    twin.scheduler.pause(f"{PARENT}/jobs/v2-sync-payroll-daily")

    assert run() == 1
    shown = capsys.readouterr().out.splitlines()
    commands = [line for line in shown if line.startswith(("    gcloud ", "      --"))]
    assert sum("gcloud" in line for line in commands) == 3
    assert max(map(len, commands)) <= 80
    assert not [line for line in shown if "delete" in line]


def test_json_says_what_the_table_says(run: Run, twin: Twin, capsys: pytest.CaptureFixture[str]) -> None:
    change_target(twin, "invoices", {"httpMethod": "POST"})

    assert run("--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["recorded"] is False
    invoices = next(job for job in found["jobs"] if job["entity"] == "invoices")
    assert invoices["verdict"] == "differs"
    assert {"field": "http_method", "expected": "GET", "live": "POST"} in invoices["differences"]
    assert run("--record", "--json") == 0
    assert json.loads(capsys.readouterr().out)["recorded"] is True

    add(twin, "v2-sync-returns-daily")
    with pytest.raises(OperationError):
        run("--record", "--json")
    assert json.loads(capsys.readouterr().out)["recorded"] is False


def test_a_bad_record_is_2_and_recording_writes_it_anew(run: Run, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("<<<<<<< HEAD\n")

    with pytest.raises(OperationError, match=r"baseline\.json: line 1 is not JSON") as caught:
        run()
    assert caught.value.code == 2
    assert run("--record") == 0
    assert run() == 0


def test_without_credentials_it_is_2(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(OperationError, match="no Google Cloud credentials") as caught:
        run()
    assert caught.value.code == 2


def answering(status: str, body: bytes) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterator[bytes]:
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        yield body

    return app


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "RETRY", None)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            "403 Forbidden",
            b'{"error": {"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"}}',
            "Perm",
        ),
        (
            "429 Too Many Requests",
            b'{"error": {"code": 429, "message": "Quota", "status": "RESOURCE_EXHAUSTED"}}',
            "Quota",
        ),
        ("500 Internal Server Error", b"", "cannot list the jobs"),
        ("502 Bad Gateway", b"<html>\n<body>\nno\n</body></html>", "cannot list the jobs"),
        ("200 OK", b"<html>", "cannot list the jobs"),
        ("200 OK", b'{"jobs": [{"name": 7}]}', "cannot list the jobs"),
        ("200 OK", b'{"nextPageToken": "again"}', "its pages have no end"),
    ],
)
def test_hostile_answers_are_one_line(status: str, body: bytes, told: str) -> None:
    with serve(answering(status, body)) as address, pytest.raises(OperationError, match=told) as caught:
        live_jobs(lambda: local_scheduler_client(address), SETTINGS)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_an_endpoint_that_does_not_answer_is_an_error(twin: Twin) -> None:
    with serve(answering("200 OK", b"{}")) as address:
        pass
    with pytest.raises(OperationError, match="cannot list the jobs"):
        live_jobs(lambda: local_scheduler_client(address), SETTINGS)
