"""The command `gate`, from its options to its exit code and the record that it leaves."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from commands.evening.gate import gate, text
from ingest.catalogue import CATALOGUE
from ingest.judging.gate import Check, unlike
from ingest.judging.verdict import Verdict
from operations.cloud import jobs
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.errors import OperationError
from operations.ledger.ledger import FILE, Ledger
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.ledger import DEPLOY, add
from tests.given.states import write_night
from tests.given.twin import a_job
from twin.service import Behaviour
from twin.twin import Twin

BEGIN, MORNING = "2026-10-20T01:00", "2026-10-20T08:00"
ROWS = {entity.name: 1 for entity in CATALOGUE}
DEPLOYED = {**DEPLOY, "ended_at": in_phoenix(BEGIN).isoformat(), "rows": ROWS}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr("commands.evening.gate.ROOT", tmp_path)
    monkeypatch.setattr("commands.options.now", lambda: in_phoenix(MORNING))
    return Ledger(tmp_path / FILE)


def run(twin: Twin, *arguments: str, environ: dict[str, str] | None = None) -> Result:
    environ = {**twin.endpoints, TOKEN_VARIABLE: "of-the-twin", "INGEST_RUN_LOG": "", **(environ or {})}
    arguments = ("--night", "0", "--strategy", "phased", *arguments)
    return CliRunner().invoke(gate, arguments, env=environ, standalone_mode=False)


def gates(book: Ledger) -> list[str]:
    return [record.data["verdict"] for record in book.records() if record.kind == "gate"]


def test_a_night_that_worked_passes_and_is_recorded(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", DEPLOYED)
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 0, done.output
    assert done.output.startswith("The gate of night 0 (phased): pass (6 warn, 42 pass)\n")
    assert "deploy on Tue 2026-10-20 01:00 (America/Phoenix)" in done.output
    assert re.search(r"^as-deployed +7 of 7$", done.output, re.MULTILINE)
    assert done.output.endswith("Next: ingest-rollout plan --night 1\n")
    assert gates(book) == ["pass"]
    gate_record = book.records()[-1]
    assert (gate_record.at, gate_record.target["project"]) == (in_phoenix(MORNING), SETTINGS.project)


def test_a_failure_comes_first_and_exits_with_1(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", DEPLOYED)
    twin.ingestor.behaviours["payments"] = Behaviour(http_status=500)
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 1
    assert done.output.splitlines()[3].startswith("fail succeeded: payments: expected OK, measured INTERNAL (13)")
    assert "Night 1 waits." in done.output
    assert "deploy --night 1 --override succeeded --reason TEXT" in done.output
    assert gates(book) == ["fail"]


def test_a_table_that_was_not_counted_at_the_deploy_is_inconclusive(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", {**DEPLOYED, "rows": {**ROWS, "jobs": None}})
    twin.advance(in_phoenix(MORNING))
    done = run(twin)

    assert done.return_value == 2
    assert done.output.splitlines()[3].startswith("inconclusive kept: jobs: ")


@pytest.mark.parametrize(
    ("doubled", "code", "verdict"),
    [
        ({"jobs": 5}, 0, "pass"),
        ({"jobs": 4}, 1, "fail"),
        ({"jobs": None}, 2, "inconclusive"),
        (None, 2, "inconclusive"),
    ],
)
def test_rows_that_are_doubled_since_the_deploy_block(
    twin: Twin, book: Ledger, doubled: dict[str, int | None] | None, code: int, verdict: str
) -> None:
    add(book, "deploy", {**DEPLOYED, "doubled": doubled})
    twin.advance(in_phoenix(MORNING))
    twin.warehouse.stream("jobs", range(5), in_phoenix(BEGIN))
    done = run(twin, "--verbose")

    assert done.return_value == code
    (line,) = [line.split() for line in done.output.splitlines() if line.split()[1:3] == ["no-duplicates", "jobs"]]
    assert line[0] == verdict


def test_a_deploy_that_only_an_option_names_leaves_the_rows_unknown(twin: Twin, book: Ledger, tmp_path: Path) -> None:
    twin.advance(in_phoenix(MORNING))
    write_night(tmp_path, SETTINGS.world())
    done = run(twin, "--since", BEGIN, "--json")

    assert done.return_value == 2
    found = json.loads(done.stdout)
    assert {check["check"] for check in found["checks"] if check["verdict"] == "inconclusive"} == {"kept"}
    assert (found["verdict"], found["silent"], len(book.records())) == ("inconclusive", [], 1)
    assert found["not_recorded"] is None


def test_another_time_is_a_look(twin: Twin, book: Ledger) -> None:
    add(book, "deploy", DEPLOYED)
    twin.advance(in_phoenix(MORNING))

    assert re.search("^Not recorded: --at is a look", run(twin, "--at", MORNING).output, re.MULTILINE)
    assert gates(book) == []


def test_a_live_job_that_the_night_does_not_have_is_of_another_one() -> None:
    live = {entity.job_name: jobs.live_job(a_job(entity.job_name)) for entity in CATALOGUE}

    told = unlike({}, SETTINGS, live, CATALOGUE)
    assert told == [f"{entity.name}: is live" for entity in CATALOGUE]


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
    assert gates(book) == []
    with pytest.raises(OperationError, match=why):
        raise done.exception


CHECKS = [Check("ran", "jobs", verdict, "this", f"that {verdict}") for verdict in Verdict]


def test_what_did_not_pass_comes_first_the_worst_before_the_others_and_who_did_not_answer_before_them() -> None:
    lines = click.unstyle(text(SETTINGS, CHECKS, in_phoenix(BEGIN), ["no route to it"])).splitlines()

    assert lines[0] == "The gate of night 0 (phased): fail (1 fail, 1 inconclusive, 1 warn, 1 pass)"
    assert lines[2:7] == [
        "NO ANSWER: no route to it",
        "",
        "fail ran: jobs: expected this, measured that fail",
        "inconclusive ran: jobs: expected this, measured that inconclusive",
        "warn ran: jobs: expected this, measured that warn",
    ]
    assert lines[8:11] == ["check  passed", "-----  ------", "ran    1 of 4"]


def test_jobs_that_share_a_cause_share_a_line() -> None:
    same = [Check("ran", name, Verdict.FAIL, f"a run of {name}", "never ran") for name in ("jobs", "payroll")]

    assert "fail ran: jobs, payroll: never ran" in click.unstyle(text(SETTINGS, same, in_phoenix(BEGIN), []))


def test_verbose_shows_every_check() -> None:
    shown = click.unstyle(text(SETTINGS, CHECKS, in_phoenix(BEGIN), [], verbose=True)).splitlines()

    assert [line.split()[0] for line in shown[9:13]] == ["fail", "inconclusive", "warn", "pass"]


def test_after_the_last_night_no_next_one_is_named() -> None:
    passed = CHECKS[:1]
    assert text(night(3), passed, in_phoenix(BEGIN), []).splitlines()[-1] == "It is the last night."
    assert text(night(3), CHECKS, in_phoenix(BEGIN), []).splitlines()[-1] == "Fix it, then ask the gate again."
