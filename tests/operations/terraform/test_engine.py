"""What is read from the JSON of `terraform show -json`, cut down to the parts that count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from operations.errors import OperationError
from operations.terraform.engine import OUTPUT, Planned, Terraform, changing, own_cache, planned, stack_folder
from tests.checkout import ROOT
from tests.given.domain import SETTINGS

JOB = "google_cloud_scheduler_job.jobs"


def _change(*actions: str, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    return {"address": JOB, "change": {"actions": list(actions), "before": before, "after": after, **more}}


def _planned(*resources: dict[str, Any]) -> list[Planned]:
    return planned("phase-core", {"format_version": "1.2", "resource_changes": list(resources)})


def _one(*actions: str, before: Any = None, after: Any = None, **more: Any) -> tuple[str, list[str]]:
    (found,) = _planned(_change(*actions, before=before, after=after, **more))
    assert (found.stack, found.address) == ("phase-core", JOB)
    return found.action, found.fields


FOUND = {"schedule": "0 2 * * *", "paused": False, "description": "by hand", "region": "us-central1"}
WANTED = FOUND | {"schedule": "0 4 * * *", "description": None}


CACHE = {"TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


@pytest.mark.parametrize(
    ("environ", "file", "has_cache"),
    [
        ({}, None, False),
        ({}, ".terraformrc", True),
        ({}, ".terraform.d/mine.tfrc.json", True),
        ({"TF_CLI_CONFIG_FILE": "HOME/other"}, ".terraformrc", False),
        ({"TF_CLI_CONFIG_FILE": "HOME/other"}, "other", True),
        ({"TF_PLUGIN_CACHE_DIR": "/shared"}, None, True),
    ],
)
def test_a_plugin_cache_of_the_caller_is_left_alone(
    environ: dict[str, str], file: str | None, has_cache: bool, tmp_path: Path
) -> None:
    (tmp_path / ".terraform.d").mkdir()
    if file:
        (tmp_path / file).write_text('plugin_cache_dir = "/shared"')
    environ = {"HOME": str(tmp_path), **{k: v.replace("HOME", str(tmp_path)) for k, v in environ.items()}}
    own = {**CACHE, "TF_PLUGIN_CACHE_DIR": str(ROOT / OUTPUT / ".plugins")}

    assert own_cache(ROOT, environ) == (own if has_cache else {})


def test_terraform_runs_with_the_checkouts_own_cache_and_its_folder(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text('#!/bin/sh\ntest -d "$TF_PLUGIN_CACHE_DIR" && echo "$TF_PLUGIN_CACHE_DIR"\n')
    stub.chmod(0o755)
    stack_folder(tmp_path, "phase-core").mkdir(parents=True)
    environ = {"TERRAFORM_BINARY_NAME": str(stub), "TF_PLUGIN_CACHE_DIR": "/shared", "PATH": os.environ["PATH"]}

    found = Terraform(tmp_path, SETTINGS, environ, Mock()).run("phase-core", "version").strip()
    assert found == str(tmp_path / OUTPUT / ".plugins")


@pytest.mark.parametrize("program", ["true", "false", "cat", "a text"])
def test_a_program_that_is_no_terraform_is_named(program: str, tmp_path: Path) -> None:
    if program == "a text":
        (tmp_path / program).write_text("hello")
        (tmp_path / program).chmod(0o755)
        program = str(tmp_path / program)
    (stack_folder(tmp_path, "phase-core") / ".terraform").mkdir(parents=True)
    environ = {"TERRAFORM_BINARY_NAME": program, "PATH": os.environ["PATH"]}

    with pytest.raises(OperationError) as error:
        Terraform(tmp_path, SETTINGS, environ, Mock()).plan(["phase-core"])
    assert str(error.value) == (
        f"TERRAFORM_BINARY_NAME: {program} is no Terraform; unset it, or name Terraform 1.5 or later"
    )


def test_an_import_that_changes_nothing_is_only_an_import() -> None:
    assert _one("no-op", before=FOUND, after=FOUND, importing={"id": "projects/p"}) == ("import", [])


def test_an_import_that_also_changes_fields_names_them() -> None:
    assert _one("update", before=FOUND, after=WANTED, importing={"id": "projects/p"}) == (
        "import and update",
        ["schedule", "description"],
    )


def test_an_update_names_the_fields_that_change() -> None:
    assert _one("update", before=FOUND, after=WANTED) == ("update", ["schedule", "description"])


def test_an_update_names_a_field_that_was_not_there() -> None:
    assert _one("update", before={}, after={"paused": True}) == ("update", ["paused"])


def test_a_create_lists_no_fields() -> None:
    assert _one("create", after=WANTED) == ("create", [])


def test_a_delete_lists_no_fields() -> None:
    assert _one("delete", before=FOUND) == ("delete", [])


@pytest.mark.parametrize("actions", [("delete", "create"), ("create", "delete")])
def test_a_replacement_is_told_in_one_word_whichever_comes_first(actions: tuple[str, str]) -> None:
    assert _one(*actions, before=FOUND, after=WANTED) == ("replace", [])


def test_what_does_not_change_is_planned_with_its_values_and_is_no_change() -> None:
    (found,) = _planned(_change("no-op", before=FOUND, after=FOUND))
    assert (found.action, found.before, found.recorded) == ("no-op", FOUND, FOUND)
    assert changing([found]) == []


def test_what_the_refresh_found_is_told_from_what_the_state_had() -> None:
    plan = {
        "resource_drift": [{"address": JOB, "change": {"actions": ["update"], "before": WANTED, "after": FOUND}}],
        "resource_changes": [_change("update", before=FOUND, after=WANTED)],
    }
    (found,) = planned("phase-core", plan)
    assert (found.before, found.recorded) == (FOUND, WANTED)


def test_an_import_was_in_no_state() -> None:
    (found,) = _planned(_change("no-op", before=FOUND, after=FOUND, importing={"id": "projects/p"}))
    assert found.imports
    assert found.recorded is None


def test_a_plan_without_resources_has_no_changes() -> None:
    assert planned("phase-core", {"format_version": "1.2"}) == []


def test_changes_keep_terraforms_order() -> None:
    first, second = _change("delete", before=FOUND), _change("create", after=WANTED)
    second["address"] = "google_cloud_scheduler_job.locations"
    assert [(p.address, p.action) for p in changing(_planned(first, _change("no-op"), second))] == [
        (JOB, "delete"),
        ("google_cloud_scheduler_job.locations", "create"),
    ]
