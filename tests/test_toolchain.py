"""Terraform's variables that change what a deploy does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout
from tests.given.domain import SETTINGS
from tests.given.synth import Synthesize
from toolchain import steering

REFUSED = [
    ("TF_WORKSPACE", "dev"),
    ("TF_DATA_DIR", "elsewhere"),
    ("TF_CLI_ARGS", "-no-color"),
    ("TF_CLI_ARGS_apply", "-state=elsewhere"),
    ("TF_CLI_ARGS_state_pull", "-x"),
    ("TF_REATTACH_PROVIDERS", "{}"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_variable_that_leads_terraform_elsewhere_is_named_without_its_value(name: str, value: str) -> None:
    (line,) = steering({"PATH": "/bin", name: value})

    assert line.startswith(f"{name} is set: with it, Terraform ")
    assert line.endswith(f"; run `unset {name}`, then run this again")
    assert value not in line.replace(name, "")


def test_all_of_them_are_named_at_once() -> None:
    assert len(steering(dict(REFUSED))) == len(REFUSED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TF_WORKSPACE", "default"),
        *((name, "") for name, _ in REFUSED),
        ("TF_VAR_project", "another"),
        ("TF_WORKSPACES", "of another tool"),
        ("TF_CLI_CONFIG_FILE", "mirror.tfrc"),
        ("TF_PLUGIN_CACHE_DIR", "/cache"),
        ("TF_IN_AUTOMATION", "1"),
    ],
)
def test_a_variable_that_changes_nothing_is_taken(name: str, value: str) -> None:
    assert steering({name: value}) == []


def test_no_stack_has_a_variable_that_the_environment_could_set(synthesize: Synthesize) -> None:
    stacks: dict[str, Any] = synthesize(night=3, github_repository="example/ingest", backend_bucket="bucket")

    assert [name for name, content in stacks.items() if "variable" in content] == []
    for content in stacks.values():
        (provider,) = content["provider"]["google"]
        assert (provider["project"], provider["region"]) == (SETTINGS.project, SETTINGS.region)


@pytest.mark.parametrize("command", ["diff", "deploy --yes", "synth", "move-state --to local --yes"])
def test_each_command_refuses_before_it_writes_anything(tmp_path: Path, command: str) -> None:
    checkout = Checkout(tmp_path)
    checkout.set_context(backend_bucket="bucket")

    done = checkout.rollout(*command.split(), TF_WORKSPACE="dev")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("TF_WORKSPACE is set: with it, Terraform takes another state")
    assert not (tmp_path / "cdktf.out").exists()
    assert not (tmp_path / "history").exists()


def test_plain_cdktf_is_refused_too(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)

    done = checkout.main(TF_WORKSPACE="dev")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("TF_WORKSPACE is set: ")
    assert not (tmp_path / "cdktf.out").exists()


def test_the_logical_ids_do_not_depend_on_the_environment(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    hostile = {"CDKTF_CONTEXT_JSON": json.dumps({"excludeStackIdFromLogicalIds": "true"}), "SYNTH_HCL_OUTPUT": "true"}

    assert checkout.rollout("synth", "--night", "3").returncode == 0
    before = {file: file.read_bytes() for file in tmp_path.glob("cdktf.out/stacks/*/cdk.tf.json")}
    assert checkout.rollout("synth", "--night", "3", **hostile).returncode == 0

    assert before == {file: file.read_bytes() for file in tmp_path.glob("cdktf.out/stacks/*/cdk.tf.json")}
