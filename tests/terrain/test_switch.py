"""The step from cdktf to CDK Terrain, on a state that is there already: no change, and no change on the way back."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from tests.checkout import Checkout
from tests.given.deploys import SKIP_LOCK, daily
from tests.terrain.given import apply, terraform
from twin.scheduler import Scheduler

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize(("stack", "night"), [("phase-financial", 1), ("phase-core", 2), ("phase-reference", 3)])
def test_the_state_of_one_kit_is_the_state_of_the_other(
    stack: str, night: int, terrain: None, checkout: Checkout, scheduler: Scheduler
) -> None:
    folder = apply(checkout, stack, night=night)
    scheduler.take_writes()

    for kit in ("cdktn", "cdktf"):
        assert checkout.main(INGEST_NIGHT=str(night), INGEST_CDK=kit).returncode == 0
        assert checkout.stack(stack)["terraform"]["required_providers"]["google"]["version"] == "6.50.0"
        # Without another init: the provider is the one of the lock file, however its source is written.
        done = terraform(folder, checkout.environ, "plan", "-input=false", "-detailed-exitcode", "-out=plan")
        assert done.returncode == 0, kit + done.stdout + done.stderr
        done = terraform(folder, checkout.environ, "apply", "-input=false", "plan")
        assert done.returncode == 0, kit + done.stdout + done.stderr
    assert scheduler.take_writes() == []


def test_the_cdktf_cli_deploys_what_cdk_terrain_synthesized(
    terrain: None, checkout: Checkout, scheduler: Scheduler
) -> None:
    checkout.environ |= {"INGEST_CDK": "cdktn", "INGEST_NIGHT": "1"}

    deployed = checkout.cdktf("deploy", "phase-labor", "--auto-approve", SKIP_LOCK)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    manifest = json.loads((checkout.root / "cdktf.out" / "manifest.json").read_text())
    assert manifest["version"] == version("cdktn")
    writes = [write for write in scheduler.take_writes() if write[0] != "resume"]
    assert writes == daily("create", ["payroll-adjustments"])
    diffed = checkout.cdktf("diff", "phase-labor", SKIP_LOCK, INGEST_CDK="cdktf")
    assert diffed.returncode == 0, diffed.stdout + diffed.stderr
    assert "No changes" in diffed.stdout
