"""What the command `deploy` takes for a way back, and what it asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.evening.deploy import cannot_undo, counts, takes_back
from ingest.preview import preview
from ingest.rollout import STRATEGIES
from ingest.schedule import Cadence
from ingest.settings import Settings
from operations.deploy import Plan
from operations.terraform.deployed import Before
from operations.terraform.engine import Planned
from operations.terraform.plan_check import releases
from tests.given.domain import IDENTITY, LAST, WITH_INVOKER, in_phoenix, night
from tests.given.planned import resource

EVENING = in_phoenix("2026-10-20T21:00")


def taken_back(settings: Settings, deployed: Settings) -> list[str]:
    return takes_back(preview(settings, deployed.world(), "", EVENING), settings)


@pytest.mark.parametrize("invoker", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_earlier_night_takes_back_and_no_other(strategy: str, invoker: bool) -> None:
    every = replace(WITH_INVOKER, strategy=strategy) if invoker else night(0, strategy)
    for deployed in every.nights():
        for wanted in every.nights():
            assert bool(taken_back(wanted, deployed)) is (wanted.night < deployed.night)


def test_what_a_night_takes_back_is_named() -> None:
    assert taken_back(night(1), night(2)) == ["locations"]


def test_a_time_that_was_changed_by_hand_is_no_later_night() -> None:
    world = dict(night(1).world())
    world["jobs"] = replace(world["jobs"], cadence=Cadence.daily("04:00"))

    assert takes_back(preview(night(1), world, "", EVENING), night(1)) == []


def test_going_back_from_the_night_identity_leaves_the_invoker() -> None:
    back = preview(replace(WITH_INVOKER, night=LAST), WITH_INVOKER.world(IDENTITY), "night 4 is deployed", EVENING)
    (line,) = cannot_undo(back)

    assert "the invoker and its grant stay" in line


@pytest.mark.parametrize(
    ("planned", "text"),
    [
        ([resource("returns", "create")], "create 1 job"),
        ([resource("returns", "create"), resource("jobs", "create"), resource("payroll", "no-op")], "create 2 jobs"),
        ([resource("jobs", "update"), resource("returns", "create")], "update 1 job, create 1"),
        ([resource("estimates", "delete"), resource("returns", "delete")], "delete 1 job, release 1"),
        ([resource("estimates", "delete")], "release 1 job"),
        ([Planned("ingest-identity", "google_service_account.invoker", "create", [])], "no job changes"),
    ],
)
def test_the_question_says_what_happens_to_how_many_jobs(planned: list[Planned], text: str) -> None:
    before = replace(night(1), night=0)
    found = preview(before, night(1).world(), "night 1 is deployed", EVENING)
    plan = Plan(Before(night(1).world(), ""), found, planned, releases(found, planned))

    assert counts(plan) == text
