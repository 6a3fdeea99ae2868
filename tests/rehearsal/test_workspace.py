"""The folder that a rehearsal deploys from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.settings import Settings
from operations.terraform.engine import stack_folder
from rehearsal.workspace import Workspace, synthesize_nights
from tests.given.domain import SETTINGS


def test_a_nights_json_is_put_where_it_is_deployed_from_and_what_terraform_has_there_stays(tmp_path: Path) -> None:
    nights = {number: tmp_path / f"night-{number}" for number in (0, 1)}
    for number, folder in nights.items():
        (folder / "stacks" / "phase-core").mkdir(parents=True)
        (folder / "stacks" / "phase-core" / "cdk.tf.json").write_text(str(number))
    workspace = Workspace(nights, tmp_path / "deploy")
    place = stack_folder(workspace.deploys_from, "phase-core")
    workspace.use(0)
    (place / ".terraform").mkdir()
    workspace.use(1)

    assert sorted(file.name for file in place.iterdir()) == [".terraform", "cdk.tf.json"]
    assert (place / "cdk.tf.json").read_text() == "1"


def test_each_night_has_its_folder_and_a_state_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[Path, Settings] = {}

    def synthesize(root: Path, nights: Mapping[Path, Settings], environ: Mapping[str, str]) -> None:
        assert environ == {"A": "1", "TMPDIR": str(tmp_path)}
        asked.update(nights)

    monkeypatch.setattr("rehearsal.workspace.synthesize_all", synthesize)
    remote = replace(SETTINGS, backend="gcs", backend_bucket="a-bucket")
    found = synthesize_nights(tmp_path, remote, tmp_path, {"A": "1"})

    assert {number: (asked[path].night, asked[path].backend) for number, path in found.items()} == {
        number: (number, "local") for number in remote.rollout.numbers
    }
