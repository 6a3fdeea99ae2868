"""Which jobs exist on which night, against sets typed from the plan, and what leads from one night to another."""

from __future__ import annotations

from itertools import product

import pytest

from ingest.catalogue import CATALOGUE
from ingest.rollout import (
    STRATEGIES,
    Action,
    Change,
    Job,
    Management,
    Night,
    Strategy,
    World,
    before_rollout,
    changes,
    stacks_of,
    state_at,
)
from ingest.schedule import Cadence
from tests.given import domain

LIVE = {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
CRITICAL = {"purchase_orders", "inventory_bills", "returns", "payroll_adjustments"}
REFERENCE = {"business_units", "technicians", "activity_codes", "campaigns"}

# strategy, night: the jobs as they were found, the jobs at their target.
WORLDS: dict[tuple[str, int], tuple[set[str], set[str]]] = {
    ("phased", 0): (LIVE, set()),
    ("phased", 1): (LIVE, CRITICAL),
    ("phased", 2): (set(), LIVE | CRITICAL | {"locations"}),
    ("phased", 3): (set(), LIVE | CRITICAL | {"locations"} | REFERENCE),
    ("immediate", 0): (LIVE, set()),
    ("immediate", 1): (set(), LIVE | CRITICAL | {"locations"}),
    ("immediate", 2): (set(), LIVE | CRITICAL | {"locations"} | REFERENCE),
}
NIGHTS = {"phased": [0, 1, 2, 3], "immediate": [0, 1, 2]}
PAIRS = [(s, n, m) for s, numbers in NIGHTS.items() for n, m in product(numbers, repeat=2)]
ADOPTION = pytest.mark.parametrize("adopt_existing", [True, False], ids=["adopting", "creating"])


def _at(strategy: str, night: int, *, adopt_existing: bool = True) -> World:
    return state_at(STRATEGIES[strategy], night, adopt_existing=adopt_existing)


def _cadences(world: World) -> dict[str, Cadence]:
    return {name: job.cadence for name, job in world.items()}


def _applied(world: World, found: list[Change]) -> dict[str, Cadence]:
    cadences = _cadences(world)
    for change in found:
        assert cadences.pop(change.entity.name, None) == change.before
        if change.after:
            cadences[change.entity.name] = change.after
    return cadences


def _actions(before: World, after: World) -> dict[str, tuple[Action, ...]]:
    return {change.entity.name: change.actions for change in changes(before, after)}


def test_the_strategies_have_the_nights_of_the_plan() -> None:
    assert {name: strategy.numbers for name, strategy in STRATEGIES.items()} == NIGHTS
    assert {name: strategy.name for name, strategy in STRATEGIES.items()} == {n: n for n in NIGHTS}


@pytest.mark.parametrize(("strategy", "night"), WORLDS)
def test_a_night_has_the_jobs_of_the_plan(strategy: str, night: int) -> None:
    as_found, at_target = WORLDS[strategy, night]
    world = _at(strategy, night)
    assert set(world) == as_found | at_target
    assert {name for name, job in world.items() if job.cadence == job.entity.live} == as_found
    assert {name for name, job in world.items() if job.cadence == job.entity.target} == at_target
    assert {name for name, job in world.items() if job.management is Management.ADOPTED} == as_found
    assert {name for name, job in world.items() if job.management is Management.DECLARED} == at_target
    assert {name for name, job in world.items() if job.imported} == LIVE


@pytest.mark.parametrize(("strategy", "night"), WORLDS)
def test_without_adoption_a_night_has_the_same_cadences_and_imports_nothing(strategy: str, night: int) -> None:
    world = _at(strategy, night, adopt_existing=False)
    assert _cadences(world) == _cadences(_at(strategy, night))
    assert {(job.management, job.imported) for job in world.values()} == {(Management.DECLARED, False)}


@ADOPTION
def test_a_world_is_in_the_order_of_the_catalogue(adopt_existing: bool) -> None:
    assert list(_at("phased", 3, adopt_existing=adopt_existing)) == [entity.name for entity in CATALOGUE]


def test_before_the_rollout_the_seven_live_jobs_run_by_hand() -> None:
    world = before_rollout()
    assert set(world) == LIVE
    assert {(job.management, job.imported) for job in world.values()} == {(Management.BY_HAND, True)}
    assert _cadences(world) == _cadences(_at("phased", 0))


def test_a_project_without_the_live_jobs_begins_with_none() -> None:
    assert before_rollout(adopt_existing=False) == {}


@pytest.mark.parametrize(("strategy", "night"), [("phased", 4), ("phased", -1), ("immediate", 3)])
def test_a_night_that_the_strategy_does_not_have_is_an_error(strategy: str, night: int) -> None:
    with pytest.raises(KeyError):
        _at(strategy, night)


def test_no_night_changes_the_name_of_a_job() -> None:
    names: dict[str, set[tuple[str, str]]] = {}
    for strategy, night in WORLDS:
        for name, job in _at(strategy, night).items():
            names.setdefault(name, set()).add((job.entity.name, job.entity.job_name))
    assert len(names) == 16
    assert all(len(seen) == 1 for seen in names.values())


@ADOPTION
@pytest.mark.parametrize(("strategy", "n", "m"), PAIRS)
def test_the_changes_between_two_nights_lead_from_one_to_the_other(
    strategy: str, n: int, m: int, adopt_existing: bool
) -> None:
    before, after = (_at(strategy, night, adopt_existing=adopt_existing) for night in (n, m))
    assert _applied(before, changes(before, after)) == _cadences(after)


@ADOPTION
@pytest.mark.parametrize(("strategy", "night"), WORLDS)
def test_the_changes_from_the_start_lead_to_any_night(strategy: str, night: int, adopt_existing: bool) -> None:
    before, after = before_rollout(adopt_existing=adopt_existing), _at(strategy, night, adopt_existing=adopt_existing)
    assert _applied(before, changes(before, after)) == _cadences(after)


@pytest.mark.parametrize(("strategy", "n", "m"), PAIRS)
def test_going_back_is_the_opposite_of_going_forward(strategy: str, n: int, m: int) -> None:
    opposite = {
        Action.CREATE: Action.REMOVE,
        Action.REMOVE: Action.CREATE,
        Action.SHIFT_LATER: Action.SHIFT_EARLIER,
        Action.SHIFT_EARLIER: Action.SHIFT_LATER,
        Action.UNCHANGED: Action.UNCHANGED,
    }
    there, back = changes(_at(strategy, n), _at(strategy, m)), changes(_at(strategy, m), _at(strategy, n))
    assert {(c.entity.name, c.actions, c.before, c.after) for c in back} == {
        (c.entity.name, tuple(opposite[action] for action in c.actions), c.after, c.before) for c in there
    }


@ADOPTION
@pytest.mark.parametrize(("strategy", "night"), WORLDS)
def test_deploying_the_same_night_again_changes_nothing(strategy: str, night: int, adopt_existing: bool) -> None:
    world = _at(strategy, night, adopt_existing=adopt_existing)
    found = changes(world, world)
    assert {change.actions for change in found} == {(Action.UNCHANGED,)}
    assert len(found) == len(world)
    assert stacks_of(found) == []


@pytest.mark.parametrize(
    ("strategy", "night", "stacks"),
    [
        ("phased", 0, ["phase-core", "phase-financial", "phase-labor"]),
        ("phased", 1, ["phase-financial", "phase-labor"]),
        ("phased", 2, ["phase-core", "phase-financial", "phase-labor"]),
        ("phased", 3, ["phase-reference"]),
        ("immediate", 0, ["phase-core", "phase-financial", "phase-labor"]),
        ("immediate", 1, ["phase-core", "phase-financial", "phase-labor"]),
        ("immediate", 2, ["phase-reference"]),
    ],
)
@ADOPTION
def test_a_night_deploys_the_stacks_of_the_plan(
    strategy: str, night: int, stacks: list[str], adopt_existing: bool
) -> None:
    settings = domain.night(night, strategy, adopt_existing=adopt_existing)
    assert stacks_of(changes(settings.world_before(), settings.world())) == stacks


def test_stacks_come_in_the_order_of_their_waves_whatever_the_order_of_the_changes() -> None:
    found = changes({}, _at("phased", 3))
    assert stacks_of(reversed(found)) == ["phase-core", "phase-financial", "phase-labor", "phase-reference"]


def test_night_0_adopts_the_live_jobs_and_touches_nothing_else() -> None:
    assert _actions(before_rollout(), _at("phased", 0)) == dict.fromkeys(LIVE, (Action.ADOPT,))


def test_night_0_without_adoption_creates_what_it_would_have_adopted() -> None:
    found = _actions(before_rollout(adopt_existing=False), _at("phased", 0, adopt_existing=False))
    assert found == dict.fromkeys(LIVE, (Action.CREATE,))


def test_night_2_moves_the_live_jobs_later_and_creates_locations() -> None:
    found = _actions(_at("phased", 1), _at("phased", 2))
    assert {name for name, actions in found.items() if actions == (Action.SHIFT_LATER,)} == LIVE
    assert {name for name, actions in found.items() if actions == (Action.CREATE,)} == {"locations"}
    assert {name for name, actions in found.items() if actions == (Action.UNCHANGED,)} == CRITICAL


def test_going_back_from_night_3_to_night_1_moves_earlier_and_removes() -> None:
    found = _actions(_at("phased", 3), _at("phased", 1))
    assert {name for name, actions in found.items() if actions == (Action.SHIFT_EARLIER,)} == LIVE
    assert {name for name, actions in found.items() if actions == (Action.REMOVE,)} == REFERENCE | {"locations"}


def test_a_first_deploy_of_a_later_night_adopts_and_shifts_at_once() -> None:
    found = _actions(before_rollout(), _at("phased", 2))
    assert {found[name] for name in LIVE} == {(Action.ADOPT, Action.SHIFT_LATER)}
    assert {found[name] for name in CRITICAL} == {(Action.CREATE,)}


@pytest.mark.parametrize(("strategy", "n", "m"), PAIRS)
def test_changes_are_listed_by_the_time_they_end_up_with_and_weekly_ones_last(strategy: str, n: int, m: int) -> None:
    crons = [(c.after or c.before) for c in changes(_at(strategy, n), _at(strategy, m))]
    times = [(cadence.is_weekly, cadence.minute) for cadence in crons if cadence]
    assert len(times) == len(crons)
    assert times == sorted(times)


def test_a_weekly_job_that_moves_to_an_earlier_day_and_a_later_hour_is_shifted_earlier() -> None:
    job = _at("phased", 3)["campaigns"]
    monday = Job(job.entity, Cadence.weekly("Monday", "05:00"), job.management, job.imported)
    assert _actions({"campaigns": monday}, {"campaigns": job}) == {"campaigns": (Action.SHIFT_EARLIER,)}


def test_jobs_that_stay_by_hand_are_not_adopted() -> None:
    assert set(_actions(before_rollout(), before_rollout()).values()) == {(Action.UNCHANGED,)}


def test_jobs_are_adopted_unless_it_is_said_otherwise() -> None:
    assert state_at(STRATEGIES["phased"], 0) == _at("phased", 0, adopt_existing=True)


def test_a_live_job_is_terraforms_only_from_the_night_that_adopts_it() -> None:
    late = Strategy(
        "late", (Night(number=0, title="none"), Night(number=1, title="adopt", adopts=("jobs", "locations")))
    )
    assert set(state_at(late, 0)) == set()
    assert set(state_at(late, 1)) == {"jobs"}


def test_a_catalogue_of_ones_own_takes_the_place_of_the_projects() -> None:
    only_jobs = [entity for entity in CATALOGUE if entity.name == "jobs"]
    assert list(before_rollout(catalogue=only_jobs)) == ["jobs"]
    assert list(state_at(STRATEGIES["phased"], 3, catalogue=only_jobs)) == ["jobs"]
