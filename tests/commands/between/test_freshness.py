"""`ingest-rollout freshness` as an operator types it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.between.freshness import age_words, freshness
from ingest.catalogue import CATALOGUE
from operations.cloud.bigquery import ENDPOINT_VARIABLE
from tests.given.result import code
from tests.given.tables import Place, answering, google_error

AT = ("--at", "2026-10-26T08:00")


pytestmark = pytest.mark.usefixtures("in_the_repository")


def run(address: str, *arguments: str, night: int = 3, **environ: Any) -> Result:
    variables = {ENDPOINT_VARIABLE: address, "INGEST_STRATEGY": "phased", "INGEST_NIGHT": str(night), **environ}
    return CliRunner().invoke(freshness, [*AT, *arguments], env=variables, standalone_mode=False)


BY_TABLES: dict[str, Any] = {"INGEST_RUN_LOG": ""}


def cells(result: Result, entity: str) -> list[str]:
    (line,) = [line.split("  ") for line in result.stdout.splitlines() if line.startswith(f"{entity} ")]
    return [cell.strip() for cell in line if cell]


def test_successes_in_time_end_with_0_and_a_table_in_local_time(place: Place) -> None:
    place.ran_all(timedelta(hours=3, minutes=5))
    place.load_all(timedelta(hours=4))
    place.load("jobs", timedelta(hours=3), rows=1234)
    result = run(place.address)

    assert code(result) == 0
    assert cells(result, "jobs") == [
        "jobs",
        "Mon 2026-10-26 04:55",
        "3 h 5 min",
        "Mon 2026-10-26 05:00",
        "1,234",
        "warn 26 hours, error 50 hours",
        "pass",
    ]
    bill = "BigQuery bills 180.0 MiB at most for 16 tables and the run log st_logs_v2.ingestion_logs.\nentity"
    assert result.stdout.startswith(bill)
    assert "last success, America/Phoenix" in result.stdout
    assert "newest row, America/Phoenix" in result.stdout
    assert "\x1b" not in result.stdout


def test_another_zone_changes_the_clock_shown_and_not_the_verdict(place: Place) -> None:
    place.ran_all()
    place.load_all(timedelta(hours=4))
    result = run(place.address, "--at", "2026-10-26T15:00+00:00", INGEST_TIME_ZONE="Europe/Berlin")

    assert code(result) == 0
    assert "Mon 2026-10-26 13:00" in result.stdout
    assert "last success, Europe/Berlin" in result.stdout


def test_a_warning_ends_with_0(place: Place) -> None:
    place.ran_all(timedelta(hours=27))
    place.load_all()
    result = run(place.address)

    assert code(result) == 0
    assert result.stdout.count("warn\n") == 12


def test_a_quiet_entity_without_a_table_passes(place: Place) -> None:
    place.ran_all()
    place.load("jobs", timedelta(hours=3))
    result = run(place.address)

    assert code(result) == 0
    assert cells(result, "inventory_bills")[3:] == ["no table", "warn 26 hours, error 50 hours", "pass"]


def test_a_job_that_fails_ends_with_1_and_its_last_error(place: Place) -> None:
    place.load_all()
    place.ran_all(but="payments")
    place.ran("payments", timedelta(hours=51))
    place.ran("payments", timedelta(hours=3), "failed", error="Request failed with\n status code 404")
    result = run(place.address)

    assert code(result) == 1
    assert result.stdout.count("  pass\n") == 15
    assert cells(result, "payments")[1:3] == ["Sat 2026-10-24 05:00", "2 d 3 h"]
    note = "payments: last call Mon 2026-10-26 05:00 ended as 'failed': Request failed with status code 404"
    assert result.stdout.splitlines()[-1] == note


def test_an_entity_that_never_succeeded_ends_with_1_although_its_table_is_fresh(place: Place) -> None:
    place.load_all()
    place.ran_all(but="returns")
    result = run(place.address)

    assert code(result) == 1
    assert cells(result, "returns")[1:3] == ["never", "Mon 2026-10-26 05:00"]


def test_a_run_log_that_stopped_ends_with_1_and_is_named(place: Place) -> None:
    place.load_all()
    place.ran_all(timedelta(hours=51))
    result = run(place.address)

    assert code(result) == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("run log st_logs_v2.ingestion_logs: last row Sat 2026-10-24 05:00, error after 50 hours; ")


def test_a_run_log_that_is_not_there_ends_with_2_and_the_setting_to_look_at(place: Place) -> None:
    place.load_all()
    result = run(place.address)

    assert code(result) == 2
    assert "compare project, datasets and run_log in cdktf.json" in str(result.exception)


def test_a_broken_table_is_named_and_does_not_change_the_verdict(place: Place) -> None:
    place.load_all()
    place.ran_all()
    place.warehouse.execute("ALTER TABLE st_raw_v2.raw_jobs ALTER _ingested_at TYPE VARCHAR")
    result = run(place.address)

    assert code(result) == 0
    assert "jobs: column _ingested_at of kpi-auto-471020.st_raw_v2.raw_jobs is STRING" in result.stdout


@pytest.mark.parametrize(
    "spoil",
    [
        "DELETE FROM st_raw_v2.raw_jobs",
        "UPDATE st_raw_v2.raw_jobs SET _ingested_at = TIMESTAMP '2026-10-24 12:59:59'",
        "DROP TABLE st_raw_v2.raw_jobs",
        "ALTER TABLE st_raw_v2.raw_jobs DROP _ingested_at",
    ],
    ids=["never loaded", "too old", "no table", "no column"],
)
def test_without_a_run_log_one_bad_table_ends_with_1_and_the_others_are_shown(spoil: str, place: Place) -> None:
    place.load_all()
    place.warehouse.execute(spoil)
    result = run(place.address, **BY_TABLES)

    assert code(result) == 1
    assert result.stdout.count("  pass\n") == 15
    assert "error" in result.stdout
    assert "last success" not in result.stdout
    assert cells(result, "returns")[1:3] == ["Mon 2026-10-26 05:00", "3 h"]


def test_at_night_0_only_the_seven_live_entities_are_expected(place: Place) -> None:
    for entity in CATALOGUE:
        if entity.live:
            place.ran(entity.name, timedelta(hours=5))
            place.load(entity.name, timedelta(hours=5))
    result = run(place.address, night=0)

    assert code(result) == 0
    assert result.stdout.count("  not yet\n") == 9
    assert "at most for 7 tables" in result.stdout


CRITERIA = {"warn_after": {"count": 26, "period": "hour"}, "error_after": {"count": 50, "period": "hour"}}


def test_json_has_every_entity_and_nothing_else_on_stdout(place: Place) -> None:
    place.load("jobs", timedelta(hours=4), rows=2)
    place.ran("jobs", timedelta(hours=3))
    place.ran("jobs", timedelta(hours=2), "failed")
    place.ran("payroll", timedelta(hours=3), inserted=0)
    result = run(place.address, "--json", night=0)
    found = json.loads(result.stdout)
    entities = {row["entity"]: row for row in found["entities"]}

    assert code(result) == 1
    assert "BigQuery bills" in result.stderr
    assert (found["night"], found["strategy"], found["at"]) == (0, "phased", "2026-10-26T08:00:00-07:00")
    assert (found["run_log"], found["run_log_error"]) == ("st_logs_v2.ingestion_logs", None)
    assert list(entities) == [entity.name for entity in CATALOGUE]
    assert entities["jobs"] == {
        "entity": "jobs",
        "table": "kpi-auto-471020.st_raw_v2.raw_jobs",
        "last_success_at": "2026-10-26T12:00:00+00:00",
        "last_call_at": "2026-10-26T13:00:00+00:00",
        "last_call_status": "failed",
        "age_seconds": 10800.0,
        "max_loaded_at": "2026-10-26T11:00:00+00:00",
        "rows": 2,
        "criteria": CRITERIA,
        "status": "pass",
        "error": None,
    }
    assert (entities["invoices"]["status"], entities["invoices"]["last_success_at"]) == ("error", None)
    assert (entities["payroll"]["status"], entities["payroll"]["rows"]) == ("pass", 0)
    assert entities["campaigns"]["status"] == "not yet"


def artifact(place: Place, tmp_path: Path, **environ: str) -> tuple[Result, Any]:
    path = tmp_path / "sources.json"
    result = run(place.address, "--output", str(path), night=0, **environ)
    return result, json.loads(path.read_text())


def test_the_artifact_is_dbts(place: Place, tmp_path: Path) -> None:
    place.load("jobs", timedelta(hours=3), rows=2)
    place.ran("jobs", timedelta(hours=27))
    result, found = artifact(place, tmp_path)
    results = {one["unique_id"].rpartition(".raw_")[2]: one for one in found["results"]}

    assert code(result) == 1
    assert found["metadata"]["dbt_schema_version"] == "https://schemas.getdbt.com/dbt/sources/v3.json"
    assert datetime.fromisoformat(found["metadata"]["generated_at"]).tzinfo
    assert len(results) == 7, "only what is expected at night 0"
    execution_time = results["jobs"].pop("execution_time")
    assert 0 < execution_time == found["elapsed_time"]
    assert results["jobs"] == {
        "unique_id": "source.kpi-auto-471020.st_raw_v2.raw_jobs",
        "max_loaded_at": "2026-10-25T12:00:00+00:00",
        "snapshotted_at": "2026-10-26T15:00:00+00:00",
        "max_loaded_at_time_ago_in_s": 27 * 3600.0,
        "status": "warn",
        "criteria": CRITERIA | {"filter": None},
        "adapter_response": {"row_count": 2, "newest_row_at": "2026-10-26T12:00:00+00:00"},
        "timing": [],
        "thread_id": "MainThread",
    }
    assert (results["invoices"]["status"], results["invoices"]["max_loaded_at"]) == (
        "error",
        "0001-01-01T00:00:00+00:00",
    )


def test_without_a_run_log_the_artifact_is_of_the_tables(place: Place, tmp_path: Path) -> None:
    place.load("jobs", timedelta(hours=27), rows=2)
    _, found = artifact(place, tmp_path, **BY_TABLES)
    results = {one["unique_id"].rpartition(".raw_")[2]: one for one in found["results"]}

    assert (results["jobs"]["status"], results["jobs"]["max_loaded_at"]) == ("warn", "2026-10-25T12:00:00+00:00")
    assert results["payroll"] == {
        "unique_id": "source.kpi-auto-471020.st_raw_v2.raw_payroll",
        "error": "table kpi-auto-471020.st_raw_v2.raw_payroll does not exist; run its job, or fix the dataset",
        "status": "runtime error",
    }


def test_the_artifact_replaces_an_older_one_and_leaves_nothing_beside_it(place: Place, tmp_path: Path) -> None:
    place.load("jobs", timedelta(hours=3))
    place.ran_all()
    (tmp_path / "sources.json").write_text("old")
    artifact(place, tmp_path)

    assert [file.name for file in tmp_path.iterdir()] == ["sources.json"]


def test_an_artifact_that_cannot_be_written_ends_with_2(place: Place, tmp_path: Path) -> None:
    place.load_all()
    place.ran_all()
    result = run(place.address, "--output", str(tmp_path / "nowhere" / "sources.json"))

    assert code(result) == 2
    assert "sources.json cannot be written (No such file or directory)" in str(result.exception)


def test_a_scan_over_the_limit_is_refused_before_it_runs(place: Place) -> None:
    place.load_all()
    place.ran_all()
    result = run(place.address, "--max-bytes", "1000000")

    assert code(result) == 2
    assert "180.0 MiB" in result.stdout
    assert "over --max-bytes 1000000; raise it, or use --yes" in str(result.exception)
    assert place.calls == [("query", False), ("insert", True), ("insert", True)]


def test_yes_asks_whatever_it_bills(place: Place) -> None:
    place.load_all()
    place.ran_all()

    assert code(run(place.address, "--max-bytes", "1000000", "--yes")) == 0
    assert place.calls == [("query", False), *[("insert", True)] * 2, *[("query", False)] * 2]


def test_without_a_run_log_an_empty_dataset_ends_with_1_and_no_query_of_its_tables(place: Place) -> None:
    place.warehouse.execute("CREATE SCHEMA st_raw_v2")
    result = run(place.address, night=2, **BY_TABLES)

    assert code(result) == 1
    assert result.stdout.count("  runtime error\n") == 12
    assert place.calls == [("query", False)]


def test_a_dataset_that_is_not_there_ends_with_2(place: Place) -> None:
    result = run(place.address, INGEST_DATASET="elsewhere")

    assert code(result) == 2
    assert "Not found: Dataset kpi-auto-471020:elsewhere" in str(result.exception)


def test_an_api_that_refuses_ends_with_2_and_leaves_the_artifact_alone(tmp_path: Path) -> None:
    path = tmp_path / "sources.json"
    path.write_text("old")
    with answering(403, google_error(403, "accessDenied", "Access Denied")) as root:
        result = run(f"{root}/bigquery/v2/", "--output", str(path))

    assert (code(result), path.read_text()) == (2, "old")


@pytest.mark.parametrize(
    ("arguments", "environ"), [(("--at", "tonight"), {}), ((), {"INGEST_NIGHT": "9"})], ids=["option", "setting"]
)
def test_what_is_set_wrongly_ends_with_2(arguments: tuple[str, ...], environ: dict[str, str], place: Place) -> None:
    variables = {ENDPOINT_VARIABLE: place.address, **environ}
    result = CliRunner().invoke(freshness, arguments, env=variables, standalone_mode=False)

    assert code(result) == 2


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "0 min"),
        (timedelta(seconds=59), "0 min"),
        (timedelta(days=1, hours=2, minutes=5), "1 d 2 h 5 min"),
        (timedelta(days=8), "8 d"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_an_age_in_words(age: timedelta, words: str) -> None:
    assert age_words(age) == words
