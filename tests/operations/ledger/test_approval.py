"""When a night may be deployed, and what an override is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.approval import LEDGER, NO_GATE, Block, Override, blocks, gated_night, record_override
from operations.ledger.approval import check_approval as check_approval_at
from operations.ledger.ledger import Ledger
from operations.ledger.record import Record, compose, parse
from tests.given.domain import in_phoenix, night
from tests.given.ledger import DEPLOY, MOMENT, STARTED, UNCHANGED, Repository, add, gate

BECAUSE = "returns can wait"
NOW = MOMENT + timedelta(hours=4)
"""1 AM in Phoenix, an hour before the first run."""


@pytest.fixture(autouse=True)
def kept_in_git(repository: Repository) -> None:
    """A ledger outside a repository blocks."""


def check_approval(
    ledger: Ledger,
    settings: Settings,
    overrides: Sequence[str] = (),
    reason: str | None = None,
    *,
    now: datetime = NOW,
    way_back: bool = False,
) -> list[Override]:
    return check_approval_at(ledger, settings, overrides, reason, now=now, way_back=way_back)


def open_at(ledger: Ledger, number: int) -> list[str]:
    return [one.check for one in blocks(ledger.records(), night(number), NOW)]


def blocked(ledger: Ledger, verdict: str = "fail", **deploy: Any) -> Ledger:
    add(ledger, "deploy", DEPLOY | deploy)
    add(ledger, "gate", gate(verdict))
    return ledger


def test_the_first_night_waits_for_nothing(ledger: Ledger) -> None:
    assert gated_night([], night(0)) is None
    assert check_approval(ledger, night(0), [], None) == []


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_night_waits_for_the_one_before(number: int, ledger: Ledger) -> None:
    assert gated_night([], night(number)) == number - 1
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
    with pytest.raises(OperationError, match=r"blocked by: ran \(jobs\);.*--override ran --reason TEXT"):
        check_approval(blocked(ledger, verdict), night(1), [], None)


def test_checking_an_override_records_nothing(ledger: Ledger) -> None:
    failed = blocked(ledger).records()[-1]

    assert check_approval(ledger, night(1), ["ran"], BECAUSE) == [Override(0, "ran", BECAUSE, "jobs", failed.hash)]
    assert ledger.records()[-1] == failed
    with pytest.raises(OperationError, match="blocked by: ran"):
        check_approval(ledger, night(1))


def override(ledger: Ledger, *names: str, number: int = 1) -> None:
    """As a deploy of the night begins."""
    for one in check_approval(ledger, night(number), names, BECAUSE):
        record_override(ledger, night(number), one, MOMENT, "ana@example.com")


def test_a_recorded_override_opens_that_gate_alone(ledger: Ledger) -> None:
    override(blocked(ledger), "ran")

    assert check_approval(ledger, night(1)) == []
    with pytest.raises(OperationError, match="night 1 was skipped, night 0 is deployed; deploy night 1 first"):
        check_approval(ledger, night(2))


def test_an_override_expires_with_a_newer_gate(ledger: Ledger) -> None:
    override(blocked(ledger), "ran")
    add(ledger, "gate", gate("fail"))

    with pytest.raises(OperationError, match="blocked by: ran"):
        check_approval(ledger, night(1))


def test_an_override_of_no_gate_expires_with_the_gate(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    override(ledger, NO_GATE)
    assert check_approval(ledger, night(1)) == []

    add(ledger, "gate", gate("fail"))
    with pytest.raises(OperationError, match="blocked by: ran"):
        check_approval(ledger, night(1))


@pytest.mark.parametrize("outcome", [[], ["failed"], ["interrupted"], ["done"], ["failed", "started"]])
def test_an_override_is_accepted_again_when_its_deploy_is_repeated(outcome: list[str], ledger: Ledger) -> None:
    override(blocked(ledger), "ran")
    add(ledger, "deploy", STARTED, night=1)
    for one in outcome:
        add(ledger, "deploy", {**DEPLOY, "outcome": one}, night=1)

    assert check_approval(ledger, night(1)) == []
    assert check_approval(ledger, night(1), ["ran"], BECAUSE) == []
    assert check_approval(ledger, night(1), ["ran:jobs"], BECAUSE) == []
    with pytest.raises(OperationError, match="'loaded' does not block this deploy"):
        check_approval(ledger, night(1), ["loaded"], BECAUSE)


def test_after_another_night_an_override_is_not_accepted_again(ledger: Ledger) -> None:
    override(blocked(ledger), "ran")
    add(ledger, "deploy", DEPLOY, night=1)
    add(ledger, "deploy", DEPLOY, night=0)

    with pytest.raises(OperationError, match="'ran' does not block this deploy; what does: gate"):
        check_approval(ledger, night(1), ["ran"], BECAUSE)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_an_override_needs_a_reason(reason: str | None, ledger: Ledger) -> None:
    with pytest.raises(OperationError, match="--override needs --reason TEXT"):
        check_approval(blocked(ledger), night(1), ["ran"], reason)


def test_an_override_names_what_blocks(ledger: Ledger) -> None:
    with pytest.raises(
        OperationError, match="--override: 'loaded' does not block this deploy; what does: ran \\(jobs\\)"
    ):
        check_approval(blocked(ledger), night(1), ["loaded"], BECAUSE)
    with pytest.raises(OperationError, match="what does: none, nothing blocks this deploy"):
        check_approval(ledger, night(0), ["loaded"], BECAUSE)


def test_a_gate_that_was_never_asked_can_be_overridden_by_its_name(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)

    assert check_approval(ledger, night(1), [NO_GATE], BECAUSE) == [Override(0, NO_GATE, BECAUSE)]


@pytest.mark.parametrize("number", [0, 1])
def test_repeating_a_night_and_the_way_back_need_no_gate(number: int, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=1)

    assert check_approval(ledger, night(number), way_back=number == 0) == []


def test_the_way_back_needs_no_gate_where_no_deploy_is_on_record(ledger: Ledger) -> None:
    assert check_approval(ledger, night(1), way_back=True) == []
    with pytest.raises(OperationError, match=r"night 0 has not been gated.*--since TIME where it was deployed with"):
        check_approval(ledger, night(1))


def test_a_deploy_to_an_earlier_night_is_told_of_the_way_back(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=2)

    with pytest.raises(OperationError, match="to go back, run `ingest-rollout rollback --to 1`"):
        check_approval(ledger, night(1))


@pytest.mark.parametrize("later", [{"strategy": "immediate", "night": 1}, {"night": 1}, {"night": 0}])
@pytest.mark.parametrize("outcome", ["started", "done", "failed", "interrupted"])
def test_any_deploy_voids_the_gates_before_it(outcome: str, later: dict[str, Any], ledger: Ledger) -> None:
    add(blocked(ledger, "pass"), "deploy", {**DEPLOY, "outcome": outcome}, **later)

    assert open_at(ledger, 0) == [NO_GATE]


@pytest.mark.parametrize("later", [{"strategy": "immediate", "night": 1}, {"night": 1}, {"night": 0}])
def test_a_deploy_in_which_nothing_changed_keeps_them(later: dict[str, Any], ledger: Ledger) -> None:
    blocked(ledger, "pass")
    add(ledger, "deploy", {**STARTED, "changes": 0}, **later)
    assert open_at(ledger, 0) == [NO_GATE], "nobody saw its end"

    add(ledger, "deploy", UNCHANGED, **later)
    assert open_at(ledger, 0) == []


def test_night_2_of_one_strategy_does_not_pass_on_a_gate_from_before_the_other(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=1)
    add(ledger, "gate", gate(), night=1)
    assert check_approval(ledger, night(2)) == []

    add(ledger, "deploy", DEPLOY, night=1, strategy="immediate")
    with pytest.raises(OperationError, match="night 1 has not been gated since"):
        check_approval(ledger, night(2))


@pytest.mark.parametrize("other", ["project", "region", "dataset"])
def test_a_pass_elsewhere_does_not_count(other: str, ledger: Ledger) -> None:
    elsewhere = {other: "staging"}
    add(ledger, "deploy", DEPLOY, target=elsewhere)
    add(ledger, "gate", gate(), target=elsewhere)

    with pytest.raises(OperationError, match="night 0 has not been gated"):
        check_approval(ledger, night(1))
    assert check_approval(ledger, replace(night(1), **elsewhere)) == []  # type: ignore[arg-type]


def test_a_deploy_elsewhere_neither_voids_nor_repeats(ledger: Ledger) -> None:
    blocked(ledger, "pass")
    add(ledger, "deploy", DEPLOY, night=2, target={"project": "staging"})

    assert check_approval(ledger, night(1)) == []
    with pytest.raises(OperationError, match="night 1 was skipped"):
        check_approval(ledger, night(2))


def test_what_an_override_names_is_all_entities_or_one(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    (like,) = gate()["checks"]
    late = [{**like, "check": "loaded", "verdict": "fail", "entity": name} for name in ("returns", "payroll")]
    add(ledger, "gate", {**gate("fail"), "checks": late})

    found = check_approval(ledger, night(1), ["loaded"], BECAUSE)
    assert [(one.check, one.entity) for one in found] == [("loaded", "returns"), ("loaded", "payroll")]
    with pytest.raises(OperationError, match=r"blocked by: loaded \(payroll\);"):
        check_approval(ledger, night(1), ["loaded:returns"], BECAUSE)
    with pytest.raises(OperationError, match=r"'loaded:jobs' does not block.*what does: loaded .returns, payroll."):
        check_approval(ledger, night(1), ["loaded:jobs"], BECAUSE)

    for one in found:
        left = blocks(ledger.records(), night(0), NOW)
        record_override(ledger, night(1), one, MOMENT, "ana@example.com")
        assert [other.entity for other in left if other not in blocks(ledger.records(), night(0), NOW)] == [one.entity]
    assert check_approval(ledger, night(1)) == []


@pytest.mark.parametrize(
    ("asked", "now", "is_old"),
    [
        ("2026-10-20T08:00", "2026-10-20T21:00", False),
        ("2026-10-20T08:00", "2026-10-20T23:50", False),
        ("2026-10-20T08:00", "2026-10-21T00:30", False),
        ("2026-10-20T08:00", "2026-10-21T01:59", False),
        ("2026-10-20T08:00", "2026-10-21T02:00", True),
        ("2026-10-20T08:00", "2026-10-21T21:00", True),
        ("2026-10-20T02:05", "2026-10-20T02:30", True),
    ],
)
def test_a_pass_is_old_when_a_run_came_due_after_it(asked: str, now: str, is_old: bool, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    ledger.append("gate", strategy="phased", night=0, data=gate(), at=in_phoenix(asked), who="ana")

    if not is_old:
        assert check_approval(ledger, night(1), now=in_phoenix(now)) == []
        return
    with pytest.raises(
        OperationError, match=r"and a run came due after it, .*run `ingest-rollout gate --night 0` again"
    ):
        check_approval(ledger, night(1), now=in_phoenix(now))
    assert [one.check for one in check_approval(ledger, night(1), [NO_GATE], BECAUSE, now=in_phoenix(now))] == ["gate"]


def test_a_weekly_run_makes_it_old_too(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=3)
    asked, due = in_phoenix("2026-10-25T05:30"), in_phoenix("2026-10-25T06:05")
    ledger.append("gate", strategy="phased", night=3, data=gate(), at=asked, who="ana")

    (found,) = blocks(ledger.records(), night(3), due)
    assert found == Block(3, NO_GATE, None, ledger.records()[-1].hash)
    assert blocks(ledger.records(), night(3), asked) == []


@pytest.mark.parametrize("verdict", ["pass", "inconclusive"])
def test_a_gate_with_no_checks_is_no_pass(verdict: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", {**gate(verdict), "checks": []})

    with pytest.raises(OperationError, match="the gate of night 0 has looked at nothing; run"):
        check_approval(ledger, night(1))


def without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def test_a_ledger_that_git_cannot_vouch_for_blocks(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked(ledger, "pass")
    assert check_approval(ledger, night(1)) == [], "not committed yet is no reason"
    without_git(monkeypatch)

    with pytest.raises(OperationError, match=r"git cannot vouch for the ledger: .*git cannot be run.*override ledger"):
        check_approval(ledger, night(1))
    assert check_approval(ledger, night(1), [LEDGER], BECAUSE) == [Override(1, LEDGER, BECAUSE)]
    assert check_approval(ledger, night(0), way_back=True) == []
    assert check_approval(Ledger(ledger.path, is_kept=False), night(1)) == []

    override(ledger, LEDGER)
    add(ledger, "deploy", STARTED, night=1)
    assert check_approval(ledger, night(1)) == [], "its deploy is repeated"


histories = st.lists(
    st.one_of(
        st.tuples(
            st.just("deploy"),
            st.sampled_from(["started", "done", "failed", "interrupted"]),
            st.integers(0, 3),
            st.sampled_from(["phased", "immediate"]),
            st.sampled_from([0, 4, None]),
        ),
        st.tuples(st.just("gate"), st.sampled_from(["pass", "fail", "inconclusive"]), st.integers(0, 3)),
    ),
    max_size=8,
)


def told(history: list[tuple[Any, ...]]) -> list[Record]:
    found = []
    for number, (kind, outcome, at_night, *more) in enumerate(history, 1):
        data = gate(outcome)
        strategy, changed = more or ("phased", None)
        if kind == "deploy":
            data = {**DEPLOY, "outcome": outcome, "changes": changed, "started_at": str(number)}
        of = {"kind": kind, "strategy": strategy, "night": at_night, "data": data}
        line = compose(seq=number, at=MOMENT, who="ana", previous="0" * 64, **of)
        found.append(parse(line))
    return found


@given(histories, st.integers(1, 3))
def test_a_night_goes_on_only_on_a_pass_that_nothing_came_after(history: list[tuple[Any, ...]], number: int) -> None:
    records = told(history)
    waits_for = gated_night(records, night(number))
    deployed_last = next((one for one in reversed(history) if one[0] == "deploy"), None)
    assert (waits_for is None) == (deployed_last is not None and deployed_last[2:4] == (number, "phased"))
    if waits_for is None or blocks(records, night(waits_for), NOW):
        return
    newest = max(n for n, one in enumerate(history) if one[0] == "gate" and one[2] == waits_for)
    assert history[newest][1] == "pass"
    assert all(one[0] == "gate" or (one[1] == "done" and one[4] == 0) for one in history[newest:])


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
    assert open_at(ledger, 0) == ["loaded", "in-order"]

    add(ledger, "override", {"check": "loaded", "reason": "known"})
    assert open_at(ledger, 0) == ["in-order"]


@pytest.mark.parametrize(("old", "new"), [("in order", "in-order"), ("no overlap", "no-overlap")])
def test_the_names_of_an_older_ledger_still_count(old: str, new: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", with_checks((old, "fail"), ("kept", "fail")))
    assert open_at(ledger, 0) == [new, "kept"]

    add(ledger, "override", {"check": old, "reason": "written under the old name"})
    add(ledger, "override", {"check": "kept", "reason": "known"})
    assert open_at(ledger, 0) == []
