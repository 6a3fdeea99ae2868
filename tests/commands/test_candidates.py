"""What TAB offers for options, asked of the functions themselves."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from commands import candidates
from ingest.rollout import STRATEGIES
from operations.local.repository import ROOT

PARAMETER = click.Option(["--x"])


def context(**given: str) -> click.Context:
    found = click.Context(click.Command("x"))
    found.params = dict(given)
    return found


def offered(items: candidates.Items) -> dict[str, str | None]:
    return {item.value: item.help for item in items}


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_only_what_begins_with_the_typed_text_is_offered_with_its_meaning() -> None:
    assert offered(candidates.starting({"gate": "all", "growth": "rows"}, "ga")) == {"gate": "all"}


def test_strategies_tell_their_number_of_nights() -> None:
    assert offered(candidates.strategies(context(), PARAMETER, "")) == {"phased": "4 nights", "immediate": "3 nights"}


def test_nights_are_those_of_the_strategy_that_was_typed_before() -> None:
    assert offered(candidates.nights(context(strategy="immediate"), PARAMETER, "")) == {
        "0": "adopt",
        "1": "shift",
        "2": "reference",
    }


def test_a_start_may_also_be_before_the_first_night() -> None:
    assert offered(candidates.starts(context(), PARAMETER, "s")) == {"start": "before the rollout"}


@pytest.mark.parametrize("strategy", ["", "neither"])
def test_outside_the_repository_and_for_a_strategy_that_is_none_nothing_is_an_error(
    strategy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert [*offered(candidates.nights(context(strategy=strategy), PARAMETER, ""))] == [
        str(number) for number in STRATEGIES["phased"].numbers
    ]
