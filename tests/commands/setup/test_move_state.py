"""The command `move-state`: what it asks before it moves anything, and what it says afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from commands.setup import move_state as command
from ingest.settings import Settings
from operations.errors import OperationError
from operations.terraform.engine import OUTPUT
from operations.terraform.move import Move, Step
from tests.given.domain import SETTINGS

STACKS = ["phase-core", "phase-labor"]


class FakeMove:
    """Plans what it is given, and notes what it carries out."""

    steps = (Step.MOVE, Step.NONE)
    moved: list[str]

    def __init__(self, root: Path, settings: Settings, to: str) -> None:
        pass

    def planned(self, stacks: list[str]) -> list[Move]:
        return [Move(name, step, 3, "here", "there") for name, step in zip(stacks, self.steps, strict=True)]

    def carry_out(self, moves: list[Move], tell: Callable[[str], None]) -> None:
        self.moved += [move.stack for move in moves if move.step is Step.MOVE]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FakeMove]:
    (tmp_path / OUTPUT).mkdir()
    (tmp_path / OUTPUT / "manifest.json").write_text(json.dumps({"stacks": {name: {} for name in STACKS}}))
    made = type("Made", (FakeMove,), {"moved": []})
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "read_settings", lambda: SETTINGS)
    monkeypatch.setattr(command, "synthesize", lambda root, settings: None)
    monkeypatch.setattr(command, "StateMove", made)
    return made


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(command.move_state, list(arguments), standalone_mode=False, input=given)


def test_without_a_terminal_it_wants_yes_and_moves_nothing(fake: type[FakeMove]) -> None:
    done = run("--to", "gcs")

    assert isinstance(done.exception, OperationError)
    assert "--yes" in str(done.exception)
    assert fake.moved == []


def test_yes_moves_what_is_to_be_moved_and_says_what_to_set(fake: type[FakeMove]) -> None:
    done = run("--to", "gcs", "--yes")

    assert fake.moved == ["phase-core"]
    assert '"backend": "gcs" in the context of cdktf.json' in done.output


def test_where_nothing_is_to_be_moved_it_asks_nothing(fake: type[FakeMove], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "steps", (Step.MOVED, Step.NONE))
    done = run("--to", "local")

    assert done.exception is None
    assert "Nothing to move." in done.output
    assert "cdktf.json" not in done.output, "the settings name that backend already"


def test_a_state_file_of_no_stack_is_named(fake: type[FakeMove], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "phase-old.tfstate").touch()

    assert "state/phase-old.tfstate" in run("--to", "gcs", "--yes").output
