"""docs/ci.md says what the workflows do."""

from __future__ import annotations

import re

from tests.checkout import ROOT
from tests.workflows.given import FILES, WORKFLOWS, jobs

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def test_the_table_of_permissions_is_that_of_the_jobs() -> None:
    told = re.findall(r"^\| ([\w-]+, \w+) \| ([a-z-]+: [^|]*) \| (\w+) \|$", PAGE, re.MULTILINE)
    accounts = {
        (one.workflow, one.name): one.signs_in[0].partition("vars.")[2].partition("_")[0].lower()
        for one in jobs()
        if one.signs_in
    }

    assert sorted(told) == sorted(
        (
            f"{one.workflow}, {one.name}",
            ", ".join(f"{scope}: {level}" for scope, level in one.content["permissions"].items()),
            accounts.get((one.workflow, one.name), "none"),
        )
        for one in jobs()
    )


def test_each_workflow_is_told_and_each_variable() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)

    assert re.findall(r"^\| \[([\w-]+)\]", PAGE, re.MULTILINE) == [
        *("pull-request", "deploy", "gate", "drift", "rollback"),
    ]
    assert len(WORKFLOWS) == 5
    assert set(re.findall(r"vars\.(\w+)", text)) == set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE))


def test_the_times_are_those_of_the_schedules() -> None:
    for name in ("gate", "drift"):
        workflow = next(path for path in WORKFLOWS if path.stem == name).read_text(encoding="utf-8")
        said = re.findall(r"# (\d\d:\d\d) in Phoenix", workflow)
        assert re.findall(rf"^\| \[{name}\].*daily, (\d\d:\d\d) in Phoenix", PAGE, re.MULTILINE) == said
