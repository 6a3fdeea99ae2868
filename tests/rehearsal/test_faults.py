"""The text of --fault."""

from __future__ import annotations

import pytest

from ingest.rollout import STRATEGIES
from operations.errors import OperationError
from rehearsal.faults import HARMLESS, KINDS, SERVICE, WHOLE_NIGHT, parse

PHASED, IMMEDIATE = STRATEGIES["phased"], STRATEGIES["immediate"]


@pytest.mark.parametrize(
    ("text", "phased", "immediate"),
    [
        ("fails:invoices", 0, 0),
        ("slow:returns", 1, 1),
        ("paused:campaigns", 3, 2),
        ("post:jobs", 0, 0),
        ("taken:locations", 2, 1),
        ("edited:jobs", 0, 0),
        ("edited:returns", 2, 2),
        ("shrinks:jobs", 0, 0),
        ("shrinks:returns", 2, 2),
        ("doubled:returns", 2, 2),
        ("route:business_units", 3, 2),
        ("missing-upstream:activity_codes", 3, 2),
        ("token-dropped", 0, 0),
        ("neighbour", 0, 0),
        ("killed", 2, 1),
    ],
)
def test_without_a_night_it_strikes_on_the_first_that_it_can(text: str, phased: int, immediate: int) -> None:
    found = parse(text, PHASED)

    assert (str(found), found.night) == (text, phased)
    assert parse(text, IMMEDIATE).night == immediate


def test_a_night_on_which_it_can_strike_is_taken() -> None:
    assert parse("empty:invoices@3", PHASED).night == 3
    assert parse("killed@0", PHASED).night == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("breaks:jobs", "'breaks' is not known; allowed: fails, throttled"),
        ("fails", "needs an entity of the catalogue, such as fails:invoices"),
        ("fails:job", "needs an entity of the catalogue"),
        ("killed:jobs", "write killed or killed@2"),
        ("post:returns", "post needs a job that is live"),
        ("taken:jobs", "taken needs a job that the rollout creates"),
        ("edited:campaigns", "no night follows the one that creates the job"),
        ("route:campaigns", "route needs one of business_units, technicians, activity_codes"),
        ("shrinks:campaigns", "no night follows the one that creates the job"),
        ("neighbour:jobs", "write neighbour or neighbour@2"),
        ("fails:returns@0", "cannot strike; allowed: 1, 2, 3"),
        ("fails:jobs@two", "cannot strike; allowed: 0, 1, 2, 3"),
    ],
)
def test_what_does_not_fit_is_an_error_with_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(OperationError, match=message):
        parse(text, PHASED)


def test_every_behaviour_of_the_service_is_a_kind() -> None:
    assert SERVICE.keys() <= KINDS.keys()
    assert {*WHOLE_NIGHT, *HARMLESS} <= KINDS.keys()
