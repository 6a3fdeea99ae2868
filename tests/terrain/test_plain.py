"""A stack's folder without this project: copied away, it runs with Terraform or OpenTofu alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from operations.terraform.engine import reason
from tests.checkout import PROVIDER, Checkout, run_in
from tests.given.deploys import CRITICAL, LIVE, daily, run_deploy
from tests.terrain.given import apply, terraform
from twin.scheduler import Scheduler

pytestmark = pytest.mark.terraform

STACK = "phase-financial"
STATE = "phase-financial.tfstate"
# What the plan and the apply of a folder take their state from, in place of the path in the JSON.
OWN_STATE = ("-input=false", f"-backend-config=path={STATE}")


@pytest.fixture(scope="session")
def tofu(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where `tofu init` cannot install the google provider."""
    if shutil.which("tofu") is None:
        pytest.skip("tofu is not on PATH")
    folder = tmp_path_factory.mktemp("tofu")
    (folder / "main.tf").write_text(PROVIDER)
    done = run_in(folder, "tofu", "init", "-no-color")
    if done.returncode:
        pytest.skip(f"tofu init cannot install the google provider 6.50.0: {reason(done.stderr)}")


@pytest.fixture(params=["terraform", "tofu"])
def binary(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    request.getfixturevalue("provider" if name == "terraform" else name)
    return name


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A folder of somebody else's."""
    folder = tmp_path / "elsewhere" / "schedules"
    folder.mkdir(parents=True)
    return folder


def take(checkout: Checkout, folder: Path) -> None:
    shutil.copy(checkout.root / "cdktf.out" / "stacks" / STACK / "cdk.tf.json", folder)


def test_a_copied_folder_adopts_creates_and_guards_without_the_project(
    checkout: Checkout, scheduler: Scheduler, copied: Path, binary: str
) -> None:
    assert checkout.main(INGEST_NIGHT="1").returncode == 0
    take(checkout, copied)
    scheduler.take_writes()

    def run(*arguments: str) -> tuple[int, str]:
        done = terraform(copied, checkout.environ, *arguments, binary=binary)
        return done.returncode, done.stdout + done.stderr

    code, said = run("init", *OWN_STATE)
    assert code == 0, said
    code, said = run("plan", "-input=false", "-detailed-exitcode", "-out=plan")
    assert code == 2, said
    assert "Plan: 3 to import, 3 to add, 0 to change, 0 to destroy." in said
    code, said = run("apply", "-input=false", "plan")
    assert code == 0, said
    made = [name for name in CRITICAL if name != "payroll-adjustments"]
    assert [write for write in scheduler.take_writes() if write[0] != "resume"] == daily("create", made)
    code, said = run("plan", "-input=false", "-detailed-exitcode")
    assert code == 0, said

    code, said = run("destroy", "-input=false", "-auto-approve")
    assert code == 1
    assert said.lower().count("instance cannot be destroyed") == 3, said
    assert scheduler.take_writes() == []
    assert {file.name for file in copied.iterdir()} >= {STATE, "cdk.tf.json"}
    assert not (checkout.root / "state").exists()


def test_the_json_is_the_source_from_then_on(
    checkout: Checkout, scheduler: Scheduler, copied: Path, binary: str
) -> None:
    apply(checkout, STACK, night=1)
    take(checkout, copied)
    shutil.copy(checkout.root / "state" / STATE, copied)
    scheduler.take_writes()

    done = terraform(copied, checkout.environ, "init", *OWN_STATE, binary=binary)
    assert done.returncode == 0, done.stdout + done.stderr
    done = terraform(copied, checkout.environ, "plan", "-input=false", "-detailed-exitcode", binary=binary)
    assert done.returncode == 0, done.stdout + done.stderr

    source = copied / "cdk.tf.json"
    content = json.loads(source.read_text())
    content["resource"]["google_cloud_scheduler_job"]["returns"]["schedule"] = "1 6 * * *"
    source.write_text(json.dumps(content))
    done = terraform(copied, checkout.environ, "apply", "-input=false", "-auto-approve", binary=binary)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 added, 1 changed, 0 destroyed" in done.stdout
    assert scheduler.take_writes() == daily("patch", ["returns"])


def test_our_own_commands_run_with_opentofu(tofu: None, checkout: Checkout, scheduler: Scheduler) -> None:
    checkout.environ["TERRAFORM_BINARY_NAME"] = "tofu"
    run_deploy(checkout, 0)
    run_deploy(checkout, 2, "gate")

    assert [write for write in scheduler.take_writes() if write[0] == "patch"] == daily("patch", LIVE)
    diffed = checkout.rollout("diff", "--night", "2")
    assert diffed.returncode == 0, diffed.stdout + diffed.stderr
