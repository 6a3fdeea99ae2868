"""What must hold of the catalogue and the rollout before anything is synthesized.

Each rule yields problems, and its docstring is its reason; `problems` gathers those of all rules, so that one report
shows everything.
The order of waves is asked of the target schedule only: the live jobs of nights 0 and 1 run as they were found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity, Group
from ingest.limits import DESCRIPTION_LIMIT, NAME_LIMIT, URI_LIMIT
from ingest.rollout import STRATEGIES, Job, Management, Strategy, World, state_at
from ingest.schedule import DAY_MINUTES, WEEKDAYS, Cadence
from ingest.settings import Settings

GAP_MINUTES = 5
"""Neighbours in a wave start at least this far apart."""


class Problem(NamedTuple):
    rule: str
    text: str

    def __str__(self) -> str:
        place = "rollout" if self.rule in ("nights", "complete-rollout") else "catalogue"
        return f"{self.text} [{self.rule}, ingest/{place}.py]"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the rules look at. `settings` gives names their full length; the defaults are the project's own data."""

    settings: Settings
    catalogue: Sequence[Entity] = CATALOGUE
    groups: Sequence[Group] = GROUPS
    strategies: Sequence[Strategy] = tuple(STRATEGIES.values())

    def group(self, name: str) -> Group | None:
        return next((g for g in self.groups if g.name == name), None)

    @cached_property
    def moves(self) -> Mapping[str, str]:
        """By entity, what to do with a target that breaks a rule; it is right when all of it is done."""
        placed: list[Entity] = []
        moves: dict[str, str] = {}
        for entity in sorted(self.catalogue, key=lambda entity: entity.target.slot):
            group = self.group(entity.group)
            if group and _is_in(entity.target, group) and _is_free(entity, replace(self, catalogue=placed)):
                placed.append(entity)
        for entity in self.catalogue:
            group = self.group(entity.group)
            if entity in placed or group is None:
                continue
            free = next((e for e in _places(entity, group) if _is_free(e, replace(self, catalogue=placed))), None)
            if free:
                placed.append(free)
            moves[entity.name] = f"move it to {free.target.clock}" if free else _full(group, placed)
        return moves

    def move(self, entity: Entity, other: Entity | None = None) -> str:
        """What to do with the entity, or with the one that is in its way."""
        if entity.name not in self.moves and other and other.name in self.moves:
            return self.moves[other.name].replace("move it", f"move {other.name}")
        return self.moves.get(entity.name, "move it away from there")


def problems(plan: Plan) -> list[Problem]:
    """Every violation of every rule, in the order of the rules."""
    return [Problem(rule.__name__.replace("_", "-"), text) for rule in RULES for text in dict.fromkeys(rule(plan))]


def duplicate_names(plan: Plan) -> Iterator[str]:
    """Two jobs of one name cannot exist in a project and region."""
    for name, count in Counter(e.name for e in plan.catalogue).items():
        if count > 1:
            yield f"{name}: is {count} times in the catalogue; an entity has one row, remove the others"
    owners: dict[str, str] = {}
    for entity in plan.catalogue:
        owner = owners.setdefault(entity.job_name, entity.name)
        if owner != entity.name:
            yield f"{entity.name}: its job {entity.job_name} is also that of {owner}; rename one of them"


def unknown_group(plan: Plan) -> Iterator[str]:
    """A group is a stack: an entity without one is deployed by none."""
    known = ", ".join(g.name for g in plan.groups)
    for entity in plan.catalogue:
        if plan.group(entity.group) is None:
            yield f"{entity.name}: group {entity.group!r} is not known; allowed: {known}"
    for group in plan.groups:
        for earlier in group.after:
            if plan.group(earlier) is None:
                yield f"group {group.name}: comes after {earlier!r}, which is not known; allowed: {known}"


def limits(plan: Plan) -> Iterator[str]:
    """Cloud Scheduler refuses longer names, descriptions and URIs, and would do so in the middle of a deploy."""
    settings = plan.settings
    for entity in plan.catalogue:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", entity.name):
            yield f"{entity.name!r}: an entity's name is lower case letters, digits and _, beginning with a letter"
        for what, text, limit in (
            ("job name", entity.job_name, NAME_LIMIT),
            ("description", entity.description(entity.target, settings.time_zone), DESCRIPTION_LIMIT),
            ("URI", settings.uri(entity), URI_LIMIT),
        ):
            if len(text) > limit:
                yield (
                    f"{entity.name[:40]}: its {what} has {len(text)} characters, "
                    f"Cloud Scheduler allows {limit}; shorten it"
                )


def outside_wave(plan: Plan) -> Iterator[str]:
    """A wave is the time in which the service and the warehouse work for one group."""
    for wave in plan.groups:
        if wave.weekday not in (None, *range(7)):
            yield f"group {wave.name}: weekday {wave.weekday}; allowed are 0 (Sunday) to 6, or none for daily"
    for entity in plan.catalogue:
        group = plan.group(entity.group)
        if group is None or group.weekday not in (None, *range(7)):
            continue
        if entity.target.weekday != group.weekday:
            wanted = "daily" if group.weekday is None else f"on {WEEKDAYS[group.weekday]}s"
            yield f"{entity.name}: runs {entity.target.clock}; jobs of {group.name} run {wanted}, {plan.move(entity)}"
        elif not _is_in(entity.target, group):
            until = f", before {group.closes:%H:%M}" if group.closes else ""
            yield (
                f"{entity.name}: starts {entity.target.at:%H:%M}, outside the wave of {group.name} "
                f"(from {group.opens:%H:%M} on{until}); {plan.move(entity)}"
            )


def before_dependency(plan: Plan) -> Iterator[str]:
    """What is loaded before its parents joins with yesterday's rows. Asked of target times only."""
    for entity in plan.catalogue:
        group = plan.group(entity.group)
        needed = [e for e in plan.catalogue if group and e.group in group.after]
        last = max(needed, key=lambda e: e.target.minute, default=None)
        if last and last.target.minute >= entity.target.minute:
            yield (
                f"{entity.name}: starts {entity.target.at:%H:%M}, not after {last.name} at {last.target.at:%H:%M}; "
                f"{entity.group} needs {last.group}, {plan.move(entity, last)}"
            )


def gap(plan: Plan) -> Iterator[str]:
    """Ingests that start together compete for the service. On every night, neighbours start 5 minutes apart."""
    for world in _worlds(plan):
        for weekly in (False, True):
            jobs = sorted((j for j in world.values() if j.cadence.is_weekly is weekly), key=lambda j: j.cadence.slot)
            for earlier, later in pairwise(jobs):
                minutes = later.cadence.slot - earlier.cadence.slot
                if minutes < GAP_MINUTES:
                    how_far = f"{minutes} min after" if minutes else "in the slot of"
                    advice = "correct when it is live, or move the live job"
                    if later.cadence == later.entity.target:
                        advice = plan.move(later.entity, earlier.entity)
                    yield (
                        f"{later.entity.name}: starts {later.cadence.clock}, {how_far} {earlier.entity.name}; "
                        f"jobs of a wave need {GAP_MINUTES} min, {advice}"
                    )


def weekly_collision(plan: Plan) -> Iterator[str]:
    """A weekly job shares its day with the daily ones."""
    for world in _worlds(plan):
        for weekly in (j for j in world.values() if j.cadence.is_weekly):
            for daily in (j for j in world.values() if not j.cadence.is_weekly):
                if _collide(weekly.cadence, daily.cadence):
                    yield (
                        f"{weekly.entity.name}: runs {weekly.cadence.clock}, within {GAP_MINUTES} min of the daily "
                        f"{daily.entity.name} at {daily.cadence.clock}; {plan.move(weekly.entity, daily.entity)}"
                    )


def nights(plan: Plan) -> Iterator[str]:
    """Going back and the gate count nights from 0, without a hole."""
    for strategy in plan.strategies:
        if strategy.numbers != list(range(len(strategy.nights))):
            numbers = ", ".join(map(str, strategy.numbers))
            yield f"{strategy.name}: its nights are {numbers}; they must be 0, 1, 2 and so on, without a hole"


def complete_rollout(plan: Plan) -> Iterator[str]:
    """Each entity enters once, moves once at the most, and ends at its target."""
    known = {e.name: e for e in plan.catalogue}
    for strategy in plan.strategies:
        entered: set[str] = set()
        moved: set[str] = set()
        for night in strategy.nights:
            where = f"{strategy.name} night {night.number}"
            for name in (*night.adopts, *night.shifts, *night.creates):
                if name not in known:
                    yield f"{where}: {name!r} is not in the catalogue"
            for name in night.adopts if night is not strategy.nights[0] else ():
                yield f"{where}: {name} is adopted late; adopt all live jobs on the first night"
            for name in (*night.adopts, *night.creates):
                if name in entered:
                    yield f"{where}: {name} enters a second time; leave it to the first night only"
                entered.add(name)
            for name in (*night.adopts, *night.shifts):
                if name in known and not known[name].live:
                    yield f"{where}: {name} has no live job; list it under creates"
            for name in night.creates:
                if name in known and known[name].live:
                    yield f"{where}: {name} is live already, a create would end in 409; list it under adopts and shifts"
            for name in night.shifts:
                if name not in entered:
                    yield f"{where}: {name} is shifted before it is adopted; adopt it on this night or an earlier one"
                if name in moved:
                    yield f"{where}: {name} is shifted a second time; leave it to the first night only"
                moved.add(name)
        for entity in plan.catalogue:
            if entity.name not in entered:
                yield f"{strategy.name}: {entity.name} enters on no night; add it to one"
            elif entity.live and entity.name not in moved:
                yield f"{strategy.name}: {entity.name} is never shifted to its target; add it to a night's shifts"


def _is_free(entity: Entity, plan: Plan) -> bool:
    """Whether its target breaks no rule among the others, their live times included."""
    group = plan.group(entity.group)
    after = [other for other in plan.catalogue if group and other.group in group.after]
    waiting = [other for other in plan.catalogue if (its := plan.group(other.group)) and entity.group in its.after]
    taken = [cadence for other in plan.catalogue for cadence in (other.target, other.live) if cadence]
    return (
        all(other.target.minute < entity.target.minute for other in after)
        and all(other.target.minute > entity.target.minute for other in waiting)
        and not any(_collide(entity.target, cadence) for cadence in taken)
    )


def _is_in(target: Cadence, group: Group) -> bool:
    """Whether it is in the group's wave."""
    return (
        target.weekday == group.weekday
        and group.opens <= target.at
        and not (group.closes and target.at >= group.closes)
    )


def _places(entity: Entity, group: Group) -> Iterator[Entity]:
    """The entity at the times of its wave: those 5 minutes apart before the others, near its own first."""
    if group.weekday not in (None, *range(7)):
        return
    opens, closes = _wave(group)
    now = entity.target.minute
    for minute in sorted(
        range(opens, closes - GAP_MINUTES + 1),
        key=lambda minute: ((minute - opens) % GAP_MINUTES > 0, abs(minute - now)),
    ):
        yield replace(entity, target=Cadence(time(minute // 60, minute % 60), group.weekday))


def _wave(group: Group) -> tuple[int, int]:
    """Minutes from midnight."""
    closes = group.closes.hour * 60 + group.closes.minute if group.closes else DAY_MINUTES
    return group.opens.hour * 60 + group.opens.minute, closes


def _full(group: Group, placed: Sequence[Entity]) -> str:
    opens, closes = _wave(group)
    places = (closes - opens) // GAP_MINUTES
    if sum(entity.group == group.name for entity in placed) >= places:
        return f"{group.name} has {places} places, all taken: widen its wave"
    return f"no {GAP_MINUTES} min of {group.name} are free: move its jobs closer together, or widen its wave"


def _collide(cadence: Cadence, other: Cadence) -> bool:
    """Whether they start less than the gap apart, on a day that both run on."""
    if cadence.is_weekly is other.is_weekly:
        return abs(cadence.slot - other.slot) < GAP_MINUTES
    apart = abs(cadence.minute - other.minute)
    return min(apart, DAY_MINUTES - apart) < GAP_MINUTES


def _worlds(plan: Plan) -> Iterator[World]:
    """The target schedule first, then each night's, so that a finding names the final times where it can."""
    yield {e.name: Job(e, e.target, Management.DECLARED, False) for e in plan.catalogue}
    for strategy in plan.strategies:
        for night in reversed(strategy.nights):
            yield state_at(strategy, night.number, catalogue=plan.catalogue)


RULES: tuple[Callable[[Plan], Iterator[str]], ...] = (
    duplicate_names,
    unknown_group,
    limits,
    outside_wave,
    before_dependency,
    gap,
    weekly_collision,
    nights,
    complete_rollout,
)
