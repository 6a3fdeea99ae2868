"""What the documents say is what the code does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from bootstrap import TASKS
from commands.cli import cli
from ingest.gate import NAMES as NAMES_OF_CHECKS
from ingest.preview import preview
from ingest.rollout import STRATEGIES
from ingest.settings import NAMES, load
from operations.terraform import deployed
from rehearsal.faults import KINDS
from tests.checkout import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONTEXT = click.Context(cli)
README = DOCUMENTS[0].read_text(encoding="utf-8")
INDEX = ROOT / "docs" / "README.md"


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def named_commands(text: str) -> set[str]:
    """The words after `ingest-rollout` at the beginning of a line or of a piece of code; not those of prose."""
    return set(re.findall(r"(?:^\$? ?|`|\()ingest-rollout ([a-z][a-z-]*)", text, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_to_a_file_has_its_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))

    assert not [link for link in links if "://" not in link and not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_that_is_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")

    assert named_commands(text) <= set(cli.list_commands(CONTEXT))
    assert set(re.findall(r"\bbootstrap\.py ([a-z]+)", text)) <= TASKS.keys()
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= TASKS.keys()


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.parent.name != "reference"], ids=name)
def test_every_option_of_a_command_that_a_page_shows_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for command, line in re.findall(r"(?:^ *\$? ?|`)ingest-rollout ([a-z][a-z-]*)([^`#\n]*)", text, re.MULTILINE):
        found = cli.get_command(CONTEXT, command)
        assert found, command
        known = {option for parameter in _with_subcommands(found) for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known | {"--help"}, line


def _with_subcommands(command: click.Command) -> list[click.Parameter]:
    further = command.commands.values() if isinstance(command, click.Group) else ()
    return [*command.params, *(parameter for one in further for parameter in one.params)]


def test_the_index_leads_to_every_page() -> None:
    linked = {INDEX.parent / link for link in re.findall(r"\]\(([^)#]+\.md)\)", INDEX.read_text(encoding="utf-8"))}

    assert {page for page in DOCUMENTS if page.is_relative_to(INDEX.parent)} - {INDEX} <= linked


def test_the_readme_lists_every_setting() -> None:
    table = README.partition("| setting | meaning |")[2].partition("\n\n")[0]
    listed = [name for row in table.split("\n|")[1:] for name in re.findall(r"`(\w+)`", row.partition("|")[0])]

    assert sorted(listed) == sorted(NAMES)


def test_the_readmes_table_of_nights_names_the_stacks_that_each_deploys() -> None:
    rows = re.findall(r"^\| (\d), (\w+) \|[^|]*\| ([^|]+) \|$", README, re.MULTILINE)
    assert len(rows) == len(STRATEGIES["phased"].nights)
    for number, title, stacks in rows:
        settings = load(ROOT, {"INGEST_NIGHT": number, "INGEST_STRATEGY": "phased"})
        before = deployed.assumed(settings)
        found = preview(settings, before.world, before.label, datetime(2026, 10, 20, 4, tzinfo=UTC))
        assert (found.title, ", ".join(found.stacks)) == (title, stacks.strip())


def test_the_makefile_has_every_task_of_bootstrap() -> None:
    listed = (ROOT / "Makefile").read_text(encoding="utf-8").partition("TASKS := ")[2].splitlines()[0].split()

    assert sorted(listed) == sorted(TASKS)


def test_every_fault_and_every_check_has_its_line_in_the_gates_page() -> None:
    page = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([a-z -]+) \|", page, re.MULTILINE)

    assert sorted(first_cells) == sorted(["check", *NAMES_OF_CHECKS, "fault", *KINDS])
