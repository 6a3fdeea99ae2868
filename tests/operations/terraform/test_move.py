"""States made by the real google provider, moved by real Terraform to a bucket on this machine and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.checkout import Checkout
from tests.given.deployed import leave_deployed
from tests.given.deploys import run_deploy
from tests.given.storage import BUCKET, Storage, StorageError
from twin.twin import Twin

pytestmark = pytest.mark.terraform

DENIED = "ann@example.com does not have storage.objects.create access to the Google Cloud Storage object."
STACKS = ["phase-core", "phase-financial", "phase-labor"]


def name(stack: str) -> str:
    return f"ingest-schedules/{stack}/default.tfstate"


def local(checkout: Checkout, stack: str, ending: str = "") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((checkout.root / "state" / f"{stack}.tfstate{ending}").read_text())
    return content


def remote(storage: Storage, stack: str) -> dict[str, Any]:
    content = storage.live(BUCKET, name(stack))
    assert content is not None
    found: dict[str, Any] = json.loads(content)
    return found


def test_the_state_goes_to_the_bucket_and_back_through_a_failure_in_the_middle(
    new_checkout: Callable[..., Checkout], storage: Storage, twin: Twin, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout = new_checkout("local")
    leave_deployed(0, checkout, twin, tmp_path_factory)
    before = {stack: local(checkout, stack) for stack in STACKS}
    twin.scheduler.take_writes()

    asked = checkout.rollout("move-state", "--to", "gcs")
    assert asked.returncode == 1
    assert "not a terminal; pass --yes to skip confirmation" in asked.stderr
    assert not storage.buckets[BUCKET]

    def fail(method: str, path: str) -> None:
        if (method, path) == ("POST", name("phase-financial")):
            raise StorageError(403, DENIED)

    storage.before = fail
    broken = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert broken.returncode == 1, broken.stdout
    assert (
        "you may not write Terraform's state in the bucket team-state (ann@example.com does not have" in broken.stderr
    )
    assert "Moved: phase-core. Not moved: phase-financial, phase-labor, whose state is where it was" in broken.stderr
    assert "Traceback" not in broken.stderr
    assert sorted(file.name for file in (checkout.root / "state").glob("*.tfstate*") if ".backup" not in file.name) == [
        "phase-core.tfstate.moved",
        "phase-financial.tfstate",
        "phase-labor.tfstate",
    ]

    # A plain deploy would begin anew for the stack that was moved.
    refused = checkout.rollout("diff", "--night", "0")
    assert "the state of phase-core was moved to a bucket (state/phase-core.tfstate.moved)" in refused.stderr

    # As if the command had been killed between the copy and the renaming.
    storage.before = lambda method, path: None
    storage.put(BUCKET, name("phase-labor"), json.dumps(before["phase-labor"]).encode())
    done = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    steps = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert "moved already" in steps["phase-core"]
    assert "finish" in steps["phase-labor"]
    assert "no state" in steps["phase-reference"]
    assert 'Now set "backend": "gcs" in the context of cdktf.json' in done.stdout
    for stack in STACKS:
        arrived = remote(storage, stack)
        assert (arrived["lineage"], arrived["resources"]) == (before[stack]["lineage"], before[stack]["resources"])
        assert arrived["serial"] >= before[stack]["serial"]
        assert local(checkout, stack, ".moved") == before[stack]

    checkout.set_context(backend="gcs")
    assert checkout.rollout("diff", "--night", "0").stdout.endswith("no changes\n")
    again = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "Nothing to move.")
    run_deploy(checkout, 1, "gate")

    back = checkout.rollout("move-state", "--to", "local", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "The states in the bucket stay there" in back.stdout
    checkout.set_context(backend="local")
    assert checkout.rollout("diff", "--night", "1").stdout.endswith("no changes\n")
    for stack in STACKS:
        assert local(checkout, stack)["resources"] == remote(storage, stack)["resources"]
    assert {verb for verb, _ in twin.scheduler.take_writes()} <= {"create", "resume"}

    # The bucket's state is left behind, older than the local one: it may be replaced. A newer one may not.
    for stack in STACKS:
        content = local(checkout, stack)
        content["serial"] += 1
        (checkout.root / "state" / f"{stack}.tfstate").write_text(json.dumps(content))
    assert checkout.rollout("move-state", "--to", "gcs", "--yes").returncode == 0
    assert (checkout.root / "state" / "phase-core.tfstate.moved-2").is_file()
    newer = remote(storage, "phase-core")
    shutil.copy(checkout.root / "state/phase-core.tfstate.moved", checkout.root / "state/phase-core.tfstate")
    refused = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert refused.returncode == 1
    assert "holds a newer state than state/phase-core.tfstate" in refused.stderr
    assert remote(storage, "phase-core") == newer


def test_a_place_that_is_taken_by_another_state_is_refused(
    new_checkout: Callable[..., Checkout], storage: Storage
) -> None:
    checkout = new_checkout("local")
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 3, "outputs": {}, "check_results": None}
    resource = {"mode": "managed", "type": "terraform_data", "name": "x", "instances": []}
    (checkout.root / "state").mkdir()
    mine = state | {"lineage": "mine", "resources": [resource]}
    for stack in STACKS[1:]:
        (checkout.root / "state" / f"{stack}.tfstate").write_text(json.dumps(mine))
    theirs = json.dumps(state | {"lineage": "theirs", "resources": [resource]}).encode()
    storage.put(BUCKET, name("phase-labor"), theirs)

    done = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert done.returncode == 1
    assert "refused: gs://team-state/ingest-schedules/phase-labor/default.tfstate holds another state" in done.stderr
    assert storage.live(BUCKET, name("phase-labor")) == theirs
    assert list(storage.buckets[BUCKET]) == [name("phase-labor")]


def test_without_a_bucket_nothing_is_moved(new_checkout: Callable[..., Checkout], storage: Storage) -> None:
    checkout = new_checkout("local")
    checkout.set_context(backend_bucket="")
    done = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert done.returncode == 1
    assert "backend_bucket: '' (from cdktf.json) names no bucket; set it" in done.stderr

    checkout.set_context(backend_bucket="nobodys")
    done = checkout.rollout("move-state", "--to", "gcs", "--yes")
    assert done.returncode == 1
    assert "the bucket nobodys for Terraform's state does not exist; check backend_bucket" in done.stderr
    assert "docs/state.md" in done.stderr
    assert "Traceback" not in done.stderr
