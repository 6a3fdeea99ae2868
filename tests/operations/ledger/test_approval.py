"""What blocks a deploy, by the ledger."""

from __future__ import annotations

import pytest

from operations.ledger.approval import holding
from operations.ledger.ledger import Ledger
from tests.given.ledger import DEPLOY, add, gate


def with_checks(*checks: tuple[str, str]) -> dict[str, object]:
    (like,) = gate()["checks"]
    return {**gate("fail"), "checks": [{**like, "check": name, "verdict": verdict} for name, verdict in checks]}


def test_what_failed_or_is_not_known_blocks_until_it_is_overridden(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(
        ledger, "gate", with_checks(("ran", "pass"), ("kept", "warn"), ("loaded", "inconclusive"), ("in-order", "fail"))
    )
    assert holding(ledger, "phased", 0) == ["loaded", "in-order"]

    add(ledger, "override", {"check": "loaded", "reason": "known"})
    assert holding(ledger, "phased", 0) == ["in-order"]


@pytest.mark.parametrize(("old", "new"), [("in order", "in-order"), ("no overlap", "no-overlap")])
def test_the_names_of_an_older_ledger_still_count(old: str, new: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", with_checks((old, "fail"), ("kept", "fail")))
    assert holding(ledger, "phased", 0) == [new, "kept"]

    add(ledger, "override", {"check": old, "reason": "written under the old name"})
    add(ledger, "override", {"check": "kept", "reason": "known"})
    assert holding(ledger, "phased", 0) == []
