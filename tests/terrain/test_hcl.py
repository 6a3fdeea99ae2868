"""What `cdktf synth --hcl` keeps of the stacks, and what it loses."""

from __future__ import annotations

import pytest

from tests.checkout import Checkout
from tests.terrain.given import EVERYTHING, apply, terraform
from twin.scheduler import Scheduler

pytestmark = pytest.mark.terraform

STACK = "phase-financial"


def test_the_hcl_of_every_stack_is_valid(checkout: Checkout) -> None:
    done = checkout.cdktf("synth", "--hcl", INGEST_NIGHT="4", **EVERYTHING)
    assert done.returncode == 0, done.stdout + done.stderr

    folders = sorted((checkout.root / "cdktf.out" / "stacks").iterdir())
    assert {folder.name for folder in folders} > {STACK, "ingest-foundation", "ingest-identity", "ingest-monitoring"}
    for folder in folders:
        done = terraform(folder, checkout.environ, "init", "-backend=false", "-input=false")
        assert done.returncode == 0, folder.name + done.stdout + done.stderr
        done = terraform(folder, checkout.environ, "validate")
        assert done.returncode == 0, folder.name + done.stdout + done.stderr


def test_the_hcl_of_the_jobs_is_what_the_json_deployed_but_for_the_required_version(
    checkout: Checkout, scheduler: Scheduler
) -> None:
    folder = apply(checkout, STACK, night=1)
    assert checkout.stack(STACK)["terraform"]["required_version"] == ">= 1.5"
    scheduler.take_writes()
    (folder / "cdk.tf.json").unlink()

    done = checkout.cdktf("synth", "--hcl", INGEST_NIGHT="1")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "cdk.tf").read_text()
    assert "required_version" not in text
    assert f'path = "../../../state/{STACK}.tfstate"' in text
    assert text.count("prevent_destroy") == text.count("ignore_changes") == text.count("import {") == 3
    done = terraform(folder, checkout.environ, "init", "-input=false")
    assert done.returncode == 0, done.stdout + done.stderr
    done = terraform(folder, checkout.environ, "plan", "-input=false", "-detailed-exitcode")
    assert done.returncode == 0, done.stdout + done.stderr
    assert scheduler.take_writes() == []
