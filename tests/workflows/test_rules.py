"""What no general checker knows of these workflows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from cronsim import CronSim

from commands.cli import cli
from commands.markdown import MARKER
from commands.setup.ci import ONLY_THE_DEPLOYER_KNOWS
from ingest.access import ENVIRONMENT
from ingest.catalogue import CATALOGUE
from ingest.judging.run import window
from ingest.preview import APPLY_ALLOWANCE
from ingest.schedule import time_zone
from ingest.settings import NAMES, load
from tests.checkout import ROOT
from tests.workflows.given import FILES, WORKFLOWS, Job, command_lines, job, jobs, read, step, triggers

DEPLOYER, OPERATOR, PREVIEWER = (
    f"${{{{ vars.{who}_SERVICE_ACCOUNT }}}}" for who in ("DEPLOYER", "OPERATOR", "PREVIEWER")
)
JOBS = pytest.mark.parametrize("one", jobs(), ids=lambda one: f"{one.workflow}-{one.name}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name + "/" + path.name)
def test_every_action_is_pinned_by_a_commit_with_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    loose = [one for one in used if not re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]

    assert used
    assert set(loose) <= {"./.github/actions/set-up"}


def test_an_action_has_the_same_commit_everywhere() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    pins = set(re.findall(r"uses: ([\w-]+/[\w-]+)@(\w+ # \S+)", text))

    assert len(pins) == len({name for name, _ in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_grants_nothing_and_its_jobs_what_they_need(path: Path) -> None:
    workflow = read(path)

    assert workflow["permissions"] == {}
    assert workflow["defaults"]["run"]["shell"] == "bash"


@JOBS
def test_a_job_asks_for_an_identity_only_to_sign_in(one: Job) -> None:
    granted = one.content["permissions"]

    reads = any("actions/checkout@" in step.get("uses", "") for step in one.steps)
    assert granted.get("contents") == ("write" if "push-ledger" in one.script else "read" if reads else None)
    assert (granted.get("id-token") == "write") == bool(one.signs_in)
    assert (granted.get("pull-requests") == "write") == ("gh api" in one.script)
    assert granted.keys() <= {"contents", "id-token", "pull-requests"}


@JOBS
def test_a_job_that_may_write_on_a_pull_request_runs_nothing_of_it(one: Job) -> None:
    if one.content["permissions"].get("pull-requests") != "write":
        return
    used = [step["uses"].partition("@")[0] for step in one.steps if "uses" in step]

    assert used == ["actions/download-artifact"]
    assert one.content["permissions"] == {"pull-requests": "write"}
    assert not list(command_lines(one.script))
    assert {line.split()[0] for line in one.script.splitlines() if line.strip()} <= {
        *("[[", "found=$(gh", "if", "gh", "--field", "else", "fi")
    }


@JOBS
def test_a_job_that_changes_the_cloud_waits_for_approval(one: Job) -> None:
    changes = {words[0] for words in command_lines(one.script)} & {"deploy", "rollback"}

    assert one.content.get("environment") == (ENVIRONMENT if changes else None)
    reader = PREVIEWER if one.workflow == "pull-request" else OPERATOR
    assert set(one.signs_in) == ({DEPLOYER} if changes else {reader} if one.signs_in else set())
    if changes:
        assert one.content["concurrency"] == {"group": "production", "cancel-in-progress": False}


@JOBS
def test_a_job_with_an_identity_runs_on_main_only_or_on_a_pull_request(one: Job) -> None:
    if one.workflow == "pull-request" or not one.signs_in:
        return
    first = job(one.workflow, one.content["needs"]) if "needs" in one.content else one

    assert first.content["if"] == "github.ref == 'refs/heads/main' && vars.WORKLOAD_IDENTITY_PROVIDER != ''"


@JOBS
def test_a_job_ends_by_itself_and_keeps_no_token(one: Job) -> None:
    checkouts = [one for one in one.steps if "actions/checkout@" in one.get("uses", "")]

    assert one.content["timeout-minutes"] <= 60
    assert [each["with"]["persist-credentials"] for each in checkouts] == [False] * len(checkouts)
    assert len(checkouts) == ("contents" in one.content["permissions"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name + "/" + path.name)
def test_nothing_is_put_into_a_script_before_the_shell_reads_it(path: Path) -> None:
    content = read(path)
    steps = [step for job in content.get("jobs", {"": content.get("runs")}).values() for step in job["steps"]]

    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


@JOBS
def test_every_command_line_is_one_that_the_command_takes(one: Job) -> None:
    assert one.script.count("ingest-rollout ") == len(list(command_lines(one.script)))
    for words in command_lines(one.script):
        found: click.Command | None = cli
        while isinstance(found, click.Group) and words:
            name, *words = words
            found = found.get_command(click.Context(found), name)
        assert found, words
        assert not isinstance(found, click.Group)
        known = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_options_of_the_deploy_are_ones_that_it_takes() -> None:
    given = re.findall(r"\((--[a-z]+)", step("deploy", "deploy", "Deploy")["run"])
    found = cli.get_command(click.Context(cli), "deploy")

    assert sorted(given) == ["--override", "--reason"]
    assert found
    assert set(given) <= {option for parameter in found.params for option in parameter.opts}


def test_every_ingest_variable_is_a_setting() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)

    assert set(re.findall(r"\bINGEST_(\w+)", text)) <= {name.upper() for name in NAMES}


def test_the_gate_is_asked_when_each_job_of_the_day_has_had_its_time() -> None:
    settings = load(ROOT, {})
    zone = time_zone(settings.time_zone)
    for run in _runs("gate", days=370):
        day = run.astimezone(zone).date()
        due = [
            datetime.combine(day, cadence.at, zone)
            for entity in CATALOGUE
            for cadence in (entity.target, entity.live)
            if cadence and cadence.weekday in (None, day.isoweekday() % 7)
        ]
        assert run >= max(due) + window(settings)
        # In the evening the next night is deployed.
        assert run < datetime.combine(day, time(12), zone)


def test_drift_is_looked_for_after_the_gate_and_before_a_deploy() -> None:
    for gate, drift in zip(_runs("gate", days=3), _runs("drift", days=3), strict=True):
        assert timedelta(0) < drift - gate < timedelta(hours=4) - APPLY_ALLOWANCE


def test_the_comments_in_local_time_are_right() -> None:
    zone = time_zone(load(ROOT, {}).time_zone)
    for name in ("gate", "drift"):
        text = next(path for path in WORKFLOWS if path.stem == name).read_text(encoding="utf-8")
        said = re.findall(r"# (\d\d:\d\d) in Phoenix", text)
        assert said == [f"{_runs(name, days=1)[0].astimezone(zone):%H:%M}"]


def test_a_deploy_compares_what_starts_it() -> None:
    paths = triggers("deploy")["push"]["paths"]
    compared = re.findall(r"-- (.*); then", step("deploy", "deploy", "Refuse what main has left behind")["run"])

    assert compared == [" ".join(path.removesuffix("/**") for path in paths)]
    assert not [path for path in paths if path != "baseline.json" and not (ROOT / path.removesuffix("/**")).exists()]


def test_the_ledger_is_published_however_a_deploy_or_gate_ends() -> None:
    for one in jobs():
        titles = [each.get("name", "") for each in one.steps]
        if "push-ledger" in one.script:
            published = step(one.workflow, one.name, "Publish the ledger")
            assert published["if"].startswith("${{ always() && steps.ledger.out")
            assert titles.index("Fetch the ledger") < titles.index("Publish the ledger")
            assert published["env"] == {"GH_TOKEN": "${{ github.token }}"}


def test_the_gate_does_not_wait_for_a_deploy_that_waits_for_approval() -> None:
    groups = {name: job(name, name).content.get("concurrency", {}) for name in ("deploy", "rollback")}

    assert read(next(path for path in WORKFLOWS if path.stem == "gate"))["concurrency"]["group"] == "gate"
    assert {group["group"] for group in groups.values()} == {"production"}


def test_the_comment_is_found_by_its_mark() -> None:
    env: dict[str, Any] = step("pull-request", "comment", "Post")["env"]

    assert f'startswith("{MARKER}")' in env["OWN"]


def test_what_the_reader_leaves_out_are_checks_of_preflight() -> None:
    text = (ROOT / "operations" / "preflight.py").read_text(encoding="utf-8")

    assert all(f'"{name}"' in text for name in ONLY_THE_DEPLOYER_KNOWS)


def _runs(workflow: str, *, days: int) -> list[datetime]:
    (schedule,) = triggers(workflow)["schedule"]
    fires = CronSim(schedule["cron"], datetime(2026, 1, 1, tzinfo=UTC))
    return [next(fires) for _ in range(days)]


@pytest.mark.parametrize(
    ("head", "author", "signs_in"),
    [
        ("acme/ingest", "somebody", True),
        ("else/ingest", "somebody", False),
        ("acme/ingest", "dependabot[bot]", False),
    ],
)
def test_a_run_without_an_identity_or_a_token_that_writes_skips_what_needs_one(
    head: str, author: str, signs_in: bool
) -> None:
    values = {
        "github.event.pull_request.head.repo.full_name": head,
        "github.event.pull_request.user.login": author,
        "github.repository": "acme/ingest",
        "vars.WORKLOAD_IDENTITY_PROVIDER": "projects/1/locations/global/workloadIdentityPools/github/providers/github",
        "cancelled()": "",
    }
    for text in (
        step("pull-request", "preview", "Sign in to read")["if"],
        job("pull-request", "comment").content["if"],
    ):
        condition = text.strip().removeprefix("${{").removesuffix("}}").strip()
        for name, value in sorted(values.items(), key=lambda item: -len(item[0])):
            condition = condition.replace(name, repr(value))
        condition = condition.replace("&&", "and").replace("!''", "not ''")
        assert bool(eval(condition)) is signs_in, text  # noqa: S307
