"""The ingest-rollout command as an operator types it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from commands.cli import SUMMARIES, cli
from operations.terraform.engine import OUTPUT
from tests.checkout import ROOT, Checkout, run_in

EVENING = ("--at", "2026-10-20T21:00")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def plan(checkout: Checkout, *arguments: str) -> tuple[int, Any]:
    done = checkout.rollout("plan", *arguments, "--json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_plan_shows_what_the_committed_night_changes_and_exits_with_2(checkout: Checkout) -> None:
    done = checkout.rollout("plan", *EVENING)

    assert (done.returncode, done.stderr) == (2, "")
    assert "Night 0, adopt (strategy phased; before the rollout)" in done.stdout
    assert "Stacks to deploy: phase-core, phase-financial, phase-labor" in done.stdout
    assert "7 adopt" in done.stdout
    assert "\x1b" not in done.stdout, "no colour outside a terminal"


def test_plan_lists_each_job_with_old_and_new_time_and_next_run(checkout: Checkout) -> None:
    code, found = plan(checkout, "--night", "2", *EVENING)

    assert code == 2
    assert found["stacks"] == ["phase-core", "phase-financial", "phase-labor"]
    assert found["warnings"] == []
    (jobs,) = [change for change in found["changes"] if change["entity"] == "jobs"]
    assert jobs == {
        "entity": "jobs",
        "job": "v2-sync-jobs-daily",
        "group": "core",
        "actions": ["shift later"],
        "before": "0 2 * * *",
        "after": "0 4 * * *",
        "next_run": "2026-10-21T04:00:00-07:00",
        "fields": [],
        "notes": [],
    }


def test_plan_from_the_same_night_has_no_change_and_exits_with_0(checkout: Checkout) -> None:
    code, found = plan(checkout, "--night", "2", "--from", "2")

    assert (code, found["stacks"]) == (0, [])


def test_plan_back_from_night_3_to_1_moves_seven_and_removes_five(checkout: Checkout) -> None:
    _, found = plan(checkout, "--night", "1", "--from", "3", *EVENING)

    actions = sorted(action for change in found["changes"] for action in change["actions"])
    assert actions == ["remove"] * 5 + ["shift earlier"] * 7 + ["unchanged"] * 4


def test_plan_warns_of_runs_lost_between_the_two_times(checkout: Checkout) -> None:
    _, found = plan(checkout, "--night", "1", "--from", "2", "--at", "2026-10-20T03:30")

    lost = {warning["entity"] for warning in found["warnings"] if warning["kind"] == "lost run"}
    assert lost == {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
    shown = checkout.rollout("plan", "--night", "1", "--from", "2", "--at", "2026-10-20T03:30").stdout
    assert "From Tue 2026-10-20 05:01 (America/Phoenix) on nothing is lost.\n" in shown


def test_plan_reads_the_other_strategy(checkout: Checkout) -> None:
    _, found = plan(checkout, "--strategy", "immediate", "--night", "1", *EVENING)

    assert found["title"] == "shift"


def test_plan_needs_no_node_and_no_terraform(checkout: Checkout) -> None:
    assert checkout.rollout("plan", PATH="/nowhere").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan", "--night", "9"), "night: 9 (from --night) is not a night of strategy phased; allowed: 0, 1, 2, 3"),
        (("plan", "--strategy", "slow"), "strategy: 'slow' (from --strategy) is not allowed"),
        (("plan", "--from", "9"), "--from: '9' is not a night of strategy phased; allowed: start, 0, 1, 2, 3"),
        (("plan", "--at", "tonight"), "--at: 'tonight' is not an ISO 8601 time such as 2026-10-20T21:00"),
        (("plan", "--night", "two"), "Invalid value for '--night'"),
        (("plan", "--nigth", "2"), "No such option"),
        (("deploy", "--night", "9", "--yes"), "night: 9 (from --night) is not a night"),
        (("no-such-command",), "No such command"),
        (("timelin",), "Did you mean 'timeline'?"),
        (("help", "timelin"), "Did you mean 'timeline'?"),
    ],
)
def test_a_wrong_option_is_one_plain_error_with_exit_code_1(
    arguments: tuple[str, ...], message: str, checkout: Checkout
) -> None:
    done = checkout.rollout(*arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_catalogue_lists_sixteen_jobs_with_next_runs_in_local_time_and_utc(checkout: Checkout) -> None:
    rows = json.loads(checkout.rollout("catalogue", *EVENING, "--json").stdout)

    assert len(rows) == 16
    campaigns = rows[-1]
    assert campaigns["job"] == "v2-sync-campaigns-weekly"
    assert campaigns["next_run"] == "2026-10-25T06:15:00-07:00"
    assert campaigns["next_run_utc"] == "2026-10-25T13:15:00+00:00"
    assert campaigns["table"] == "kpi-auto-471020.st_raw_v2.raw_campaigns"


def test_the_catalogues_table_has_a_line_a_job(checkout: Checkout) -> None:
    done = checkout.rollout("catalogue", *EVENING)

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 18
    assert "Wed 2026-10-21 04:45" in done.stdout
    assert "Wed 11:45" in done.stdout


def test_while_a_rule_is_broken_the_catalogue_and_the_ledger_are_shown(checkout: Checkout) -> None:
    catalogue = checkout.root / "ingest" / "catalogue.py"
    catalogue.write_text(catalogue.read_text().replace('target=_daily("04:40")', 'target=_daily("04:38")'))
    shown = checkout.rollout("catalogue")

    assert len(shown.stdout.splitlines()) == 18
    assert (shown.returncode, shown.stderr) == (
        1,
        "payments: starts 04:38, 3 min after estimates; jobs of a wave need 5 min, move it to 04:40 "
        "[gap, ingest/catalogue.py]\n",
    )
    assert checkout.rollout("history").returncode == 0
    assert checkout.rollout("plan").stderr == shown.stderr


def test_nights_shows_every_night_of_the_strategy(checkout: Checkout) -> None:
    found = json.loads(checkout.rollout("nights", *EVENING, "--json").stdout)

    assert [one["night"] for one in found] == [0, 1, 2, 3]
    assert [len(one["stacks"]) for one in found] == [3, 2, 3, 1]
    assert "Night 3, reference" in checkout.rollout("nights").stdout


def test_synth_writes_the_terraform_of_a_night(checkout: Checkout) -> None:
    done = checkout.rollout("synth", "--night", "3")

    assert done.returncode == 0, done.stderr
    assert "cdktf.out/stacks/phase-reference/cdk.tf.json" in done.stdout
    assert len(checkout.stack("phase-reference")["resource"]["google_cloud_scheduler_job"]) == 4


def test_the_command_works_from_any_folder_of_the_repository() -> None:
    command = str(ROOT / ".venv" / "bin" / "ingest-rollout")
    done = run_in(ROOT / "tests" / "ingest", command, "plan", "--night", "3")

    assert done.returncode == 2, done.stderr


def test_the_command_says_plainly_that_it_is_outside_the_repository(tmp_path: Path) -> None:
    done = run_in(tmp_path, str(ROOT / ".venv" / "bin" / "ingest-rollout"), "plan")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{tmp_path} is not inside the repository; cd to {ROOT} or to a folder in it\n"


def test_the_command_refuses_to_work_on_another_checkout_than_its_own(checkout: Checkout) -> None:
    done = run_in(checkout.root, str(ROOT / ".venv" / "bin" / "ingest-rollout"), "plan")

    assert done.returncode == 1
    assert "is another checkout than the one this command was installed from" in done.stderr


def test_deploy_without_a_terminal_wants_yes(checkout: Checkout) -> None:
    done = checkout.rollout("deploy")

    assert done.returncode == 1
    assert "not a terminal; pass --yes to skip confirmation" in done.stderr
    assert not (checkout.root / OUTPUT).exists()


def test_deploy_without_terraform_says_what_to_install(checkout: Checkout) -> None:
    done = checkout.rollout("deploy", "--yes", TERRAFORM_BINARY_NAME="no-such-terraform")

    assert done.returncode == 1
    assert "no-such-terraform is not on PATH; install Terraform 1.5 or later" in done.stderr


def test_every_command_is_described_with_an_example() -> None:
    listed = CliRunner().invoke(cli, ["--help"]).output.partition("An evening:")[2].splitlines()
    commands = [line.split()[0] for line in listed if line.startswith("  ")]

    assert {"plan", "nights", "synth", "diff", "deploy", "catalogue"} <= set(commands)
    for command in commands:
        assert f"ingest-rollout {command}" in CliRunner().invoke(cli, [command, "--help"]).output


def test_the_list_of_commands_fits_a_terminal_with_whole_phrases() -> None:
    listed = CliRunner().invoke(cli, ["--help"], terminal_width=80).output

    assert max(map(len, listed.splitlines())) <= 80
    for summary in SUMMARIES.values():
        assert f"  {summary}\n" in listed


@pytest.mark.parametrize("words", [["deploy"], ["ci", "ready"], []])
def test_help_is_a_command_as_well(words: list[str]) -> None:
    asked = CliRunner().invoke(cli, ["help", *words]).output

    assert asked == CliRunner().invoke(cli, [*words, "--help"]).output
    assert asked.startswith("Usage: ")


def test_the_version_is_that_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert CliRunner().invoke(cli, ["--version"]).output.split()[-1] == declared


def test_a_second_command_does_not_touch_the_output_of_the_first(checkout: Checkout) -> None:
    with FileLock(checkout.root / ".ingest-rollout.lock"):
        done = checkout.rollout("synth")

    assert done.returncode == 1
    assert f"another ingest-rollout is running in {checkout.root}" in done.stderr
    assert not (checkout.root / "cdktf.out").exists()


def test_an_output_folder_in_the_environment_does_not_lead_synth_astray(checkout: Checkout) -> None:
    assert checkout.rollout("synth", "--night", "3", CDKTF_OUTDIR=str(checkout.root / "elsewhere")).returncode == 0

    assert len(checkout.stack("phase-reference")["resource"]["google_cloud_scheduler_job"]) == 4
