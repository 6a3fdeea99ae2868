"""`ingest-rollout history` as an operator types it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.between.history import history
from operations.errors import OperationError
from operations.ledger.ledger import FILE
from operations.local import repository
from tests.checkout import ROOT, Checkout
from tests.given.ledger import DEPLOY, add, story


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose ledger is not the tester's own."""
    for file in ("cdktf.json", "main.py"):
        shutil.copy(ROOT / file, tmp_path)
    monkeypatch.setattr(repository, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(history, arguments, standalone_mode=False)


def commit(root: Path) -> None:
    for arguments in (
        ("init", "--quiet"),
        ("add", FILE),
        ("-c", "user.email=b@example.com", "-c", "user.name=B", "commit", "-qm", "Record"),
    ):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def damage(root: Path) -> None:
    path = root / FILE
    path.write_bytes(path.read_bytes().replace(b'"fail"', b'"pass"'))


def test_it_tells_what_was_done_newest_last_in_the_settings_zone(root: Path) -> None:
    story(root / FILE)

    done = run()
    assert (done.return_value, done.stderr) == (0, "")
    head, _, *rows = done.stdout.splitlines()
    assert head.split("  ")[0] == "when, America/Phoenix"
    plan = f"(plan {'a' * 12})"
    assert [row.split("ana@example.com")[0].strip() for row in rows[:2]] == [
        "Tue 2026-10-20 21:00",
        "Tue 2026-10-20 22:00",
    ]
    assert [" ".join(row.split("ana@example.com")[1].split()) for row in rows] == [
        f"adopt 0 (phased) baseline {'b' * 12}",
        f"preview 0 (phased) 1 adopt: phase-core {plan}",
        f"deploy 0 (phased) done: phase-core {plan}",
        "gate 0 (phased) fail, 1 checks, 1 fail; jobs: ran is fail: expected 02:00, measured 1.5",
        "override 0 (phased) loaded: “Q3” is closed, no new invoices: ½ day",
        f"deploy 1 (phased) done: phase-core {plan}",
        "rollback 1 (phased) to night 0",
    ]


def test_night_shows_one_night(root: Path) -> None:
    story(root / FILE)

    shown = json.loads(run("--night", "1", "--json").stdout)
    assert [(record["kind"], record["seq"]) for record in shown] == [("deploy", 6), ("rollback", 7)]
    assert run("--night", "3").stdout == "nothing is recorded for night 3\n"


def test_json_is_what_stands_in_the_file(root: Path) -> None:
    ledger = story(root / FILE)

    lines = ledger.path.read_text(encoding="utf-8").splitlines()
    assert json.loads(run("--json").stdout) == [json.loads(line) for line in lines]


def test_an_empty_ledger_is_told(root: Path) -> None:
    assert run().stdout == "nothing is recorded\n"
    assert run("--json").stdout == "[]\n"


def test_a_damaged_ledger_is_shown_as_far_as_it_can_be_read_with_exit_code_1(root: Path) -> None:
    story(root / FILE)
    damage(root)

    done = run()
    assert done.return_value == 1
    assert len(done.stdout.splitlines()) == 2 + 6
    assert done.stderr == (
        "history/ledger.jsonl is damaged, see `ingest-rollout history --verify`: "
        "line 4 was changed: its hash does not fit its content\n"
    )


def test_verify_of_a_committed_ledger_passes_with_exit_code_0(root: Path) -> None:
    story(root / FILE)
    commit(root)

    done = run("--verify")
    assert (done.return_value, done.stdout) == (0, "history/ledger.jsonl: the chain of 7 records is intact\n")


def test_verify_of_a_damaged_ledger_fails_with_exit_code_1(root: Path) -> None:
    story(root / FILE)
    commit(root)
    damage(root)

    done = run("--verify")
    assert done.return_value == 1
    assert done.stdout.splitlines() == [
        "history/ledger.jsonl: line 4 was changed: its hash does not fit its content",
        "history/ledger.jsonl: line 4 is not what is committed; compare with `git diff HEAD -- history/ledger.jsonl`",
    ]


def test_verify_without_git_is_inconclusive_with_exit_code_2(root: Path) -> None:
    story(root / FILE)

    done = run("--verify")
    assert done.return_value == 2
    assert "the chain of 7 records is intact" in done.stdout
    assert "lines cut off at the end cannot be seen without git" in done.stdout


def test_verify_fails_rather_than_being_inconclusive_where_something_is_wrong(root: Path) -> None:
    story(root / FILE)
    damage(root)

    found = run("--verify", "--json")
    assert found.return_value == 1
    printed = json.loads(found.stdout)
    assert (printed["verdict"], len(printed["problems"]), printed["records"]) == ("fail", 1, 6)


def test_verify_of_a_ledger_that_cannot_be_read_ends_with_exit_code_2(root: Path) -> None:
    (root / FILE).mkdir(parents=True)

    done = run("--verify")
    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 2


def test_verify_looks_at_all_nights(root: Path) -> None:
    done = run("--verify", "--night", "1")

    assert isinstance(done.exception, OperationError)
    assert "leave --night out" in str(done.exception)


def test_the_installed_command_prints_no_colour_off_a_terminal_and_exits_with_the_verdict(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    ledger = story(tmp_path / FILE)
    add(ledger, "deploy", {**DEPLOY, "outcome": "interrupted", "ended_at": None})

    shown = checkout.rollout("history")
    verified = checkout.rollout("history", "--verify")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "interrupted: phase-core" in shown.stdout
    assert "\x1b" not in shown.stdout + verified.stdout
    assert (verified.returncode, verified.stderr) == (0, "")
