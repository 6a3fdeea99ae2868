"""`ingest-rollout rehearse` as an operator types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.checkout import Checkout

BUILT_IN = ("rehearse", "--engine", "built-in")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """With a folder of its own for temporary files."""
    (tmp_path / "checkout").mkdir()
    (tmp_path / "temporary").mkdir()
    return Checkout(tmp_path / "checkout", {"TMPDIR": str(tmp_path / "temporary")})


def test_a_second_teams_prefix_source_and_strategy_are_settings(checkout: Checkout) -> None:
    faults = ("--fault", "edited:invoices", "--fault", "paused:returns@1", "--fault", "neighbour@2")
    theirs = {"INGEST_JOB_PREFIX": "acme-load-", "INGEST_SOURCE": "Acme ERP"}
    done = checkout.rollout(*BUILT_IN, *faults, "--strategy", "immediate", "--json", **theirs)

    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["passed"], told["engine"]) == (True, "built-in applier")
    assert [step["title"] for step in told["steps"] if "again" not in step["title"]] == [
        "night 0, adopt",
        "night 1, shift",
        "night 2, reference",
        "night 2, second deploy",
        "back to night 0",
    ]
    named = {write["job"].partition("-")[0] for step in told["steps"] for write in step["writes"]}
    assert named == {"acme"}
    assert [fault["caught_by"] for fault in told["faults"]] == [["plan"], ["ran"], []]
    assert len({run["entity"] for run in told["measured"]}) == 16


def test_the_report_is_one_page_that_names_the_engine_and_loads_nothing(checkout: Checkout) -> None:
    done = checkout.rollout(*BUILT_IN, "--report", "rehearsal.html", "--fault", "empty:returns")

    assert done.returncode == 0
    assert "BLOCKED at night 1, critical: returns: loaded is fail" in done.stdout
    page = (checkout.root / "rehearsal.html").read_text()
    assert "Deployed by built-in applier." in page
    assert "Blocked: returns: loaded is fail" in page
    assert "returns: caught on night 1 by loaded" in page
    assert "Fault empty:returns: caught on night 1 by loaded" in done.stdout
    assert "<svg" in page
    assert "src=" not in page
    assert "href=" not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fault", "sulks:jobs"), "--fault: 'sulks' is not known; allowed: fails, throttled"),
        (("--fault", "fails:invoice"), "--fault: 'fails:invoice' needs an entity of the catalogue"),
        (("--fault", "fails:returns@0"), "names a night on which it cannot strike; allowed: 1, 2, 3"),
        (("--fault", "taken:jobs"), "taken needs a job that the rollout creates"),
        (("--fault", "post:returns"), "post needs a job that is live"),
        (("--fault", "killed:jobs"), "killed strikes the whole night"),
        (("--fault", "edited:campaigns"), "no night follows the one that creates the job"),
        (("--report", "no/such/folder/page.html"), "--report: the folder no/such/folder does not exist"),
        (("--engine", "pulumi"), "Invalid value for '--engine'"),
        (("--at", "later"), "--at: 'later' is not an ISO 8601 time"),
    ],
)
def test_a_wrong_option_is_one_plain_error(arguments: tuple[str, ...], message: str, checkout: Checkout) -> None:
    done = checkout.rollout("rehearse", *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_kinds_of_faults_are_listed(checkout: Checkout) -> None:
    done = checkout.rollout("rehearse", "--faults")

    assert done.returncode == 0
    assert "killed            the deploy is killed between plan and apply" in done.stdout


def test_terraform_that_is_asked_for_and_cannot_run_is_an_error(
    checkout: Checkout, no_provider: dict[str, str]
) -> None:
    done = checkout.rollout("rehearse", "--engine", "terraform", **no_provider)

    assert (done.returncode, done.stdout) == (1, "")
    assert "phase-core: " in done.stderr
    assert "Traceback" not in done.stderr


def test_interrupted_it_stops_everything_and_says_what_was_left(checkout: Checkout, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "commands", *BUILT_IN],
        cwd=checkout.root,
        env=checkout.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Ignored where the tests run in the background of a shell, which a child inherits.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list((tmp_path / "temporary").glob("ingest-rehearsal-*")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    printed, said = process.communicate(timeout=60)

    assert (process.returncode, printed) == (1, "")
    assert "interrupted; the twin is stopped and its temporary folder removed" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "temporary").glob("ingest-rehearsal-*"))
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
