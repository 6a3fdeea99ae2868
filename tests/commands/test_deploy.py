"""What the command `deploy` takes for a way back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.deploy import takes_back
from ingest.preview import preview
from ingest.rollout import STRATEGIES
from ingest.schedule import Cadence
from ingest.settings import Settings
from tests.given.domain import WITH_INVOKER, in_phoenix, night

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
