"""`ingest-rollout evidence` as an engineer types it before night 2."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.between.evidence import evidence
from operations.cloud.bigquery import ENDPOINT_VARIABLE
from operations.timeline.evidence import read
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.result import code
from tests.given.tables import Place, answering, google_error
from twin.service import log_row

BEFORE = night(1).world()
DAYS = [date(2026, 10, 27) - timedelta(days=back) for back in range(32)]
AT = ("--at", "2026-10-27T21:00")


pytestmark = pytest.mark.usefixtures("in_the_repository")


def run(address: str, *arguments: str, night: int = 2, **environ: Any) -> Result:
    variables = {ENDPOINT_VARIABLE: address, "INGEST_STRATEGY": "phased", **environ}
    arguments = ("--night", str(night), *AT, *arguments)
    return CliRunner().invoke(evidence, arguments, env=variables, standalone_mode=False)


def cells(result: Result, name: str, place: int = 0) -> list[str]:
    line = [line for line in result.stdout.splitlines() if line.startswith(f"{name} ")][place]
    return [cell for cell in re.split(r"  +", line.strip()) if cell]


def runs(*entities: str) -> list[dict[str, object]]:
    """Rows of the run log: each ran on each day at its time before the night, for 2 minutes."""
    found = []
    for entity in entities:
        for day in DAYS:
            due = BEFORE[entity].cadence.on(day, SETTINGS.time_zone)
            assert due
            found.append(log_row(entity, f"{entity}-{day}", due, due + timedelta(minutes=2), 1))
    return found


@pytest.fixture
def running(place: Place) -> Place:
    """Each job of night 1 ran on each day for 2 minutes; on one night two invoices were changed after 2:15."""
    for entity in BEFORE:
        place.load(entity, timedelta(0))
    place.warehouse.log(*runs(*BEFORE))
    place.warehouse.load("invoices", range(2), in_phoenix("2026-10-20T03:00"))
    place.warehouse.execute(f'UPDATE {SETTINGS.dataset}.raw_invoices SET "subTotal" = 617.28 WHERE id < 2')  # noqa: S608
    return place


def test_it_shows_the_shifts_worth_the_nights_that_would_have_held_and_each_jobs_headroom(running: Place) -> None:
    result = run(running.address)

    assert code(result) == 0
    assert result.stdout.startswith("BigQuery bills 130.0 MiB at most for 11 tables and the run log st_logs_v2")
    assert "Night 2 (phased), as of Tue 2026-10-27 21:00 America/Phoenix" in result.stdout
    invoices = ["invoices", "02:15", "04:30", "2", "0.1", "1,234.56", "41.15", "2, 1,234.56 on Tue 2026-10-20"]
    assert cells(result, "invoices") == invoices
    assert cells(result, "purchase_orders")[1] == "02:00*"
    assert "- A row has its last change only" in result.stdout
    assert "pass: the order would have held on 30 of 30 nights" in result.stdout
    assert "pass: each gap would have held on 30 of 30 nights" in result.stdout
    assert "Without any run on record, so taken as ending at once: locations" in result.stdout
    assert cells(result, "invoices", 1) == ["invoices", "04:30", "30", "2.0", "2.0", "2.0", "5.0", "estimates", "0"]
    assert "No job's p95 is over 80% of its gap." in result.stdout


def test_a_run_that_would_have_overrun_ends_with_1_and_its_night(running: Place) -> None:
    ran_long = [DAYS[1], DAYS[5]]
    for day in ran_long:
        longer = f"UPDATE {SETTINGS.run_log} SET end_time = end_time + INTERVAL 4 MINUTE"  # noqa: S608
        running.warehouse.execute(f"{longer} WHERE entity_type = 'jobs' AND end_time::DATE = '{day}'")
    result = run(running.address)

    assert code(result) == 1
    assert "fail: each gap would have held on 28 of 30 nights" in result.stdout
    overrun = "Mon 2026-10-26 jobs: no-overlap is fail: expected ends before appointments at Mon 2026-10-26 04:05"
    assert f"{overrun}, measured 6.0 min" in result.stdout
    assert cells(result, "jobs", 1)[3:] == ["2.0", "6.0", "6.0", "5.0", "appointments", "2"]
    assert (
        "WARNING jobs: its p95, 6.0 min, is over 80% of the 5.0 min until appointments; give it 8 min" in result.stdout
    )


def test_json_has_every_night_and_amounts_that_are_no_floats(running: Place, tmp_path: Path) -> None:
    result = run(running.address, "--json")
    content = json.loads(result.stdout)

    assert (code(result), content["night"], content["replay"]["verdict"]) == (0, 2, "pass")
    (invoices,) = [one for one in content["worth"] if one["entity"] == "invoices"]
    assert (invoices["records"], invoices["amount"]) == (2, "1234.56")
    assert sum(Decimal(one["amount"]) for one in invoices["nights"]) == Decimal(invoices["amount"])
    assert len(invoices["nights"]) == len(content["replay"]["nights"]) == 30
    assert content["replay"]["gaps"] == {"held": 30, "nights": 30}
    assert content["replay"]["percentiles"] == "nearest rank"
    (tmp_path / "evidence.json").write_text(result.stdout)
    assert read(tmp_path / "evidence.json") == content, "the timeline page takes it"
    (jobs,) = [one for one in content["replay"]["headroom"] if one["entity"] == "jobs"]
    assert (jobs["p95_seconds"], jobs["gap_seconds"], jobs["until"]) == (120.0, 300.0, "appointments")


def test_a_night_that_moves_nothing_says_so_and_is_replayed(running: Place) -> None:
    result = run(running.address, night=1)

    assert code(result) == 0
    assert "Night 1 moves no daily job to a later time." in result.stdout
    assert "What the shift is worth" not in result.stdout


def test_without_a_run_log_it_ends_with_2_and_shows_the_worth(running: Place) -> None:
    result = run(running.address, INGEST_RUN_LOG="")

    assert code(result) == 2
    assert cells(result, "invoices")[3] == "2"
    assert "Whether it would have held is not known: the setting run_log is empty" in result.stdout


def test_a_run_log_without_a_run_ends_with_2(place: Place) -> None:
    place.warehouse.log(*runs("jobs"))
    place.warehouse.execute(f"DELETE FROM {SETTINGS.run_log}")  # noqa: S608
    place.load("customers", timedelta(0))
    result = run(place.address)

    assert code(result) == 2
    assert "inconclusive: each gap is not known, no run is on record" in result.stdout
    assert "invoices: not counted, its table does not exist yet" in result.stdout


def test_a_bill_over_the_limit_is_refused(running: Place) -> None:
    result = run(running.address, "--max-bytes", "100")

    assert code(result) == 2
    assert "are over --max-bytes 100" in str(result.exception)


def test_no_answer_ends_with_2_and_one_line() -> None:
    with answering(401, google_error(401, "authError", "Invalid Credentials")) as root:
        assert code(run(f"{root}/bigquery/v2/")) == 2
