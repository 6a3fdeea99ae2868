"""Which deploys the records know, and how they ended."""

from __future__ import annotations

from typing import Any

import pytest

from operations.ledger.ledger import Ledger
from operations.ledger.standing import counting, deployed, deploys, of_target, passed, unfinished
from tests.given.domain import SETTINGS
from tests.given.ledger import DEPLOY, STARTED, UNCHANGED, add, gate

LATER = {"started_at": "2026-10-22T04:00:00+00:00", "ended_at": "2026-10-22T04:01:00+00:00"}
FAILED = {**DEPLOY, "outcome": "failed", "error": "phase-core: 403"}


def test_a_deploy_counts_once_by_its_end(ledger: Ledger) -> None:
    add(ledger, "deploy", STARTED)
    done = add(ledger, "deploy", DEPLOY)
    killed = add(ledger, "deploy", {**STARTED, "started_at": LATER["started_at"]})

    assert deploys(ledger.records()) == [done, killed]
    assert unfinished(ledger.records()) == killed


def test_an_end_is_of_the_start_before_it(ledger: Ledger) -> None:
    done = add(ledger, "deploy", DEPLOY)
    killed = add(ledger, "deploy", STARTED)
    elsewhere = add(ledger, "deploy", DEPLOY, night=1)

    assert deploys(ledger.records()) == [done, killed, elsewhere]


@pytest.mark.parametrize("last", [STARTED, FAILED, {**FAILED, "outcome": "interrupted"}])
def test_a_deploy_that_did_not_end_is_finished_by_one_that_did(last: dict[str, Any], ledger: Ledger) -> None:
    add(ledger, "deploy", {**last, "started_at": "2026-10-20T04:00:00+00:00"}, night=1)
    assert deployed(ledger.records()) is None

    done = add(ledger, "deploy", {**UNCHANGED, **LATER}, night=1)
    assert unfinished(ledger.records()) is None
    assert deployed(ledger.records()) == done, "its own end is the first that anybody saw"


def test_a_repeat_that_changed_nothing_is_not_the_deploy(ledger: Ledger) -> None:
    done = add(ledger, "deploy", DEPLOY)
    passing = add(ledger, "gate", gate())
    add(ledger, "deploy", {**UNCHANGED, **LATER})

    assert deployed(ledger.records()) == done
    assert passing in counting(ledger.records())

    again = add(ledger, "deploy", {**DEPLOY, **LATER})
    assert deployed(ledger.records()) == again
    assert counting(ledger.records()) == [again]


def test_nothing_is_deployed_at_first(ledger: Ledger) -> None:
    assert deployed([]) is unfinished([]) is None


def test_what_a_record_does_not_say_it_matches(ledger: Ledger) -> None:
    old = add(ledger, "deploy", DEPLOY)
    here = add(ledger, "deploy", DEPLOY, target={"project": SETTINGS.project})
    add(ledger, "deploy", DEPLOY, target={"project": SETTINGS.project, "region": "us-east1"})

    assert of_target(ledger.records(), SETTINGS) == [old, here]


def test_a_pass_has_checks_that_pass(ledger: Ledger) -> None:
    for data, is_pass in [
        (gate(), True),
        (gate("fail"), False),
        ({**gate(), "checks": []}, False),
        ({**gate(), "checks": gate("inconclusive")["checks"]}, False),
    ]:
        assert passed(add(ledger, "gate", data)) is is_pass
