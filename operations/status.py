"""Whether the live jobs are what a night declares, and how their last attempts went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.attempt import NEVER, Attempt
from ingest.entity import Entity
from ingest.neighbours import Neighbour
from ingest.schedule import Cadence, ScheduleError
from ingest.settings import Settings
from ingest.text.shown import printable
from operations.adopt import other_target
from operations.cloud import jobs
from operations.errors import OperationError
from operations.neighbours import neighbours_of
from operations.terraform.declared import Declared
from operations.terraform.deployed import held_jobs

RECORD_IT = "record it with `ingest-rollout adopt --record`, then a deploy imports it"


class State(StrEnum):
    IN_SYNC = "in sync"
    MISSING = "missing"
    DRIFTED = "drifted"
    PAUSED = "paused by hand"
    NOT_ADOPTED = "not adopted yet"
    NOT_HELD = "not in the state"
    """Live although Terraform has yet to create it: a deploy was cut off, or somebody made it by hand."""
    UNMANAGED = "unmanaged"
    """Of the catalogue and live, and this night does not declare it."""
    NEIGHBOUR = "neighbour"
    """None of the catalogue's: it calls the same service, or is named after what we load."""
    UNREADABLE = "unreadable"
    """The API's answer for this job has values that are none of a job's."""


@dataclass(frozen=True)
class Difference:
    field: str
    declared: Any
    live: Any


@dataclass(frozen=True)
class JobStatus:
    """One job. Times are aware; `attempt` is None where the API's answer cannot be read."""

    job: str
    entity: str | None
    states: tuple[State, ...]
    schedule: str
    differences: tuple[Difference, ...] = ()
    attempt: Attempt | None = None
    next_run: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Held:
    """The names of the entities whose jobs Terraform's state holds; None where that is not known, and why."""

    entities: frozenset[str] | None
    note: str = ""


def held(root: Path, settings: Settings, environ: Mapping[str, str]) -> Held:
    """From the state files, on this machine or in the bucket."""
    try:
        return Held(frozenset(held_jobs(root, settings, environ)))
    except OperationError as error:
        return Held(None, f"whether a job is adopted is not known: {error}")


def statuses(
    settings: Settings, declared: Sequence[Declared], live: Mapping[str, ApiJob], state: Held
) -> list[JobStatus]:
    """The declared jobs in order, then the unmanaged ones and the neighbours, by name. `live` is by short name."""
    names = {job.name for job in declared}
    shown_as = {printable(name): job for name, job in live.items()}
    ours = sorted(settings.catalogue, key=attrgetter("job_name"))
    unmanaged = [entity for entity in ours if entity.job_name in live.keys() - names]
    return [
        *(_declared(job, live.get(job.name), settings, state.entities) for job in declared),
        *(_unmanaged(entity, live[entity.job_name], settings, state.entities) for entity in unmanaged),
        *(_neighbour(neighbour, shown_as[neighbour.job]) for neighbour in neighbours_of(live, settings)),
    ]


def exit_code(statuses: Sequence[JobStatus]) -> int:
    """As -detailed-exitcode: 0 no difference, 1 a job could not be read, 2 differences; a neighbour is none.

    A job paused by hand is a difference, also on a night that leaves `paused` alone: it does not run.
    """
    states = {state for status in statuses for state in status.states}
    if State.UNREADABLE in states:
        return 1
    return 2 if states - {State.IN_SYNC, State.NEIGHBOUR} else 0


def _declared(declared: Declared, job: ApiJob | None, settings: Settings, held: AbstractSet[str] | None) -> JobStatus:
    schedule = str(declared.fields["schedule"])
    if job is None:
        note = f"deploy night {settings.night}"
        if held is not None and declared.entity in held:
            note = f"somebody deleted it; {_undo(settings.night)} makes it again"
        elif declared.imported and held is not None:
            note = "it is to be imported and does not exist: make it again, or set adopt_existing to false"
        return JobStatus(declared.name, declared.entity, (State.MISSING,), schedule, attempt=NEVER, note=note)
    try:
        live, attempt, next_run = jobs.live(job), jobs.attempt(job), _next_run(job)
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        note = f"the API's answer for it cannot be read ({error})"
        return JobStatus(declared.name, declared.entity, (State.UNREADABLE,), schedule, note=note)
    by_hand = live["paused"] is True and declared.fields["paused"] is not True
    keys = jobs.differences(declared.fields, live, declared.ignored | ({"paused"} if by_hand else set()))
    differences = [Difference(key, *jobs.displayed(key, declared.fields[key], live[key])) for key in keys]
    if job.state not in (ApiJob.State.ENABLED, ApiJob.State.PAUSED):
        differences.append(Difference("state", "ENABLED", _state_name(job)))
    states: list[State] = []
    if held is not None and declared.entity not in held:
        states.append(State.NOT_ADOPTED if declared.imported else State.NOT_HELD)
    states += [State.DRIFTED] * bool(differences) + [State.PAUSED] * by_hand
    resumes = "paused" not in declared.ignored and declared.fields["paused"] is False
    note = _unusual(live) or _advice(states, settings.night, resumes=resumes)
    shown = tuple(states) or (State.IN_SYNC,)
    return JobStatus(declared.name, declared.entity, shown, job.schedule, tuple(differences), attempt, next_run, note)


def _unusual(live: jobs.Fields) -> str:
    """About a job that no night can declare: what it is, and what to do; "" for any other."""
    if live["target"] != jobs.HTTP:
        return other_target(live["target"])
    try:
        Cadence.verbatim(live["schedule"])
    except ScheduleError as error:
        return f"schedule: {error}"
    return ""


def _unmanaged(entity: Entity, job: ApiJob, settings: Settings, held: AbstractSet[str] | None) -> JobStatus:
    name = entity.name
    # The first night after this one that has the job.
    later = (number for number in settings.rollout.numbers if number > settings.night)
    night = next((number for number in later if name in settings.world(number)), None)
    if held and name in held:
        note = f"left from another night: a deploy of night {settings.night} removes it"
    elif night is not None:
        note = f"night {night} would create it, which ends in ALREADY_EXISTS: {RECORD_IT}"
    else:
        note = (
            f"no night of {settings.strategy} declares it: pause it if it loads data twice, or add it to the catalogue"
        )
    try:
        attempt, next_run = jobs.attempt(job), _next_run(job)
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        states = (State.UNMANAGED, State.UNREADABLE)
        return JobStatus(entity.job_name, name, states, job.schedule, note=f"{note} ({error})")
    return JobStatus(entity.job_name, name, (State.UNMANAGED,), job.schedule, (), attempt, next_run, note)


def _neighbour(neighbour: Neighbour, job: ApiJob) -> JobStatus:
    note = f"it {neighbour.why}; {neighbour.when}"
    next_run = None
    with suppress(AttributeError, OverflowError, TypeError, ValueError):
        next_run = _next_run(job)
    return JobStatus(neighbour.job, None, (State.NEIGHBOUR,), neighbour.schedule, (), jobs.attempt(job), next_run, note)


def _next_run(job: ApiJob) -> datetime | None:
    return jobs.moment(job.schedule_time) if job.state == ApiJob.State.ENABLED else None


def _state_name(job: ApiJob) -> str:
    """The enum's name, or the number of a state that this client does not know."""
    return str(getattr(job.state, "name", job.state))


def _advice(states: Sequence[State], night: int, *, resumes: bool) -> str:
    """`resumes`: whether a deploy ends a pause."""
    if State.NOT_HELD in states and len(states) > 1:
        return f"a deploy of night {night} ends in ALREADY_EXISTS: {RECORD_IT}"
    if {State.NOT_ADOPTED, State.DRIFTED} <= set(states):
        return f"a deploy of night {night} would change it while it imports it: {RECORD_IT}"
    advice = {
        State.NOT_ADOPTED: f"a deploy of night {night} imports it",
        State.NOT_HELD: f"a deploy of night {night} takes it over, it is just as declared",
        State.DRIFTED: f"find out who changed it; {_undo(night)} sets it back",
        State.PAUSED: f"find out why it was paused; {_undo(night) if resumes else 'no deploy'} resumes it",
    }
    return "; ".join(advice[state] for state in states)


def _undo(night: int) -> str:
    return f"`ingest-rollout deploy --night {night} --override plan --reason TEXT`"
