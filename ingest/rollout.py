"""The rollout as data: which jobs exist, with which cadence, at which night."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from ingest.baseline import FIELDS, Baseline, BaselineJob
from ingest.catalogue import CATALOGUE, GROUPS
from ingest.entity import Entity
from ingest.schedule import Cadence
from ingest.text import shown


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


class Strategy(NamedTuple):
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
    return Strategy(strategy.name, (*strategy.nights, night))


class Management(StrEnum):
    """How Terraform manages a job."""

    BY_HAND = "by hand"
    """Live, and unknown to Terraform."""
    ADOPTED = "adopted"
    """Imported as it was found: only what the plan states of it is declared."""
    DECLARED = "declared"
    """Every field is declared."""


@dataclass(frozen=True)
class Job:
    """An entity's Cloud Scheduler job at some night. `imported` says that it was live before the rollout.

    `authenticated`: it sends the invoker's OIDC token. `declared` is what it is, or is declared to be, as a whole; None
    where that is not known: an adopted job that was not recorded, of which only cadence and target are declared.
    `uri` and `zone` are what a live job has otherwise than the settings say.
    """

    entity: Entity
    cadence: Cadence
    management: Management
    imported: bool
    authenticated: bool = False
    declared: BaselineJob | None = None
    uri: str | None = None
    zone: str | None = None

    @property
    def sends_token(self) -> bool:
        """Whether it sends an OIDC token, the invoker's or the one that it was found with."""
        return self.authenticated or bool(self.declared and self.declared.token)


World = Mapping[str, Job]
"""The jobs that exist, by entity name, in the catalogue's order."""

Planned = Callable[[Job, BaselineJob | None], BaselineJob]
"""What a job is declared to be at its target, given how it was found, if it was."""


def before_rollout(
    *, adopt_existing: bool = True, found: Baseline | None = None, catalogue: Iterable[Entity] = CATALOGUE
) -> World:
    """The jobs made by hand: those that were `found`, and those that the plan lists as live.

    None in a project without them (`adopt_existing` off).
    """
    if not adopt_existing:
        return {}
    world = {}
    for entity in catalogue:
        recorded = (found or {}).get(entity.name)
        if cadence := Cadence.verbatim(recorded.schedule) if recorded else entity.live:
            world[entity.name] = Job(entity, cadence, Management.BY_HAND, True, declared=recorded)
    return world


def state_at(
    strategy: Strategy,
    night: int,
    *,
    adopt_existing: bool = True,
    found: Baseline | None = None,
    planned: Planned | None = None,
    catalogue: Iterable[Entity] = CATALOGUE,
) -> World:
    """The jobs that exist once `night` is deployed.

    A job that was `found` is adopted on the first night, whichever night creates it otherwise, and stays as it was
    found until that night or the one that shifts it. `planned` gives what a job is at its target; without it, that
    stays None.
    Without `adopt_existing` the adopted jobs are created instead, on the same nights with the same cadences.
    Raises KeyError for a night that the strategy does not have.
    """
    if night not in strategy.numbers:
        raise KeyError(night)
    found = found or {}
    live = before_rollout(adopt_existing=adopt_existing, found=found, catalogue=catalogue)
    done = [n for n in strategy.nights if n.number <= night]
    adopted = {name for n in done for name in n.adopts}
    authenticated = any(n.authenticates for n in done)
    at_target = {name for n in done for name in (*n.shifts, *n.creates)}
    world = {}
    for entity in catalogue:
        name = entity.name
        if name in at_target:
            job = Job(entity, entity.target, Management.DECLARED, name in live, authenticated)
        elif name in live and (name in adopted or name in found):
            job = replace(live[name], management=Management.ADOPTED)
        elif name in adopted and entity.live and not adopt_existing:
            job = Job(entity, entity.live, Management.DECLARED, False)
        else:
            continue
        if planned and job.management is Management.DECLARED:
            job = replace(job, declared=planned(job, found.get(name) if job.imported else None))
        world[name] = job
    return world


class Action(StrEnum):
    ADOPT = "adopt"
    CREATE = "create"
    SHIFT_LATER = "shift later"
    SHIFT_EARLIER = "shift earlier"
    REMOVE = "remove"
    RELEASE = "release"
    """An adopted job that no night has any more: it stays live, and Terraform forgets it."""
    ADD_OIDC = "add OIDC"
    DROP_OIDC = "drop OIDC"
    CHANGE = "change"
    """Of other fields than these; `Change.fields` names them."""
    UNCHANGED = "unchanged"


class Change(NamedTuple):
    """What happens to one job. A first deploy of a later night both adopts and shifts, hence several actions.

    `needs_identity`: it sends the invoker's token from now on, and did not before. `fields` are those that differ, by
    the names of google_cloud_scheduler_job's; `notes` say what is done to its request and whether it is paused or
    resumed, and name the other fields where nothing else happens to it. `before_zone` is the time zone of `before`
    where it changes.
    """

    entity: Entity
    actions: tuple[Action, ...]
    before: Cadence | None
    after: Cadence | None
    needs_identity: bool = False
    fields: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    before_zone: str | None = None

    @property
    def is_unchanged(self) -> bool:
        return self.actions == (Action.UNCHANGED,)


REQUEST = ("http_method", "headers", "body", "oidc_service_account_email", "oidc_audience")


def changes(before: World, after: World) -> list[Change]:
    """What leads from one world to the other, one entry for each job of either, ordered by the time it ends up with."""

    def place(name: str) -> tuple[bool, int]:
        cadence = (after.get(name) or before[name]).cadence
        return cadence.is_weekly, cadence.slot

    return [_change(before.get(name), after.get(name)) for name in sorted({**before, **after}, key=place)]


def _change(before: Job | None, after: Job | None) -> Change:
    if before and after:
        elsewhere = {"uri": before.uri, "time_zone": before.zone}
        fields = _differing(before.declared, after.declared) + tuple(key for key in elsewhere if elsewhere[key])
        actions = list(_actions(before, after, fields))
        return Change(
            after.entity,
            tuple(actions) or (Action.UNCHANGED,),
            before.cadence,
            after.cadence,
            after.authenticated and not before.authenticated,
            fields,
            (*_moves(before), *_notes(before.declared, after.declared, tells_all=Action.CHANGE in actions)),
            before.zone,
        )
    if after:
        return Change(after.entity, (Action.CREATE,), None, after.cadence, after.authenticated)
    if before:
        action = Action.RELEASE if before.imported else Action.REMOVE
        return Change(before.entity, (action,), before.cadence, None)
    raise ValueError("a change needs a job before or after it")


def _differing(before: BaselineJob | None, after: BaselineJob | None) -> tuple[str, ...]:
    """The fields that differ; none where one of the two is not known."""
    if before is None or after is None:
        return ()
    return tuple(key for key in FIELDS if getattr(before, key) != getattr(after, key))


def _actions(before: Job, after: Job, fields: tuple[str, ...]) -> Iterator[Action]:
    if before.management is Management.BY_HAND and after.management is not Management.BY_HAND:
        yield Action.ADOPT
    told = {"schedule", "oidc_service_account_email", "oidc_audience"}
    old, new = before.cadence, after.cadence
    moves = replace(old, text=None) != replace(new, text=None) or not (old.is_regular and new.is_regular)
    if old != new and moves:
        # The earlier or later time of the day, also where a job that was found weekly becomes a daily one.
        same_period = old.is_weekly is new.is_weekly
        is_later = old.slot < new.slot if same_period else old.minute < new.minute
        yield Action.SHIFT_LATER if is_later else Action.SHIFT_EARLIER
    had: object = before.authenticated
    has: object = after.authenticated
    if before.declared and after.declared:
        had, has = before.declared.token, after.declared.token
    is_other = had != has
    if is_other and has and (after.authenticated or not had):
        yield Action.ADD_OIDC
    elif is_other and (not has or before.authenticated):
        yield Action.DROP_OIDC
    elif is_other:
        told -= {"oidc_service_account_email", "oidc_audience"}
    if (old != new and not moves) or (set(fields) - told and (old == new or not moves)):
        yield Action.CHANGE


def _moves(before: Job) -> Iterator[str]:
    if before.uri:
        yield f"calls what the settings say instead of {shown.uri(before.uri)}"
    if before.zone:
        yield f"follows the settings' time zone instead of {before.zone}"


def _notes(before: BaselineJob | None, after: BaselineJob | None, *, tells_all: bool) -> Iterator[str]:
    """What is done to a job's request, and to whether it runs at all; with `tells_all` to its other fields too."""
    if before is None or after is None:
        return
    if before.http_method != after.http_method:
        yield f"calls with {after.http_method} instead of {before.http_method}"
    for key in sorted({*before.headers, *after.headers}):
        old, new = before.headers.get(key), after.headers.get(key)
        if old != new:
            yield f"{'adds' if old is None else 'drops' if new is None else 'changes'} the header {key}"
    if before.body != after.body:
        yield f"{'adds a' if before.body is None else 'drops its' if after.body is None else 'changes its'} body"
    if before.token and after.token is None:
        yield f"takes off its OIDC token of {before.token[0]}"
    elif before.token and after.token and before.token[0] != after.token[0]:
        yield f"sends the OIDC token of {after.token[0]} instead of {before.token[0]}"
    elif before.token and after.token and before.token != after.token:
        yield f"sends its OIDC token for the audience {after.token[1]} instead of {before.token[1]}"
    if before.paused != after.paused:
        yield "pauses it" if after.paused else "resumes it, it is paused"
    others = [key for key in _differing(before, after) if key not in (*REQUEST, "paused")]
    if tells_all and others:
        yield f"changes {', '.join(others)}"


def stacks_of(changes: Iterable[Change]) -> list[str]:
    """The ids of the stacks that have to be deployed for these changes: identity first, then in the waves' order."""
    changes = list(changes)
    changed = {change.entity.group for change in changes if not change.is_unchanged}
    identity = [IDENTITY_STACK] if any(change.needs_identity for change in changes) else []
    return identity + [group.stack for group in GROUPS if group.name in changed]
