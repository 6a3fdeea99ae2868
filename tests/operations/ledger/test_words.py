"""A record in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.ledger.ledger import Ledger
from operations.ledger.words import what
from tests.given.ledger import DEPLOY, OVERRIDE, PREVIEW, UNCHANGED, add, gate, story

PLAN = f" (plan {'a' * 12})"


def test_each_kind_has_its_line(tmp_path: Path) -> None:
    records, problems = story(tmp_path / "ledger.jsonl").readable()

    assert problems == []
    assert [(record.kind, *what(record)) for record in records] == [
        ("adopt", "", f"baseline {'b' * 12}"),
        ("preview", "", f"1 adopt: phase-core{PLAN}"),
        ("deploy", "done", f": phase-core{PLAN}"),
        ("gate", "fail", ", 1 checks, 1 fail; jobs: ran is fail: expected 02:00, measured 1.5"),
        ("override", "", "loaded: “Q3” is closed, no new invoices: ½ day"),
        ("deploy", "done", f": phase-core{PLAN}"),
        ("rollback", "", "to night 0"),
    ]


def test_without_stacks_and_a_plan_it_says_so(ledger: Ledger) -> None:
    nothing = add(ledger, "preview", PREVIEW | {"stacks": [], "changes": [], "plan_hash": None})

    assert what(nothing) == ("", "no change: no stack")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{"action": "create"}, {"action": "create"}], "2 create"),
        ([{"actions": ["unchanged"]}], "no change"),
        ([{}], "1 change"),
    ],
)
def test_the_changes_of_a_preview_are_counted(changes: list[object], words: str, ledger: Ledger) -> None:
    data = PREVIEW | {"changes": changes, "plan_hash": None}

    assert what(add(ledger, "preview", data)) == ("", f"{words}: phase-core")


def test_a_deploy_says_how_it_failed_and_that_nothing_was_to_change(ledger: Ledger) -> None:
    failed = add(ledger, "deploy", {**DEPLOY, "outcome": "failed", "error": "phase-core: 403"})

    assert what(failed) == ("failed", f": phase-core{PLAN}: phase-core: 403")
    assert what(add(ledger, "deploy", UNCHANGED)) == ("done", f": phase-core{PLAN}, nothing to change")


def test_an_override_names_its_entity(ledger: Ledger) -> None:
    one = add(ledger, "override", {**OVERRIDE, "entity": "returns", "reason": "known"})

    assert what(one) == ("", "loaded:returns: known")


@pytest.mark.parametrize("verdict", ["inconclusive", "fail"])
def test_a_gate_counts_its_checks_and_names_the_worst(verdict: str, ledger: Ledger) -> None:
    data = gate(verdict)
    data["checks"] += gate("pass")["checks"] + gate("warn")["checks"]

    assert what(add(ledger, "gate", data)) == (
        verdict,
        f", 3 checks, 1 warn, 1 {verdict}; jobs: ran is {verdict}: expected 02:00, measured 1.5",
    )


def test_a_line_can_neither_end_nor_steer_the_terminal(ledger: Ledger) -> None:
    assert what(add(ledger, "override", OVERRIDE | {"reason": "a\n\x1b[2Jb"})) == ("", r"loaded: a \x1b[2Jb")
    assert what(add(ledger, "deploy", DEPLOY | {"stacks": ["\r"]}))[1] == f":{PLAN}"
