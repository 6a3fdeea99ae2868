"""A team's checkouts on one state in a bucket: each sees what the others deployed, and waits for their locks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from threading import Event

import pytest

from operations.terraform.engine import OUTPUT
from tests.checkout import Checkout
from tests.given.deploys import run_deploy
from tests.given.storage import BUCKET, Storage

pytestmark = pytest.mark.terraform

LABOR = "ingest-schedules/phase-labor/default"
LOCK = {
    "ID": "f3b1",
    "Operation": "OperationTypeApply",
    "Info": "",
    "Who": "ann@laptop",
    "Version": "1.11.4",
    "Created": "2026-11-24T17:00:00.123Z",
    "Path": f"gs://{BUCKET}/{LABOR}.tflock",
}


def test_a_second_checkout_sees_what_the_first_deployed_and_is_told_of_locks_and_roles(
    new_checkout: Callable[..., Checkout], storage: Storage
) -> None:
    first, second = new_checkout("gcs"), new_checkout("gcs")
    run_deploy(first, 1, "gate")

    storage.may = {"read", "lock"}
    found = second.rollout("diff", "--night", "1")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "no changes"), found.stderr
    assert "night 1 is deployed" in found.stdout

    # A lock whose process is dead.
    generation = storage.put(BUCKET, f"{LABOR}.tflock", json.dumps(LOCK).encode())
    refused = second.rollout("diff", "--night", "1")
    folder = second.root / OUTPUT / "stacks" / "phase-labor"
    assert refused.returncode == 1
    assert refused.stderr == (
        f"phase-labor: another deploy holds the lock on the state gs://{BUCKET}/{LABOR}.tflock (ann@laptop, since "
        "2026-11-24 17:00:00 UTC), and nobody else may work on it until that ends; wait for it to end, then run this "
        f"again. Only if ann@laptop says that it is dead: `terraform force-unlock {generation}` in {folder}, then run "
        "this again\n"
    )
    assert second.run("terraform", "force-unlock", "-force", str(generation), cwd=folder).returncode == 0
    assert storage.live(BUCKET, f"{LABOR}.tflock") is None

    storage.may = {"read"}
    refused = second.rollout("diff", "--night", "1")
    assert refused.returncode == 1
    assert "you may not lock Terraform's state in the bucket team-state (someone@example.com does not have" in (
        refused.stderr
    )
    assert "for names that end in .tflock at least" in refused.stderr
    storage.may = set()
    refused = second.rollout("diff", "--night", "1")
    assert "you may not read Terraform's state in the bucket team-state" in refused.stderr
    storage.buckets.clear()
    refused = second.rollout("diff", "--night", "1")
    assert "the bucket team-state for Terraform's state does not exist" in refused.stderr
    silent = {"GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": "http://127.0.0.1:9/storage/v1/"}
    refused = second.rollout("diff", "--night", "1", **silent)
    assert refused.returncode == 1
    assert "the bucket team-state for Terraform's state cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_of_two_deploys_at_once_one_is_told_of_the_other(
    new_checkout: Callable[..., Checkout], storage: Storage
) -> None:
    first, second = new_checkout("gcs"), new_checkout("gcs")
    entered, goes_on = Event(), Event()

    def hold(method: str, name: str) -> None:
        # The first write is init's, of an empty state.
        writes = storage.seen.count(("POST", f"{LABOR}.tfstate"))
        if (method, name, writes) == ("POST", f"{LABOR}.tfstate", 2) and not entered.is_set():
            entered.set()
            assert goes_on.wait(120)

    storage.before = hold
    command = [sys.executable, "-m", "commands", "deploy", "--night", "0", "--yes", "--force", "--reason", "a test"]
    deploys = subprocess.Popen(
        command, cwd=first.root, env=first.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert entered.wait(120)
        refused = second.rollout("deploy", "--night", "0", "--yes", "--force", "--reason", "a test")
    finally:
        goes_on.set()
        output, _ = deploys.communicate(timeout=120)
    assert deploys.returncode == 0, output
    assert refused.returncode == 1
    assert "phase-labor: another deploy holds the lock on the state gs://team-state/" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert second.rollout("deploy", "--night", "0", "--yes", "--force", "--reason", "a test").returncode == 0
