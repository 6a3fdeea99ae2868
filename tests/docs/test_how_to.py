"""The edits that the how-to pages show can be made, and do what the pages say."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

from tests.checkout import ROOT, Checkout

FOLDER = ROOT / "docs" / "how-to"
EVENING = ("--at", "2026-10-20T21:00")


def edits(page: str) -> list[tuple[str, str]]:
    """Before and after of each `diff` block of a page."""
    text = (FOLDER / page).read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"^ *```diff\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        lines = textwrap.dedent(block).splitlines()
        # The markers leave no common indent where each line has one.
        marks = [(line[0], line[1:]) if line[0] in "+-" else (" ", line.removeprefix(" ")) for line in lines]
        before = "\n".join(line for mark, line in marks if mark != "+")
        found.append((before, "\n".join(line for mark, line in marks if mark != "-")))
    return found


def edit(file: Path, before: str, after: str) -> None:
    """Replaces whole lines, which stand there once, at the indent that they have there.

    Another time of an entity in `before` is as good: the page is about the edit.
    """
    text = file.read_text(encoding="utf-8")
    pattern = re.sub(r'"\d\d:\d\d"', r'"\\d\\d:\\d\\d"', re.escape(before))
    places = re.findall(rf"^( *)({pattern})$", text, re.MULTILINE)
    assert len(places) == 1, f"{file.name} has {len(places)} of {before!r}"
    ((indent, found),) = places
    indented = textwrap.indent(after, indent)
    file.write_text(text.replace(f"{indent}{found}\n", f"{indented}\n"), encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    # Python tells an edited file by its second and its size, and these edits are fast and of the same size.
    return Checkout(tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"})


def test_an_entity_is_added_as_the_page_says(checkout: Checkout) -> None:
    catalogue, phased, immediate, contract = edits("add-an-entity.md")
    edit(checkout.root / "ingest" / "catalogue.py", *catalogue)
    unplaced = checkout.rollout("plan")
    assert unplaced.returncode == 1
    message = "phased: leads enters on no night; add it to one [complete-rollout, ingest/rollout.py]"
    assert message in unplaced.stderr
    assert message in (FOLDER / "add-an-entity.md").read_text(encoding="utf-8")

    for change in (phased, immediate):
        edit(checkout.root / "ingest" / "rollout.py", *change)
    for strategy, night in (("phased", "4"), ("immediate", "3")):
        planned = checkout.rollout("plan", "--strategy", strategy, "--night", night, *EVENING, "--json")
        assert planned.returncode == 2, planned.stderr
        found = json.loads(planned.stdout)
        changed = [change for change in found["changes"] if change["actions"] != ["unchanged"]]
        assert [(change["job"], change["actions"], change["after"]) for change in changed] == [
            ("v2-sync-leads-daily", ["create"], "20 4 * * *")
        ]
        assert found["stacks"] == ["phase-core"]

    edit(checkout.root / "twin" / "contract.py", *contract)
    rehearsed = checkout.rollout("rehearse", "--engine", "built-in")
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    assert "night 4, leads" in rehearsed.stdout

    assert checkout.rollout("synth", "--night", "4").returncode == 0
    assert checkout.stack("phase-core")["resource"]["google_cloud_scheduler_job"]["leads"]["schedule"] == "20 4 * * *"


def test_a_time_is_changed_as_the_page_says(checkout: Checkout) -> None:
    ((before, after),) = edits("change-a-time.md")
    edit(checkout.root / "ingest" / "catalogue.py", before, after)
    jobs = json.loads(checkout.rollout("catalogue", *EVENING, "--json").stdout)

    assert [job["schedule"] for job in jobs if job["entity"] == "locations"] == ["25 4 * * *"]
    assert checkout.rollout("plan", "--night", "3", "--from", "3").returncode == 0, "as the page says of plan"


def test_a_time_that_clashes_is_told_as_the_page_says(checkout: Checkout) -> None:
    page = (FOLDER / "change-a-time.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n\$ ingest-rollout plan +# with returns at (\S+)\n(.*?)```", page, re.DOTALL)
    catalogue = checkout.root / "ingest" / "catalogue.py"
    original = catalogue.read_text(encoding="utf-8")

    assert len(blocks) == 2
    for time, said in blocks:
        catalogue.write_text(original.replace('target=_daily("04:55")', f'target=_daily("{time}")'), encoding="utf-8")
        told = checkout.rollout("plan")
        assert (told.returncode, told.stderr) == (1, said)
