"""The setup, without its downloads: what it makes again, and when."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import bootstrap
from tests.checkout import ROOT

PINS = ("requirements.txt", "package-lock.json", "pyproject.toml")


class Setup:
    """Set-ups in a folder of their own; `runs` has the programs that were started, by their first words."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.runs: list[str] = []
        self.fails = ""
        self._patch = monkeypatch
        for name in PINS:
            (root / name).write_text("pinned")
        self.move(root)
        create = venv.create
        monkeypatch.setattr(venv, "create", lambda folder, **options: create(folder, **options | {"with_pip": False}))
        monkeypatch.setattr(bootstrap, "run", self._run)

    def move(self, root: Path) -> None:
        for name, file in {
            "ROOT": "",
            "VENV": ".venv",
            "BIN": ".venv/bin",
            "MADE_BY": ".venv/made-by",
            "STAMP": ".venv/setup-done",
        }.items():
            self._patch.setattr(bootstrap, name, root / file)
        self.root = root

    def _run(self, command: list[str], environ: dict[str, str]) -> None:
        words = " ".join([Path(command[0]).name, *command[1:]])
        self.runs.append(next(word for word in ALL if word in words))
        if self.fails in words.split():
            sys.exit(1)
        if "npm" in words:
            (self.root / "node_modules" / ".bin").mkdir(parents=True, exist_ok=True)
            (self.root / "node_modules" / ".bin" / "cdktf").touch()

    def __call__(self) -> list[str]:
        """The programs that a set-up starts."""
        self.runs.clear()
        bootstrap.set_up({})
        return list(self.runs)

    @property
    def trace(self) -> Path:
        """A file in the environment that is gone when the environment is made again."""
        return self.root / ".venv" / "trace"


ALL = ["requirements.txt", "--editable", "npm", "constructs.bindings"]


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    root = tmp_path / "checkout"
    root.mkdir()
    return Setup(root, monkeypatch)


def test_a_second_setup_does_nothing(setup: Setup) -> None:
    assert setup() == ALL
    assert (setup.root / ".venv" / "pyvenv.cfg").is_file()
    assert setup() == []


def test_the_cdktf_command_asks_nobody_for_newer_versions(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHECKPOINT_DISABLE", raising=False)
    setup()
    npms = setup.root / "node_modules" / ".bin" / "cdktf"
    npms.write_text('#!/bin/sh\necho "$CHECKPOINT_DISABLE" "$@"')
    npms.chmod(0o755)
    ours = setup.root / ".venv" / "bin" / "cdktf"

    assert subprocess.check_output([ours, "diff", "a b"], text=True) == "1 diff a b\n"
    monkeypatch.setenv("CHECKPOINT_DISABLE", "")
    assert subprocess.check_output([ours, "diff"], text=True) == " diff\n"


@pytest.mark.parametrize(("what", "value"), [("base_prefix", "/opt/other"), ("version", "3.99.0 (other)")])
def test_another_python_makes_the_environment_again(
    what: str, value: str, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup()
    setup.trace.write_text("of the first Python")
    monkeypatch.setattr(sys, what, value)

    assert setup() == ALL
    assert not setup.trace.exists()
    assert setup() == []


def test_the_environments_own_python_is_the_one_that_made_it(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup()
    monkeypatch.setattr(sys, "prefix", str(setup.root / ".venv"))
    monkeypatch.setattr(sys, "executable", str(setup.root / ".venv" / "bin" / "python"))

    assert setup() == []


def test_an_environment_of_unknown_making_is_made_again(setup: Setup) -> None:
    setup.trace.parent.mkdir()
    setup.trace.write_text("of nobody knows which Python")

    assert setup() == ALL
    assert not setup.trace.exists()


def test_a_checkout_that_was_moved_is_set_up_where_it_is(setup: Setup) -> None:
    setup()
    setup.trace.write_text("its scripts name the old folder")
    setup.move(setup.root.rename(setup.root.parent / "moved"))

    assert setup() == ALL
    assert not setup.trace.exists()


@pytest.mark.parametrize("name", PINS)
def test_other_pins_are_installed_into_the_same_environment(name: str, setup: Setup) -> None:
    setup()
    setup.trace.write_text("stays")
    (setup.root / name).write_text("pinned otherwise")

    assert setup() == ALL
    assert setup.trace.exists()
    assert setup() == []


@pytest.mark.parametrize("part", ALL)
def test_a_setup_that_failed_goes_on_where_it_stopped(part: str, setup: Setup) -> None:
    setup.fails = part
    with pytest.raises(SystemExit):
        setup()
    setup.trace.write_text("stays")
    setup.fails = ""

    assert setup() == ALL
    assert setup.trace.exists()


def test_pins_that_come_back_after_a_setup_that_failed_are_installed_again(setup: Setup) -> None:
    setup()
    (setup.root / PINS[0]).write_text("pinned otherwise")
    setup.fails = "npm"
    with pytest.raises(SystemExit):
        setup()
    setup.fails = ""
    (setup.root / PINS[0]).write_text("pinned")

    assert setup() == ALL


def test_without_node_modules_everything_is_installed_again(setup: Setup) -> None:
    setup()
    shutil.rmtree(setup.root / "node_modules")

    assert setup() == ALL


def test_nothing_but_the_terrain_task_installs_cdk_terrain() -> None:
    def words(task: str) -> list[str]:
        return [word for command in bootstrap.TASKS[task] for word in command]

    assert [task for task in bootstrap.TASKS if "--require-hashes" in words(task)] == ["terrain"]
    assert "--ignore=tests/terrain" in words("test")
    assert words("terrain")[-1] == "tests/terrain"
    run = re.findall(r"python3 bootstrap\.py (\w+)", (ROOT / ".ci" / "run").read_text())
    assert run == ["test", "terrain"]


def test_make_has_a_target_for_each_task() -> None:
    (targets,) = re.findall(r"^TASKS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert targets.split() == [*bootstrap.TASKS]


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_names_each_task_and_sets_nothing_up(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "set_up", lambda environ: pytest.fail("it was set up"))
    bootstrap.main([word])
    named = re.findall(r"^python3 bootstrap\.py +(\w*)", capsys.readouterr().out, re.MULTILINE)

    assert {*named} >= {*bootstrap.TASKS} - {"setup"}


@pytest.mark.parametrize("arguments", [["tests"], ["test", "terrain"]])
def test_an_unknown_task_is_told_the_known_ones(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"unknown task .*; tasks: setup, rehearse, preview, test, terrain"):
        bootstrap.main(arguments)


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 12))

    with pytest.raises(SystemExit, match=r"Python 3\.11 or later is needed, this is "):
        bootstrap.main([])
