"""`ingest-rollout timeline` as an operator types it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from google.cloud.scheduler_v1 import CloudSchedulerClient

from commands.cli import cli
from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.errors import OperationError
from operations.timeline.overview import timeline_svg
from tests.checkout import ROOT
from tests.given.domain import night
from tests.given.timeline import EVIDENCE, MEASURED
from tests.given.twin import PARENT, a_job
from twin.twin import Twin


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in [name for name in os.environ if name.startswith("INGEST_")]:
        monkeypatch.delenv(name)


def timeline(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["timeline", *map(str, arguments)])


def error(*arguments: str | Path) -> str:
    done = timeline(*arguments)
    assert isinstance(done.exception, OperationError), done.output
    return str(done.exception)


def test_without_a_file_it_prints_the_nights_as_svg() -> None:
    assert timeline("--strategy", "immediate").output == timeline_svg(night(0, "immediate"))


@pytest.mark.parametrize(
    ("name", "start"), [("t.svg", b"<svg "), ("t.html", b"<!doctype html>"), ("T.PNG", b"\x89PNG")]
)
def test_the_name_of_the_file_decides_what_is_written(name: str, start: bytes, tmp_path: Path) -> None:
    done = timeline("--output", tmp_path / name)
    assert (done.exit_code, done.output) == (0, f"The timeline: {tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o644


def test_night_measurements_and_a_time_reach_the_page(tmp_path: Path) -> None:
    runs = tmp_path / "runs.json"
    runs.write_text(json.dumps({"measured": [MEASURED[0].as_json()]}))
    timeline("--output", tmp_path / "t.html", "--night", "2", "--measured", runs)
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert "after night 2, shift" in page
    assert "04:00:00" in page
    assert "Sun 2026-10-25" in page


def test_evidence_reaches_the_page_of_its_night_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_text(json.dumps(EVIDENCE))
    timeline("--output", tmp_path / "t.html", "--night", "2", "--evidence", file)
    assert "What the shift of night 2 is worth" in (tmp_path / "t.html").read_text(encoding="utf-8")

    other = error("--output", tmp_path / "t.html", "--night", "1", "--evidence", file)
    assert other.startswith("--evidence: it is about night 2 (phased), and the page shows night 1 (phased); choose")
    assert "a PNG is the schedule alone" in error("--output", tmp_path / "t.png", "--night", "2", "--evidence", file)


def test_utc_is_counted_for_the_day_of_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_TIME_ZONE", "America/Los_Angeles")
    timeline("--output", tmp_path / "t.html", "--at", "2026-12-01T12:00")
    assert "UTC−08:00 on Wed 2026-12-02" in (tmp_path / "t.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--output", "timeline.pdf"), "--output: timeline.pdf has to end with one of .svg, .html, .png"),
        (("--output", "timeline"), "--output: timeline has to end with one of .svg, .html, .png"),
        (("--output", "no/such/t.html"), "no/such/t.html cannot be written (No such file or directory)"),
        (("--output", "t.html", "--measured", "no.json"), "--measured: no.json cannot be read"),
        (("--output", "t.html", "--evidence", "no.json"), "--evidence: no.json does not exist"),
        (("--output", "t.html", "--night", "9"), "--night"),
        (("--output", "t.html", "--strategy", "slow"), "--strategy"),
        (("--output", "t.png", "--at", "later"), "--at: 'later' is not an ISO 8601 time"),
        (("--night", "2"), "--night: an SVG shows the nights without a schedule; write the schedule with --output"),
        (("--output", "t.svg", "--measured", "r.json", "--at", "2026-10-20"), "--measured, --at: an SVG shows"),
    ],
)
def test_a_wrong_option_is_one_plain_error(arguments: tuple[str, ...], message: str) -> None:
    assert message in error(*arguments)
    assert not list(ROOT.glob("t.*"))


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "t.html"
    folder.mkdir()
    assert "t.html cannot be written (Is a directory); name another file" in error("--output", folder)
    # Root writes into any folder; /proc takes no files from anybody.
    assert "cannot be written" in error("--output", "/proc/t.html")


def test_help_has_an_example_of_each_kind() -> None:
    shown = timeline("--help").output
    for text in ("timeline > docs/timeline.svg", "--output timeline.html", ".png", '"started_at"'):
        assert text in shown


def test_neighbours_come_from_cloud_scheduler(
    twin: Twin, client: CloudSchedulerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.create_job(parent=PARENT, job=a_job("v2-sync-tags-daily"))
    monkeypatch.setenv(ENDPOINT_VARIABLE, f"{twin.address}/v1/")
    monkeypatch.setenv(TOKEN_VARIABLE, "of-the-twin")
    timeline("--output", tmp_path / "with.html", "--neighbours")
    timeline("--output", tmp_path / "without.html")

    assert "v2-sync-tags-daily" in (tmp_path / "with.html").read_text(encoding="utf-8")
    assert "v2-sync-tags-daily" not in (tmp_path / "without.html").read_text(encoding="utf-8")


def test_an_svg_has_no_place_for_neighbours() -> None:
    assert error("--neighbours").startswith("--neighbours: an SVG shows the nights without a schedule")


def test_the_run_log_is_asked_for_what_was_measured(
    twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.between.timeline.now", lambda: twin.clock.now)
    for name, value in twin.endpoints.items():
        monkeypatch.setenv(name, value)
    timeline("--output", tmp_path / "t.html", "--measured", "run-log")

    assert "What was measured on" in (tmp_path / "t.html").read_text(encoding="utf-8")
    monkeypatch.setenv("INGEST_RUN_LOG", "")
    assert "the setting run_log is empty" in error("--output", tmp_path / "t.html", "--measured", "run-log")
