"""docs/reference/ is what the code says."""

from __future__ import annotations

import re

import pytest

from ingest.rules import RULES
from ingest.settings import NAMES
from tests.checkout import ROOT
from tests.docs.command_list import PROGRAM, commands, help_text
from tests.docs.reference import field_texts, pages

FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize(
    "name", ["catalogue.md", "commands.md", "exit-codes.md", "nights.md", "roles.md", "rules.md", "settings.md"]
)
def test_a_page_of_the_reference_is_what_the_code_says(
    name: str, made: dict[str, str], request: pytest.FixtureRequest
) -> None:
    file = FOLDER / name
    if request.config.option.update_snapshots:
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(made[name], encoding="utf-8")
    written = file.read_text(encoding="utf-8") if file.exists() else ""

    assert made[name] == written, f"docs/reference/{name} differs; if that is meant, run `make inventories`, commit it"


def test_there_is_no_page_that_nothing_makes(made: dict[str, str]) -> None:
    assert {file.name for file in FOLDER.iterdir()} == made.keys()


def test_every_setting_says_what_it_is() -> None:
    assert field_texts().keys() >= {*NAMES}


def test_every_rule_says_why() -> None:
    assert [rule.__name__ for rule in RULES if not rule.__doc__] == []


def test_the_reference_depends_on_neither_the_terminal_nor_the_environment(
    made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COLUMNS": "40", "TZ": "Asia/Tokyo", "INGEST_NIGHT": "2", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)

    assert pages() == made


@pytest.mark.parametrize("name", commands())
def test_a_commands_help_shows_an_example_that_can_be_typed(name: str) -> None:
    command = commands()[name]
    text = help_text(name, command)
    example = text.partition("Example")[2].partition("Options:")[0]
    lines = re.findall(rf"^ *(?:source <\()?{PROGRAM} ({name}\b.*)$", example, re.MULTILINE)

    assert lines, f"`{PROGRAM} {name} --help` shows no example; add one to its docstring"
    for line in lines:
        found = max((n for n in commands() if f"{line} ".startswith(f"{n} ")), key=len)
        known = {option for parameter in commands()[found].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known
