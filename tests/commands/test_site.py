"""The checkout that a command deploys from, and what its Terraform gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.site import checkout_site, terraform
from operations.ledger.ledger import FILE
from operations.terraform.engine import stack_folder
from tests.given.domain import SETTINGS


def test_terraform_gets_the_night_and_locks_the_state_unless_asked_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "stub"
    stub.write_text('#!/bin/sh\necho "night $INGEST_NIGHT$TF_CLI_ARGS_plan"\n')
    stub.chmod(0o755)
    stack_folder(tmp_path, "phase-core").mkdir(parents=True)
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", str(stub))
    monkeypatch.setattr("commands.site.ROOT", tmp_path)

    assert terraform(SETTINGS).run("phase-core", "plan") == "night 0\n"
    assert terraform(SETTINGS, lock=False).run("phase-core", "plan") == "night 0-lock=false\n"


def test_the_checkout_is_where_it_is_synthesized_and_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr("commands.site.ROOT", tmp_path)
    monkeypatch.setattr("commands.site.synthesize", lambda *given: called.append(given))
    site = checkout_site()
    site.synthesize(SETTINGS)

    assert (called, site.root, site.ledger.path) == ([(tmp_path, SETTINGS)], tmp_path, tmp_path / FILE)
