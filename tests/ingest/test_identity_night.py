"""The night "identity": what it changes, in which stacks, and how it is recognised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.rollout import IDENTITY_STACK, STRATEGIES, Action, Night, before_rollout, changes, stacks_of, state_at
from ingest.settings import Settings
from tests.given.domain import IDENTITY, LAST

PHASES = ["phase-core", "phase-financial", "phase-labor", "phase-reference"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_is_the_last_night_and_changes_nothing_but_the_token_of_every_job(
    strategy: str, with_invoker: Settings
) -> None:
    rollout = replace(with_invoker, strategy=strategy).rollout
    last = rollout.nights[-1]
    assert rollout.nights[:-1] == STRATEGIES[strategy].nights
    assert last == Night(number=len(rollout.nights) - 1, title="identity", authenticates=True)

    found = changes(state_at(rollout, last.number - 1), state_at(rollout, last.number))
    assert {change.actions for change in found} == {(Action.ADD_OIDC,)}
    assert all(change.before == change.after for change in found)
    assert stacks_of(found) == [IDENTITY_STACK, *PHASES]


def test_without_an_invoker_there_is_no_such_night(with_invoker: Settings) -> None:
    assert replace(with_invoker, invoker_service_account="").rollout == STRATEGIES["phased"]


@pytest.mark.parametrize("night", [0, 1, 2, 3])
def test_no_job_sends_a_token_before_it(night: int, with_invoker: Settings) -> None:
    assert not any(job.authenticated for job in state_at(with_invoker.rollout, night).values())


def test_going_back_drops_the_tokens_and_leaves_the_invoker(with_invoker: Settings) -> None:
    rollout = with_invoker.rollout
    found = changes(state_at(rollout, IDENTITY), state_at(rollout, LAST))
    assert {change.actions for change in found} == {(Action.DROP_OIDC,)}
    assert stacks_of(found) == PHASES


def test_a_first_deploy_of_that_night_does_all_at_once(with_invoker: Settings) -> None:
    found = {c.entity.name: c.actions for c in changes(before_rollout(), state_at(with_invoker.rollout, IDENTITY))}
    assert found["jobs"] == (Action.ADOPT, Action.SHIFT_LATER, Action.ADD_OIDC)
    assert found["returns"] == (Action.CREATE,)


def test_jobs_that_are_created_with_a_token_need_the_invoker_too(with_invoker: Settings) -> None:
    found = changes({}, state_at(with_invoker.rollout, IDENTITY, adopt_existing=False))
    assert {change.actions for change in found} == {(Action.CREATE,)}
    assert stacks_of(found)[0] == IDENTITY_STACK
    assert stacks_of(changes({}, state_at(with_invoker.rollout, LAST, adopt_existing=False))) == PHASES
