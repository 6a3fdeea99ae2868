"""What the documents say is what the code does."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from bootstrap import TASKS
from commands.cli import cli
from ingest.judging.gate import NAMES as NAMES_OF_CHECKS
from ingest.preview import preview
from ingest.rollout import STRATEGIES
from ingest.settings import load
from operations.terraform import deployed
from rehearsal.faults import KINDS
from tests.checkout import ROOT, Checkout
from tests.layout import ARROWS

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONTEXT = click.Context(cli)
README = DOCUMENTS[0].read_text(encoding="utf-8")
INDEX = ROOT / "docs" / "README.md"
WRITTEN = [page for page in DOCUMENTS if page.name != "CHANGELOG.md" and page.parent.name != "reference"]
"""Pages by hand: neither generated from the code nor a record of the past."""
FOLDERS = [part.rstrip("/") for part in ARROWS if not part.endswith(".py")] + ["tests", "bench", "docs"]
LAYERS = ("ingest", "constructs", "operations", "rehearsal", "commands")
SOURCES = sorted(path for part in LAYERS for path in (ROOT / part).rglob("*.py"))
STIFF = re.compile(
    r"\b(mend(s|ed|ing)?|anew|all the same|somebody else's|(lies|stands?) (in|there|beside)|says what|holds back"
    r"|tells (of|whether|what|which)|such as it is|is at work)\b",
    re.IGNORECASE,
)
"""Turns of phrase that a plainer one replaces: fix, again, anyway, unmanaged, is, shows."""


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
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= {*TASKS, "help"}


@pytest.mark.parametrize("document", [page for page in DOCUMENTS if page.parent.name != "reference"], ids=name)
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


def test_the_readme_is_short_and_shows_its_commands_on_the_first_screen() -> None:
    lines = README.splitlines()

    assert len(lines) <= 130, "move details to a page of docs/"
    assert {"rehearse", "test"} <= set(re.findall(r"bootstrap\.py ([a-z]+)", "\n".join(lines[:40])))


def test_the_readme_shows_what_a_rehearsal_prints_also_without_the_provider(
    tmp_path: Path, no_provider: dict[str, str], request: pytest.FixtureRequest
) -> None:
    shown = re.search(r"^step .*?(?=^```)", README, re.MULTILINE | re.DOTALL)
    (tmp_path / "checkout").mkdir()
    done = Checkout(tmp_path / "checkout").rollout("rehearse", "--strategy", "phased", **no_provider)
    headline, _, printed = done.stdout.partition("\n")

    assert (done.returncode, headline) == (0, "Strategy phased, deployed by built-in applier"), done.stderr
    (why,) = done.stderr.splitlines()
    assert why.startswith("Terraform cannot be used here, the built-in applier plays its part: ")
    assert shown
    if without_seconds(shown[0]) != without_seconds(printed) and request.config.option.update_snapshots:
        rewrite_readme(shown[0], printed)
        shown = re.match(".*", printed, re.DOTALL)
    # The last column is seconds, and a number at the end of a line is nothing else.
    assert shown
    assert without_seconds(shown[0]) == without_seconds(printed), "if that is meant, run `make inventories`, commit it"


def rewrite_readme(old: str, new: str) -> None:
    DOCUMENTS[0].write_text(DOCUMENTS[0].read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def without_seconds(text: str) -> str:
    return re.sub(r" +\d+\.\d$", "", text.strip(), flags=re.MULTILINE)


@pytest.mark.parametrize("document", WRITTEN, ids=name)
def test_a_page_is_written_in_plain_words(document: Path) -> None:
    text = document.read_text(encoding="utf-8").partition("<!-- rules: begin -->")
    prose = text[0] + text[2].partition("<!-- rules: end -->")[2]

    assert not [found[0] for found in STIFF.finditer(prose)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_to_a_heading_has_its_heading(document: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text(encoding="utf-8")):
        page = (document.parent / link if link else document).read_text(encoding="utf-8")
        assert anchor in {slug(title) for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}, f"{link}#{anchor}"


def slug(title: str) -> str:
    """A heading's anchor on GitHub."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", WRITTEN, ids=name)
def test_every_file_that_a_page_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(rf"(?<![\w./-])((?:{'|'.join(FOLDERS)})/[\w./-]*\w)", text)

    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_readmes_table_of_nights_names_the_stacks_that_each_deploys(request: pytest.FixtureRequest) -> None:
    rows = re.findall(r"^(\| (\d), (\w+) \|[^|]*\|) ([^|]+) \|$", README, re.MULTILINE)
    assert len(rows) == len(STRATEGIES["phased"].nights), "a night has no row in README.md's table of nights"
    for row, number, title, stacks in rows:
        settings = load(ROOT, {"INGEST_NIGHT": number, "INGEST_STRATEGY": "phased"})
        before = deployed.assumed(settings)
        found = preview(settings, before.world, before.label, datetime(2026, 10, 20, 4, tzinfo=UTC))
        deployed_stacks = ", ".join(found.stacks)
        if request.config.option.update_snapshots:
            rewrite_readme(f"{row} {stacks} |", f"{row} {deployed_stacks} |")
            stacks = deployed_stacks
        assert (found.title, deployed_stacks) == (title, stacks.strip())


def test_the_makefile_has_every_task_of_bootstrap() -> None:
    listed = (ROOT / "Makefile").read_text(encoding="utf-8").partition("TASKS := ")[2].splitlines()[0].split()

    assert sorted(listed) == sorted(TASKS)


def test_every_fault_and_every_check_has_its_line_in_the_gates_page() -> None:
    page = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([a-z -]+) \|", page, re.MULTILINE)

    assert sorted(first_cells) == sorted(["check", *NAMES_OF_CHECKS, "fault", *KINDS])


@pytest.mark.parametrize("file", [*SOURCES, *WRITTEN], ids=name)
def test_nothing_ever_advises_to_delete_a_live_job(file: Path) -> None:
    """What is live is recorded and adopted: whoever follows such advice loses a job that loads data."""
    text = file.read_text(encoding="utf-8")

    assert not re.findall(r"jobs delete|_gcloud\([\"']delete|delete (?:the |a |that )?(?:live )?job", text)
    if file in SOURCES:
        assert not re.findall(r"\bdelete (?:it|them)\b", text)
