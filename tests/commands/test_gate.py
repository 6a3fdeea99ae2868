"""The command `gate`, from its options to its exit code and the record that it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from commands.gate import gate, text
from ingest.catalogue import CATALOGUE
from ingest.gate import Check
from ingest.verdict import Verdict
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.errors import OperationError
from operations.ledger.ledger import FILE, Ledger
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.ledger import DEPLOY, add
from twin.service import Behaviour
from twin.twin import Twin

BEGIN, MORNING = "2026-10-20T01:00", "2026-10-20T08:00"
ROWS = {entity.name: 1 for entity in CATALOGUE}
DEPLOYED = {**DEPLOY, "ended_at": in_phoenix(BEGIN).isoformat(), "rows": ROWS}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr("commands.gate.ROOT", tmp_path)
    return Ledger(tmp_path / FILE)


def run(twin: Twin, *arguments: str, environ: dict[str, str] | None = None) -> Result:
    environ = {**twin.endpoints, TOKEN_VARIABLE: "of-the-twin", "INGEST_RUN_LOG": "", **(environ or {})}
    arguments = ("--night", "0", "--strategy", "phased", "--at", MORNING, *arguments)
    return CliRunner().invoke(gate, arguments, env=environ, standalone_mode=False)


def test_a_night_that_worked_passes_and_is_recorded(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", DEPLOYED)
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 0, done.output
    assert done.output.endswith("The gate of night 0: pass\n")
    assert book.passed_gate("phased", 0)


def test_a_failure_comes_first_and_exits_with_1(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", DEPLOYED)
    twin.ingestor.behaviours["payments"] = Behaviour(http_status=500)
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 1
    assert done.output.splitlines()[4].split()[:3] == ["fail", "succeeded", "payments"]
    assert not book.passed_gate("phased", 0)


def test_a_table_that_was_not_counted_at_the_deploy_is_inconclusive(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", {**DEPLOYED, "rows": {**ROWS, "jobs": None}})
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 2
    assert done.output.splitlines()[4].split()[:3] == ["inconclusive", "kept", "jobs"]


def test_a_deploy_that_only_an_option_names_leaves_the_rows_unknown(twin: Twin, book: Ledger) -> None:
    twin.advance(in_phoenix(MORNING))
    done = run(twin, "--since", BEGIN, "--json")

    assert done.return_value == 2
    found = json.loads(done.stdout)
    assert {check["check"] for check in found["checks"] if check["verdict"] == "inconclusive"} == {"kept"}
    assert (found["verdict"], found["silent"], len(book.records())) == ("inconclusive", [], 1)


def test_without_any_answer_it_is_inconclusive_and_says_who_was_silent(twin: Twin, book: Ledger) -> None:
    nobody = dict.fromkeys(twin.endpoints, "http://127.0.0.1:9/v1/")
    done = run(twin, "--since", BEGIN, environ=nobody)

    assert done.return_value == 2
    assert done.output.count("NO ANSWER: ") == 2
    assert "Cloud Scheduler did not answer" in done.output


@pytest.mark.parametrize(
    ("since", "why"), [((), "no finished deploy on record"), (("--since", MORNING), "--since: .* is not before now")]
)
def test_without_a_deploy_to_count_from_it_cannot_be_evaluated(
    since: tuple[str, ...], why: str, twin: Twin, book: Ledger
) -> None:
    add(book, "deploy", {**DEPLOYED, "outcome": "failed"})
    done = run(twin, *since)

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 2
    assert book.last("gate", "phased", 0) is None
    with pytest.raises(OperationError, match=why):
        raise done.exception


def test_the_table_has_what_is_worst_first_and_who_did_not_answer() -> None:
    checks = [Check(verdict, "jobs", verdict, "this", "that") for verdict in Verdict]
    lines = text(SETTINGS, checks, in_phoenix(BEGIN), ["no route to it"]).splitlines()

    shown = [click.unstyle(line.split()[0]) for line in lines[4:8]]
    assert shown == ["fail", "inconclusive", "warn", "pass"]
    assert lines[8] == "NO ANSWER: no route to it"
