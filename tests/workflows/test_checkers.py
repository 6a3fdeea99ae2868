"""GitHub's schema and zizmor find nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, run_in
from tests.workflows.given import ACTIONS, GITHUB, WORKFLOWS

TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(("schema", "files"), [("github-workflows", WORKFLOWS), ("github-actions", ACTIONS)])
def test_github_would_take_the_files(schema: str, files: list[Path]) -> None:
    done = run_in(ROOT, str(TOOLS / "check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *map(str, files))

    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_no_hole() -> None:
    done = run_in(ROOT, str(TOOLS / "zizmor"), "--offline", "--no-progress", "--persona=auditor", str(GITHUB))

    assert done.returncode == 0, done.stdout + done.stderr
