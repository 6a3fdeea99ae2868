from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.cli import cli
from commands.setup import ci as ci_command
from operations.ledger.ledger import FILE, Ledger
from tests.checkout import ROOT
from tests.given.ledger import DEPLOY, add


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(ci_command, "ROOT", tmp_path)
    monkeypatch.chdir(ROOT)
    return Ledger(tmp_path / FILE)


def ci(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(cli, ["ci", *arguments], env=environ)


def test_before_a_deploy_that_came_to_its_end_no_gate_is_due(ledger: Ledger) -> None:
    add(ledger, "deploy", {**DEPLOY, "outcome": "failed"})

    assert ci("night").output.splitlines() == [
        "night=",
        "strategy=",
        "gate=not due",
        "why=nothing is deployed yet, by the ledger",
    ]


def test_the_night_says_why_its_gate_is_not_due(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "deploy", {**DEPLOY, "outcome": "interrupted"}, night=1)

    assert ci("night").output.splitlines() == [
        "night=0",
        "strategy=phased",
        "gate=not due",
        "why=night 0 (phased) is deployed, but the deploy of night 1 (phased) was interrupted: run "
        "`ingest-rollout deploy --night 1` again, or go back with `ingest-rollout rollback`",
    ]


def test_a_gate_that_is_due_is_the_deployed_nights(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=1)

    assert ci("night").output.splitlines()[:3] == ["night=1", "strategy=phased", "gate=due"]


def test_a_local_state_does_not_suit_a_machine_that_is_thrown_away(ledger: Ledger) -> None:
    done = ci("ready", INGEST_BACKEND="local")

    assert done.exit_code != 0
    assert str(done.exception).startswith("backend: 'local' keeps Terraform's state on this machine")
    assert ci("ready", INGEST_BACKEND="gcs", INGEST_BACKEND_BUCKET="a-bucket").exit_code == 0


@pytest.mark.parametrize(("named", "code"), [("acme/Ingest", 1), ("acme/ingest", 0), ("else/where", 0), ("", 0)])
def test_other_capitals_than_the_repositorys_own_are_named(named: str, code: int, ledger: Ledger) -> None:
    known = {"INGEST_BACKEND": "gcs", "INGEST_BACKEND_BUCKET": "a-bucket", "INGEST_GITHUB_REPOSITORY": "acme/ingest"}
    numbers = {"INGEST_GITHUB_REPOSITORY_ID": "1", "INGEST_GITHUB_REPOSITORY_OWNER_ID": "2"}
    done = ci("ready", **known, **numbers, GITHUB_REPOSITORY=named)

    assert done.exit_code == code
    assert not code or str(done.exception).startswith("github_repository: 'acme/ingest' is 'acme/Ingest' for GitHub")


def test_a_page_of_what_the_steps_wrote(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_bytes(b"the plan \xff")
    (tmp_path / "x.diff").write_text("+ y")
    parts = [word for name in ("plan.txt", "missing.txt", "x.diff") for word in ("--part", name, str(tmp_path / name))]

    done = ci("markdown", "--commit", "0123456789abcdef", *parts)

    assert done.output == (
        "<!-- ingest-rollout -->\n\nOf commit 0123456789ab.\n\n### plan.txt\n\n```text\nthe plan \ufffd\n```\n\n"
        "### x.diff\n\n```diff\n+ y\n```\n"
    )
    assert "is not a commit's hash" in str(ci("markdown", "--commit", "$(x)").exception)
    assert "cannot be read" in str(ci("markdown", "--part", "x", str(tmp_path)).exception)


def test_what_a_reader_is_asked_leaves_out_its_own_permissions(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.judging.verdict import Verdict
    from operations import preflight
    from operations.preflight import Check

    names = ["Cloud Scheduler", "permissions", "invoker", "tables"]
    verdicts = [Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.PASS]
    monkeypatch.setattr(preflight, "live_sources", lambda root, settings, environ: None)
    found = [Check(name, verdict, "words") for name, verdict in zip(names, verdicts, strict=True)]
    monkeypatch.setattr(preflight, "preflight", lambda settings, sources, at: found)

    done = CliRunner().invoke(cli, ["ci", "preflight"], standalone_mode=False)

    assert done.return_value == 0
    assert "tables" in done.output
    assert "permissions:" not in done.output
    found.append(Check("routes", Verdict.FAIL, "words"))
    assert CliRunner().invoke(cli, ["ci", "preflight"], standalone_mode=False).return_value == 1


def test_a_push_tells_the_run_whose_page_names_the_approvers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/name")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")

    assert ci_command._run_url() == "https://github.com/owner/name/actions/runs/42"
    monkeypatch.delenv("GITHUB_RUN_ID")
    assert ci_command._run_url() == ""
