"""When a night may be deployed, and what an override is."""

from __future__ import annotations

from typing import Any

import pytest

from operations.errors import OperationError
from operations.ledger.approval import NO_GATE, Override, blocking_checks, check_approval, gated_night, record_override
from operations.ledger.ledger import Ledger
from tests.given.domain import night
from tests.given.ledger import DEPLOY, MOMENT, add, gate

BECAUSE = "returns can wait"


def blocked(ledger: Ledger, verdict: str = "fail", **deploy: Any) -> Ledger:
    add(ledger, "deploy", DEPLOY | deploy)
    add(ledger, "gate", gate(verdict))
    return ledger


def test_the_first_night_waits_for_nothing(ledger: Ledger) -> None:
    assert gated_night(ledger, night(0)) is None
    assert check_approval(ledger, night(0), [], None) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_night_waits_for_the_one_before(number: int, ledger: Ledger) -> None:
    assert gated_night(ledger, night(number)) == number - 1
    with pytest.raises(OperationError, match=f"night {number - 1} has not been gated since it was deployed"):
        check_approval(ledger, night(number), [], None)


def test_a_passed_gate_opens_the_next_night(ledger: Ledger) -> None:
    assert check_approval(blocked(ledger, "pass"), night(1), [], None) == []


def test_a_gate_from_before_the_deploy_counts_for_nothing(ledger: Ledger) -> None:
    add(blocked(ledger, "pass"), "deploy", DEPLOY)

    with pytest.raises(OperationError, match="has not been gated since"):
        check_approval(ledger, night(1), [], None)


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_a_check_that_blocks_is_named_with_how_to_go_on(verdict: str, ledger: Ledger) -> None:
    with pytest.raises(OperationError, match=r"blocked by: ran;.*--override \"?ran\"? --reason TEXT"):
        check_approval(blocked(ledger, verdict), night(1), [], None)


def test_checking_an_override_records_nothing(ledger: Ledger) -> None:
    before = len(blocked(ledger).records())

    assert check_approval(ledger, night(1), ["ran"], BECAUSE) == [Override(0, "ran", BECAUSE)]
    assert len(ledger.records()) == before
    with pytest.raises(OperationError, match="blocked by: ran"):
        check_approval(ledger, night(1), [], None)


def test_a_recorded_override_opens_that_gate_alone(ledger: Ledger) -> None:
    record_override(blocked(ledger), "phased", Override(0, "ran", BECAUSE), MOMENT, "ana@example.com")

    assert check_approval(ledger, night(1), [], None) == []
    with pytest.raises(OperationError, match="night 1 has not been gated"):
        check_approval(ledger, night(2), [], None)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_an_override_needs_a_reason(reason: str | None, ledger: Ledger) -> None:
    with pytest.raises(OperationError, match="--override needs --reason TEXT"):
        check_approval(blocked(ledger), night(1), ["ran"], reason)


def test_an_override_names_what_blocks(ledger: Ledger) -> None:
    with pytest.raises(OperationError, match="--override: 'loaded' does not block this deploy; what does: ran"):
        check_approval(blocked(ledger), night(1), ["loaded"], BECAUSE)
    with pytest.raises(OperationError, match="what does: none, nothing blocks this deploy"):
        check_approval(ledger, night(0), ["loaded"], BECAUSE)


def test_a_gate_that_was_never_asked_can_be_overridden_by_its_name(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)

    assert check_approval(ledger, night(1), [NO_GATE], BECAUSE) == [Override(0, NO_GATE, BECAUSE)]


@pytest.mark.parametrize("number", [0, 1])
def test_repeating_a_night_and_the_way_back_need_no_gate(number: int, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=1)

    assert check_approval(ledger, night(number), [], None) == []


def test_a_damaged_ledger_stops_every_deploy(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"900", b"901"))

    with pytest.raises(OperationError, match="refused: the ledger cannot be trusted: line 1 was changed"):
        check_approval(ledger, night(0), [], None)


def with_checks(*checks: tuple[str, str]) -> dict[str, object]:
    (like,) = gate()["checks"]
    return {**gate("fail"), "checks": [{**like, "check": name, "verdict": verdict} for name, verdict in checks]}


def test_what_failed_or_is_not_known_blocks_until_it_is_overridden(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(
        ledger, "gate", with_checks(("ran", "pass"), ("kept", "warn"), ("loaded", "inconclusive"), ("in-order", "fail"))
    )
    assert blocking_checks(ledger, "phased", 0) == ["loaded", "in-order"]

    add(ledger, "override", {"check": "loaded", "reason": "known"})
    assert blocking_checks(ledger, "phased", 0) == ["in-order"]


@pytest.mark.parametrize(("old", "new"), [("in order", "in-order"), ("no overlap", "no-overlap")])
def test_the_names_of_an_older_ledger_still_count(old: str, new: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", with_checks((old, "fail"), ("kept", "fail")))
    assert blocking_checks(ledger, "phased", 0) == [new, "kept"]

    add(ledger, "override", {"check": old, "reason": "written under the old name"})
    add(ledger, "override", {"check": "kept", "reason": "known"})
    assert blocking_checks(ledger, "phased", 0) == []
