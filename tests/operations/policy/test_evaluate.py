"""Verdicts become a report; exemptions need a reason and something to excuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.policy.evaluate import EVERYWHERE, Exemption, Report, Stack, evaluate, read_stacks
from operations.policy.rules import EXEMPTIONS, RULES
from tests.given.policy import JOB, SAMPLES, changed, stack

WITH_AGENT = stack(JOB, changed(SAMPLES[JOB], http_target__headers={"User-Agent": "x"}))


def exemption(reason: str = "it is being moved", rule: str = "ING108", address: str = f"{JOB}.x") -> Exemption:
    return Exemption(rule=rule, stack="by-hand", address=address, reason=reason)


def report(*exemptions: Exemption, given: Stack = WITH_AGENT, complete: bool = True) -> Report:
    return evaluate({"phased 3": [given]}, RULES, exemptions, complete=complete)


def test_a_broken_rule_fails_and_names_rule_night_stack_address_and_cause() -> None:
    (found,) = report().violations

    assert not report().passed
    assert (found.rule.id, found.night, found.stack, found.address) == ("ING108", "phased 3", "by-hand", f"{JOB}.x")
    assert found.judgement.details == ("it sets User-Agent",)


@pytest.mark.parametrize("address", [f"{JOB}.x", EVERYWHERE])
def test_an_exemption_with_a_reason_excuses_what_it_names(address: str) -> None:
    found = report(exemption(address=address))

    assert found.passed
    assert [one.exemption and one.exemption.reason for one in found.exempted] == ["it is being moved"]


@pytest.mark.parametrize("reason", ["", " \n"])
def test_an_exemption_without_a_reason_is_an_error_and_excuses_nothing(reason: str) -> None:
    found = report(exemption(reason))

    assert [one.rule.id for one in found.violations] == ["ING108"]
    assert found.problems == [f"exemption ING108 for by-hand {JOB}.x: gives no reason; write one"]


@pytest.mark.parametrize("address", [f"{JOB}.y", ""])
def test_an_exemption_that_matches_nothing_is_an_error(address: str) -> None:
    found = report(exemption(), exemption(address=address))

    assert not found.violations
    assert not found.passed
    assert found.problems == [f"exemption ING108 for by-hand {address}: matches nothing; remove it"]


def test_an_exemption_from_a_rule_that_is_kept_matches_nothing() -> None:
    assert not report(exemption(), given=stack(JOB)).passed


def test_with_some_nights_only_an_exemption_may_be_for_another() -> None:
    assert report(exemption(), given=stack(JOB), complete=False).passed


def test_an_exemption_from_an_unknown_rule_is_an_error() -> None:
    assert (
        "exemption ING999 for by-hand *: there is no rule ING999"
        in report(exemption(rule="ING999", address="*")).problems
    )


def test_every_exemption_in_force_gives_a_reason() -> None:
    assert all(one.reason.strip() for one in EXEMPTIONS)


@pytest.mark.parametrize("nights", [{}, {"phased 3": []}])
def test_nothing_to_judge_could_not_be_evaluated(nights: dict[str, list[Stack]]) -> None:
    with pytest.raises(OperationError, match="no stack was synthesized") as caught:
        evaluate(nights, RULES)
    assert caught.value.code == 2


def test_json_in_which_a_rule_cannot_find_its_way_could_not_be_evaluated() -> None:
    with pytest.raises(OperationError, match=f"ING102 could not be evaluated for by-hand {JOB}.x") as caught:
        report(given=stack(JOB, changed(SAMPLES[JOB], http_target="a text")))
    assert caught.value.code == 2


def test_a_file_that_is_no_json_could_not_be_evaluated(tmp_path: Path) -> None:
    (tmp_path / "stacks" / "phase-core").mkdir(parents=True)
    (tmp_path / "stacks" / "phase-core" / "cdk.tf.json").write_text("{")
    with pytest.raises(OperationError, match="cannot be read") as caught:
        read_stacks(tmp_path)
    assert caught.value.code == 2
