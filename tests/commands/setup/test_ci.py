from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.cli import cli
from commands.setup import ci as ci_command
from ingest.preview import preview
from operations.deployed_night import DeployedNight, deployed_night, remarks, why_not_due
from operations.ledger.ledger import FILE, Ledger
from tests.checkout import ROOT
from tests.given.domain import SETTINGS, night
from tests.given.ledger import DEPLOY, STARTED, add, gate

# Tuesday, October 20, 2026, 21:01 in Phoenix.
DEPLOYED = datetime.fromisoformat(str(DEPLOY["ended_at"]))


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(ci_command, "ROOT", tmp_path)
    monkeypatch.chdir(ROOT)
    return Ledger(tmp_path / FILE)


def here(ledger: Ledger) -> DeployedNight:
    found = deployed_night(ledger, SETTINGS)
    assert found
    return found


def ci(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(cli, ["ci", *arguments], env=environ)


def test_nothing_is_deployed_at_first(ledger: Ledger) -> None:
    add(ledger, "deploy", {**DEPLOY, "outcome": "failed"})

    assert deployed_night(ledger, SETTINGS) is None
    assert ci("night").output.splitlines() == [
        "night=",
        "strategy=",
        "gate=not due",
        "why=nothing is deployed yet, by the ledger",
    ]


def test_the_deployed_night_is_the_last_one_that_came_to_its_end(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "deploy", {**DEPLOY, "outcome": "interrupted"}, night=1)

    found = deployed_night(ledger, SETTINGS)

    assert found
    assert (found.strategy, found.night, found.since) == ("phased", 0, DEPLOYED)
    assert ci("night").output.splitlines() == [
        "night=0",
        "strategy=phased",
        "gate=not due",
        "why=night 0 (phased) is deployed, but the deploy of night 1 (phased) was interrupted: run "
        "`ingest-rollout deploy --night 1` again, or go back with `ingest-rollout rollback`",
    ]


@pytest.mark.parametrize("other", ["project", "region", "dataset"])
def test_a_deploy_elsewhere_is_none_here(other: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=2, target={other: "elsewhere"})
    assert deployed_night(ledger, SETTINGS) is None

    add(ledger, "deploy", DEPLOY, night=1)
    assert ci("night").output.splitlines()[:3] == ["night=1", "strategy=phased", "gate=due"]


@pytest.mark.parametrize(
    ("number", "hours", "why"),
    [
        (0, 0, "its gate can be asked from Wed 2026-10-21 04:49 MST on"),
        (0, 7, "its gate can be asked from Wed 2026-10-21 04:49 MST on"),
        (0, 9, None),
        (1, 9, "its gate can be asked from Wed 2026-10-21 06:39 MST on"),
        (1, 11, None),
        (3, 11, "its gate can be asked from Sun 2026-10-25 07:49 MST on"),
        (3, 24 * 4 + 12, None),
    ],
)
def test_the_gate_is_due_when_the_last_job_has_had_its_time(
    ledger: Ledger, number: int, hours: int, why: str | None
) -> None:
    add(ledger, "deploy", DEPLOY, night=number)

    assert why_not_due(ledger, night(number), here(ledger), DEPLOYED + timedelta(hours=hours)) == why


def test_a_gate_that_passed_is_not_asked_again_and_one_that_failed_is(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    later = DEPLOYED + timedelta(hours=10)

    add(ledger, "gate", gate("fail"))
    assert why_not_due(ledger, night(0), here(ledger), later) is None
    add(ledger, "gate", gate("pass"))
    assert why_not_due(ledger, night(0), here(ledger), DEPLOYED + timedelta(hours=3)) == "its gate has passed"
    add(ledger, "deploy", DEPLOY)
    assert why_not_due(ledger, night(0), here(ledger), later) is None


def test_a_pass_is_asked_again_when_it_is_old_but_for_the_last_night(ledger: Ledger) -> None:
    later = DEPLOYED + timedelta(days=30)
    for number in (0, 3):
        add(ledger, "deploy", DEPLOY, night=number)
        add(ledger, "gate", gate("pass"), night=number)

        assert (why_not_due(ledger, night(number), here(ledger), later) is None) is (number == 0)


def test_remarks_are_what_the_ledger_knows_otherwise(ledger: Ledger) -> None:
    assert remarks(ledger, night(0), named=False) == []

    add(ledger, "deploy", DEPLOY, night=1)
    assert remarks(ledger, night(0)) == remarks(ledger, night(1), named=False) == []
    assert remarks(ledger, night(0), named=False) == [
        "the settings say night 0 (phased), and by the ledger night 1 (phased) is deployed"
    ]
    for before, told in (
        (night(1).world(), []),
        (
            night(0).world(),
            [
                "by the ledger night 1 (phased) is deployed, and Terraform's state shows otherwise "
                "(night 0 is deployed); was it plain cdktf?"
            ],
        ),
    ):
        found = preview(night(2), before, "night 0 is deployed", DEPLOYED)
        assert remarks(ledger, night(2), preview=found) == told

    add(ledger, "deploy", STARTED, night=2)
    (remark,) = remarks(ledger, night(2))
    assert remark.startswith(
        "the deploy of night 2 (phased) has no end on record: run `ingest-rollout deploy --night 2`"
    )

    ledger.path.write_bytes(b"x")
    assert "cannot be trusted: line 1 is torn" in remarks(ledger, night(0))[0]


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
