"""The rules: the committed plan keeps all of them, and each of them reports what breaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time
from itertools import combinations
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity, Group
from ingest.rollout import STRATEGIES, Night, Strategy
from ingest.rules import RULES, Plan, Problem, problems
from ingest.schedule import Cadence
from tests.given.domain import AT, SETTINGS, cadences

T = TypeVar("T")

COMMITTED = Plan(settings=SETTINGS)
PHASED = STRATEGIES["phased"]


def _target(name: str, cadence: Cadence) -> Plan:
    return _entity(name, target=cadence)


def _at(name: str, at: str) -> Plan:
    return _target(name, Cadence.daily(at))


def _entity(name: str, /, **values: object) -> Plan:
    return replace(COMMITTED, catalogue=[replace(e, **values) if e.name == name else e for e in CATALOGUE])  # type: ignore[arg-type]


def _group(name: str, /, **values: object) -> Plan:
    return replace(COMMITTED, groups=[replace(g, **values) if g.name == name else g for g in GROUPS])  # type: ignore[arg-type]


def _without(name: str) -> Plan:
    return replace(COMMITTED, catalogue=[entity for entity in CATALOGUE if entity.name != name])


def _nights(*nights: Night) -> Plan:
    return replace(COMMITTED, strategies=[Strategy("phased", nights)])


def _night(number: int, /, **values: object) -> Plan:
    return _nights(*(replace(n, **values) if n.number == number else n for n in PHASED.nights))  # type: ignore[arg-type]


def _texts(plan: Plan, rule: str | None = None) -> list[str]:
    return [problem.text for problem in problems(plan) if rule in (None, problem.rule)]


def test_the_committed_plan_has_no_problems() -> None:
    assert problems(COMMITTED) == []


TIMES = ("outside-wave", "before-dependency", "gap", "weekly-collision")

BROKEN: list[tuple[str, Plan, list[str]]] = [
    (
        "duplicate-names",
        replace(COMMITTED, catalogue=[*CATALOGUE, CATALOGUE[0]]),
        ["jobs: is 2 times in the catalogue; an entity has one row, remove the others"],
    ),
    (
        "duplicate-names",
        replace(
            COMMITTED,
            catalogue=[*CATALOGUE, Entity(name="purchase-orders", group="financial", target=Cadence.daily("04:59"))],
        ),
        ["purchase-orders: its job v2-sync-purchase-orders-daily is also that of purchase_orders; rename one of them"],
    ),
    (
        "unknown-group",
        _entity("returns", group="finance"),
        ["returns: group 'finance' is not known; allowed: core, financial, labor, reference"],
    ),
    (
        "unknown-group",
        _group("labor", after=("core", "hr")),
        ["group labor: comes after 'hr', which is not known; allowed: core, financial, labor, reference"],
    ),
    (
        "limits",
        _entity("jobs", name="Jobs!"),
        ["'Jobs!': an entity's name is lower case letters, digits and _, beginning with a letter"],
    ),
    (
        "limits",
        _entity("jobs", name="1jobs"),
        ["'1jobs': an entity's name is lower case letters, digits and _, beginning with a letter"],
    ),
    (
        "limits",
        _entity("jobs", name="a" * 490),
        [
            f"{'a' * 40}: its job name has 504 characters, Cloud Scheduler allows 500; shorten it",
            f"{'a' * 40}: its description has 547 characters, Cloud Scheduler allows 500; shorten it",
        ],
    ),
    (
        "limits",
        replace(COMMITTED, settings=replace(SETTINGS, base_url="https://x/" + "p" * 2045), catalogue=CATALOGUE[:1]),
        ["jobs: its URI has 2084 characters, Cloud Scheduler allows 2083; shorten it"],
    ),
    (
        "outside-wave",
        _at("returns", "05:20"),
        ["returns: starts 05:20, outside the wave of financial (from 04:30 on, before 05:00); move it to 04:55"],
    ),
    (
        "outside-wave",
        _at("jobs", "03:59"),
        ["jobs: starts 03:59, outside the wave of core (from 04:00 on, before 04:30); move it to 04:00"],
    ),
    (
        "outside-wave",
        _at("returns", "05:00"),
        ["returns: starts 05:00, outside the wave of financial (from 04:30 on, before 05:00); move it to 04:55"],
    ),
    (
        "outside-wave",
        _target("campaigns", Cadence.weekly("Sunday", "05:55")),
        ["campaigns: starts 05:55, outside the wave of reference (from 06:00 on); move it to Sun 06:15"],
    ),
    (
        "outside-wave",
        _target("campaigns", Cadence.weekly("Monday", "06:15")),
        ["campaigns: runs Mon 06:15; jobs of reference run on Sundays, move it to Sun 06:15"],
    ),
    (
        "outside-wave",
        _at("campaigns", "06:15"),
        ["campaigns: runs 06:15; jobs of reference run on Sundays, move it to Sun 06:15"],
    ),
    (
        "outside-wave",
        _target("returns", Cadence.weekly("Friday", "04:55")),
        ["returns: runs Fri 04:55; jobs of financial run daily, move it to 04:55"],
    ),
    (
        "outside-wave",
        _group("reference", weekday=7),
        ["group reference: weekday 7; allowed are 0 (Sunday) to 6, or none for daily"],
    ),
    (
        "outside-wave",
        _group("reference", weekday=6),
        [
            "business_units: runs Sun 06:00; jobs of reference run on Saturdays, move it to Sat 06:00",
            "technicians: runs Sun 06:05; jobs of reference run on Saturdays, move it to Sat 06:05",
            "activity_codes: runs Sun 06:10; jobs of reference run on Saturdays, move it to Sat 06:10",
            "campaigns: runs Sun 06:15; jobs of reference run on Saturdays, move it to Sat 06:15",
        ],
    ),
    (
        "before-dependency",
        _at("invoices", "04:15"),
        [f"invoices: starts 04:15, not after locations at {AT['locations']}; financial needs core, move it to 04:30"],
    ),
    (
        "before-dependency",
        _at("payroll", "04:12"),
        [f"payroll: starts 04:12, not after locations at {AT['locations']}; labor needs core, move it to 05:00"],
    ),
    (
        "gap",
        _at("payments", "04:38"),
        ["payments: starts 04:38, 3 min after estimates; jobs of a wave need 5 min, move it to 04:40"],
    ),
    (
        "gap",
        _at("payments", "04:35"),
        ["payments: starts 04:35, in the slot of estimates; jobs of a wave need 5 min, move it to 04:40"],
    ),
    (
        "gap",
        _target("campaigns", Cadence.weekly("Sunday", "06:14")),
        ["campaigns: starts Sun 06:14, 4 min after activity_codes; jobs of a wave need 5 min, move it to Sun 06:15"],
    ),
    (
        "gap",
        _entity("payments", live=Cadence.daily("02:31")),
        [
            "payments: starts 02:31, 1 min after estimates; jobs of a wave need 5 min, correct when it is live, or "
            "move the live job"
        ],
    ),
    (
        "weekly-collision",
        _target("business_units", Cadence.weekly("Sunday", "05:09")),
        [
            "business_units: runs Sun 05:09, within 5 min of the daily payroll_adjustments at 05:05; "
            "move it to Sun 06:00"
        ],
    ),
    (
        "nights",
        _nights(*PHASED.nights[:2], *PHASED.nights[3:]),
        ["phased: its nights are 0, 1, 3; they must be 0, 1, 2 and so on, without a hole"],
    ),
    (
        "nights",
        _nights(*PHASED.nights[:3], replace(PHASED.nights[3], number=2)),
        ["phased: its nights are 0, 1, 2, 2; they must be 0, 1, 2 and so on, without a hole"],
    ),
    (
        "nights",
        _nights(*reversed(PHASED.nights)),
        ["phased: its nights are 3, 2, 1, 0; they must be 0, 1, 2 and so on, without a hole"],
    ),
    (
        "complete-rollout",
        _night(3, creates=("business_units", "technicians", "activity_codes", "campaigns", "campaign")),
        ["phased night 3: 'campaign' is not in the catalogue"],
    ),
    (
        "complete-rollout",
        _night(3, creates=("business_units", "technicians", "activity_codes")),
        ["phased: campaigns enters on no night; add it to one"],
    ),
    (
        "complete-rollout",
        _night(3, creates=("business_units", "technicians", "activity_codes", "campaigns", "returns")),
        ["phased night 3: returns enters a second time; leave it to the first night only"],
    ),
    (
        "complete-rollout",
        _night(1, adopts=("jobs",)),
        [
            "phased night 1: jobs is adopted late; adopt all live jobs on the first night",
            "phased night 1: jobs enters a second time; leave it to the first night only",
        ],
    ),
    (
        "complete-rollout",
        _night(0, adopts=(*PHASED.nights[0].adopts, "locations")),
        [
            "phased night 0: locations has no live job; list it under creates",
            "phased night 2: locations enters a second time; leave it to the first night only",
        ],
    ),
    (
        "complete-rollout",
        _night(3, shifts=("returns",)),
        ["phased night 3: returns has no live job; list it under creates"],
    ),
    (
        "complete-rollout",
        _night(0, adopts=tuple(n for n in PHASED.nights[0].adopts if n != "jobs"), creates=("jobs",)),
        ["phased night 0: jobs is live already, a create would end in 409; list it under adopts and shifts"],
    ),
    (
        "complete-rollout",
        _night(0, adopts=tuple(n for n in PHASED.nights[0].adopts if n != "jobs")),
        [
            "phased night 2: jobs is shifted before it is adopted; adopt it on this night or an earlier one",
            "phased: jobs enters on no night; add it to one",
        ],
    ),
    (
        "complete-rollout",
        _night(3, shifts=("jobs",)),
        ["phased night 3: jobs is shifted a second time; leave it to the first night only"],
    ),
    (
        "complete-rollout",
        _night(2, shifts=tuple(n for n in PHASED.nights[2].shifts if n != "jobs")),
        ["phased: jobs is never shifted to its target; add it to a night's shifts"],
    ),
    (
        "complete-rollout",
        _without("campaigns"),
        [
            "phased night 3: 'campaigns' is not in the catalogue",
            "immediate night 2: 'campaigns' is not in the catalogue",
        ],
    ),
]


@pytest.mark.parametrize(("rule", "plan", "texts"), BROKEN, ids=[f"{rule}-{n}" for n, (rule, *_) in enumerate(BROKEN)])
def test_a_broken_plan_is_reported_with_what_to_do(rule: str, plan: Plan, texts: list[str]) -> None:
    assert _texts(plan, rule) == texts


def test_each_rule_is_broken_by_one_of_the_plans_above() -> None:
    assert {rule.__name__.replace("_", "-") for rule in RULES} == {rule for rule, *_ in BROKEN}


@pytest.mark.parametrize(
    "plan",
    [
        _at("locations", "04:25"),
        _at("payroll_adjustments", "05:14"),
        _target("campaigns", Cadence.weekly("Sunday", "23:50")),
        _target("campaigns", Cadence.weekly("Sunday", "06:20")),
        _entity("payments", live=Cadence.daily("02:35")),
    ],
)
def test_what_lies_on_the_edge_of_a_rule_is_allowed(plan: Plan) -> None:
    assert problems(plan) == []


def test_names_and_texts_may_be_as_long_as_cloud_scheduler_takes_them() -> None:
    longest = _entity("jobs", name="a" * 486)
    assert not any("its job name" in text for text in _texts(longest, "limits"))
    assert any("its job name" in text for text in _texts(_entity("jobs", name="a" * 487), "limits"))
    url = replace(SETTINGS, base_url="https://x/" + "p" * 2044)
    assert _texts(replace(COMMITTED, settings=url, catalogue=CATALOGUE[:1]), "limits") == []


def test_a_description_counts_with_the_name_of_its_zone() -> None:
    fits, too_long = (_entity("jobs", name="a" * n) for n in (443, 444))
    assert _texts(fits, "limits") == []
    assert len(_texts(too_long, "limits")) == 1
    elsewhere = replace(fits, settings=replace(SETTINGS, time_zone="America/Argentina/Buenos_Aires"))
    assert len(_texts(elsewhere, "limits")) == 1


@pytest.mark.parametrize(("weekly", "collides"), [("23:57", True), ("23:56", True), ("23:55", False)])
def test_a_weekly_job_before_midnight_may_collide_with_a_daily_one_after_it(weekly: str, collides: bool) -> None:
    nightly = Entity(name="nightly", group="core", target=Cadence.daily("00:00"))
    catalogue = [nightly, *_target("campaigns", Cadence.weekly("Saturday", weekly)).catalogue]
    rollout = Strategy("one", (Night(number=0, title="", creates=("nightly", "campaigns")),))
    plan = replace(COMMITTED, catalogue=catalogue, strategies=[rollout])
    assert bool(_texts(plan, "weekly-collision")) is collides


def test_a_weekly_job_near_a_daily_one_collides_but_is_no_neighbour_in_its_wave() -> None:
    plan = _target("business_units", Cadence.weekly("Sunday", "05:09"))
    assert [problem.rule for problem in problems(plan)] == ["outside-wave", "weekly-collision"]


def test_a_free_time_is_in_the_wave_and_not_past_midnight() -> None:
    catalogue = [
        Entity(name=name, group="late", target=Cadence.daily(at)) for name, at in (("one", "23:57"), ("two", "23:59"))
    ]
    rollout = Strategy("one", (Night(number=0, title="", creates=("one", "two")),))
    late = Group(name="late", opens=time(23))
    plan = replace(COMMITTED, catalogue=catalogue, groups=[late], strategies=[rollout])
    assert _texts(plan) == ["two: starts 23:59, 2 min after one; jobs of a wave need 5 min, move it to 23:50"]


def test_a_violation_that_holds_on_several_nights_is_told_once() -> None:
    assert len(_texts(_at("payments", "04:38"))) == 1


def test_all_violations_are_told_together_in_the_order_of_the_rules() -> None:
    plan = replace(
        _at("payments", "04:38"),
        groups=[replace(g, after=("core", "hr")) if g.name == "labor" else g for g in GROUPS],
        strategies=[Strategy("phased", PHASED.nights[:3])],
    )
    assert [problem.rule for problem in problems(plan)] == ["unknown-group", "gap", *["complete-rollout"] * 4]


def test_a_problem_reads_as_its_text_and_the_rule_it_breaks() -> None:
    assert str(Problem("gap", "payments: starts 04:38")) == "payments: starts 04:38 [gap, ingest/catalogue.py]"
    assert str(Problem("nights", "a hole")) == "a hole [nights, ingest/rollout.py]"


def test_when_a_wave_is_full_it_says_so() -> None:
    more = Entity(name="memberships", group="financial", target=Cadence.daily("04:52"))
    full = "jobs of a wave need 5 min, financial has 6 places, all taken: widen its wave"

    assert _texts(replace(COMMITTED, catalogue=[*CATALOGUE, more]), "gap") == [
        f"memberships: starts 04:52, 2 min after inventory_bills; {full}",
        f"returns: starts 04:55, 3 min after memberships; {full}",
    ]


@given(
    st.dictionaries(
        st.sampled_from([e.name for e in CATALOGUE]),
        st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None)),
        max_size=6,
    )
)
def test_what_is_advised_is_right_when_all_of_it_is_done(times: dict[str, time]) -> None:
    def at(entity: Entity, moment: time) -> Entity:
        return replace(entity, target=Cadence(moment, entity.target.weekday))

    plan = replace(COMMITTED, catalogue=[at(e, times.get(e.name, e.target.at)) for e in CATALOGUE])
    done = {name: text.split()[-1] for name, text in plan.moves.items()}
    assert not [text for rule in TIMES for text in _texts(plan, rule) if "move it away" in text]
    if any("widen" in text for text in plan.moves.values()):
        return
    moved = replace(
        plan, catalogue=[at(e, time.fromisoformat(done[e.name])) if e.name in done else e for e in plan.catalogue]
    )
    assert [text for rule in TIMES for text in _texts(moved, rule)] == []


names = st.sampled_from([*(e.name for e in CATALOGUE), "purchase-orders", "Jobs", "", "é", "a" * 600])
group_names = st.sampled_from([*(g.name for g in GROUPS), "nowhere", ""])
entities = st.builds(Entity, name=names, group=group_names, target=cadences, live=st.none() | cadences)
groups = st.builds(
    Group,
    name=group_names,
    opens=st.times(),
    closes=st.none() | st.times(),
    weekday=st.none() | st.integers(-9, 9),
    after=st.lists(group_names, max_size=2).map(tuple),
)


def _some(of: st.SearchStrategy[str], most: int = 6) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(of, max_size=most).map(tuple)


hostile_nights = st.builds(
    Night,
    number=st.integers(-1, 5),
    title=st.just("hostile"),
    adopts=_some(names),
    shifts=_some(names),
    creates=_some(names),
)
strategies = st.builds(Strategy, st.sampled_from(["phased", "other"]), st.lists(hostile_nights, max_size=5).map(tuple))


def _mixed_with(committed: Sequence[T], hostile: st.SearchStrategy[T]) -> st.SearchStrategy[list[T]]:
    return st.lists(st.one_of(st.sampled_from(committed), hostile), max_size=20)


@given(
    _mixed_with(CATALOGUE, entities), _mixed_with(GROUPS, groups), _mixed_with(tuple(STRATEGIES.values()), strategies)
)
def test_no_plan_however_broken_stops_the_report(
    catalogue: list[Entity], groups: list[Group], strategies: list[Strategy]
) -> None:
    for problem in problems(replace(COMMITTED, catalogue=catalogue, groups=groups, strategies=strategies)):
        assert problem.text
        assert "\n" not in str(problem)


@given(st.lists(st.integers(0, 59), min_size=2, max_size=6), st.booleans())
def test_a_gap_is_reported_exactly_when_two_jobs_are_closer_than_five_minutes(minutes: list[int], weekly: bool) -> None:
    catalogue = [
        Entity(name=f"e{n}", group="core", target=Cadence(time(4, minute), 0 if weekly else None))
        for n, minute in enumerate(minutes)
    ]
    rollout = Strategy("one", (Night(number=0, title="", creates=tuple(e.name for e in catalogue)),))
    plan = replace(COMMITTED, catalogue=catalogue, strategies=[rollout])
    too_close = any(abs(one - other) < 5 for one, other in combinations(minutes, 2))
    assert bool(_texts(plan, "gap")) is too_close


@given(st.sampled_from(CATALOGUE), cadences)
def test_a_target_that_passes_all_rules_lies_in_its_wave_and_after_what_it_needs(
    entity: Entity, cadence: Cadence
) -> None:
    plan = _target(entity.name, cadence)
    group = next(g for g in GROUPS if g.name == entity.group)
    if problems(plan) == []:
        assert cadence.weekday == group.weekday
        assert group.opens <= cadence.at
        assert group.closes is None or cadence.at < group.closes
