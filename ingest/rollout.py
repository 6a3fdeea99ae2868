"""The rollout as data: which jobs exist, with which cadence, at which night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity
from ingest.schedule import Cadence


@dataclass(frozen=True, kw_only=True)
class Night:
    """One evening's deploy. `adopts`, `shifts` and `creates` are entity names.

    `authenticates`: from then on every job sends the invoker's OIDC token.
    """

    number: int
    title: str
    adopts: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    authenticates: bool = False


@dataclass(frozen=True)
class Strategy:
    name: str
    nights: tuple[Night, ...]

    @property
    def numbers(self) -> list[int]:
        return [night.number for night in self.nights]


FIRST_NIGHT = 0
"""Of every strategy; the rule `nights` checks it."""

_LIVE = ("jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll")
_CRITICAL = ("purchase_orders", "inventory_bills", "returns", "payroll_adjustments")
_REFERENCE = ("business_units", "technicians", "activity_codes", "campaigns")
_ADOPT = Night(number=FIRST_NIGHT, title="adopt", adopts=_LIVE)

STRATEGIES = {
    "phased": Strategy(
        "phased",
        (
            _ADOPT,
            Night(number=1, title="critical", creates=_CRITICAL),
            Night(number=2, title="shift", shifts=_LIVE, creates=("locations",)),
            Night(number=3, title="reference", creates=_REFERENCE),
        ),
    ),
    "immediate": Strategy(
        "immediate",
        (
            _ADOPT,
            Night(number=1, title="shift", shifts=_LIVE, creates=(*_CRITICAL, "locations")),
            Night(number=2, title="reference", creates=_REFERENCE),
        ),
    ),
}


IDENTITY_STACK = "ingest-identity"
"""The stack with the invoker: it has to be there before the jobs that name it."""


def with_identity(strategy: Strategy) -> Strategy:
    """The strategy with one night more, on which nothing else happens: what goes wrong then is the identity's doing."""
    night = Night(number=len(strategy.nights), title="identity", authenticates=True)
    return replace(strategy, nights=(*strategy.nights, night))


class Hold(StrEnum):
    """How Terraform holds a job."""

    BY_HAND = "by hand"
    """Live, and unknown to Terraform."""
    ADOPTED = "adopted"
    """Imported as it was found: only what the plan states of it is declared."""
    DECLARED = "declared"
    """Every field is declared."""


@dataclass(frozen=True)
class Job:
    """An entity's Cloud Scheduler job at some night. `imported` says that it was live before the rollout.

    `authenticated`: it sends the invoker's OIDC token.
    """

    entity: Entity
    cadence: Cadence
    hold: Hold
    imported: bool
    authenticated: bool = False


World = Mapping[str, Job]
"""The jobs that exist, by entity name, in the catalogue's order."""


def before_rollout(*, adopt_existing: bool = True, catalogue: Iterable[Entity] = CATALOGUE) -> World:
    """The jobs made by hand; none in a project without them (`adopt_existing` off)."""
    if not adopt_existing:
        return {}
    return {e.name: Job(e, e.live, Hold.BY_HAND, True) for e in catalogue if e.live}


def state_at(
    strategy: Strategy, night: int, *, adopt_existing: bool = True, catalogue: Iterable[Entity] = CATALOGUE
) -> World:
    """The jobs that exist once `night` is deployed.

    Without `adopt_existing` the adopted jobs are created instead, on the same nights with the same cadences.
    Raises KeyError for a night that the strategy does not have.
    """
    if night not in strategy.numbers:
        raise KeyError(night)
    done = [n for n in strategy.nights if n.number <= night]
    adopted = {name for n in done for name in n.adopts}
    authenticated = any(n.authenticates for n in done)
    at_target = {name for n in done for name in (*n.shifts, *n.creates)}
    world = {}
    for entity in catalogue:
        if entity.name in at_target:
            imported = adopt_existing and entity.name in adopted
            world[entity.name] = Job(entity, entity.target, Hold.DECLARED, imported, authenticated)
        elif entity.name in adopted and entity.live:
            hold = Hold.ADOPTED if adopt_existing else Hold.DECLARED
            world[entity.name] = Job(entity, entity.live, hold, adopt_existing)
    return world


class Action(StrEnum):
    ADOPT = "adopt"
    CREATE = "create"
    SHIFT_LATER = "shift later"
    SHIFT_EARLIER = "shift earlier"
    REMOVE = "remove"
    ADD_OIDC = "add OIDC"
    DROP_OIDC = "drop OIDC"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Change:
    """What happens to one job. A first deploy of a later night both adopts and shifts, hence several actions.

    `needs_identity`: it sends the invoker's token from now on, and did not before.
    """

    entity: Entity
    actions: tuple[Action, ...]
    before: Cadence | None
    after: Cadence | None
    needs_identity: bool = False

    @property
    def is_unchanged(self) -> bool:
        return self.actions == (Action.UNCHANGED,)


def changes(before: World, after: World) -> list[Change]:
    """What leads from one world to the other, one entry for each job of either, ordered by the time it ends up with."""

    def place(name: str) -> tuple[bool, int]:
        cadence = (after.get(name) or before[name]).cadence
        return cadence.is_weekly, cadence.slot

    return [_change(before.get(name), after.get(name)) for name in sorted({**before, **after}, key=place)]


def _change(before: Job | None, after: Job | None) -> Change:
    if before and after:
        actions = []
        if before.hold is Hold.BY_HAND and after.hold is not Hold.BY_HAND:
            actions.append(Action.ADOPT)
        if before.cadence != after.cadence:
            later = before.cadence.slot < after.cadence.slot
            actions.append(Action.SHIFT_LATER if later else Action.SHIFT_EARLIER)
        if before.authenticated != after.authenticated:
            actions.append(Action.ADD_OIDC if after.authenticated else Action.DROP_OIDC)
        needs_identity = after.authenticated and not before.authenticated
        return Change(
            after.entity, tuple(actions) or (Action.UNCHANGED,), before.cadence, after.cadence, needs_identity
        )
    if after:
        return Change(after.entity, (Action.CREATE,), None, after.cadence, after.authenticated)
    if before:
        return Change(before.entity, (Action.REMOVE,), before.cadence, None)
    raise ValueError("a change needs a job before or after it")


def stacks_of(found: Iterable[Change]) -> list[str]:
    """The ids of the stacks that have to be deployed for these changes: identity first, then in the waves' order."""
    found = list(found)
    changed = {change.entity.group for change in found if not change.is_unchanged}
    identity = [IDENTITY_STACK] if any(change.needs_identity for change in found) else []
    return identity + [group.stack for group in GROUPS if group.name in changed]
