"""Which jobs Terraform manages already, read from its state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.baseline import FIELDS, BaselineJob
from ingest.catalogue import GROUPS
from ingest.entity import Entity
from ingest.rollout import Action, Job, Management, World, changes
from ingest.schedule import Cadence, ScheduleError
from ingest.settings import Settings
from operations.errors import OperationError
from operations.terraform.state import (
    LocalStore,
    State,
    StateError,
    Store,
    UnreachableError,
    UnreadableError,
    refuse_left_behind,
    store,
)

# Google's clients are imported where they are used: `plan` and completion load this module.
if TYPE_CHECKING:
    from operations.cloud.jobs import Fields
    from operations.terraform.engine import Planned

START = "start"

_SAME = {Action.UNCHANGED, Action.CHANGE}


@dataclass(frozen=True)
class Before:
    """The world that a deploy starts from, and in words how it is known."""

    world: World
    label: str


def night_or_start(settings: Settings, text: str) -> Before:
    """What `--from` names: a night of the strategy, or "start". Raises OperationError."""
    if text == START:
        return Before(settings.world_at_start(), "before the rollout")
    numbers = settings.rollout.numbers
    if text not in map(str, numbers):
        allowed = ", ".join([START, *map(str, numbers)])
        raise OperationError(f"--from: {text!r} is not a night of strategy {settings.strategy}; allowed: {allowed}")
    return Before(settings.world(int(text)), f"night {text} is deployed")


def assumed(settings: Settings) -> Before:
    """The world when the nights are taken in order."""
    world = settings.world_before()
    label = f"night {settings.night - 1} is deployed" if settings.night else "before the rollout"
    return Before(world, label)


def from_plan(planned: Iterable[Planned], settings: Settings) -> Before:
    """The world that Terraform found live when it planned all phase stacks."""
    # One that goes to another stack is in the state of the first and imported by the other: the first counts.
    planned = sorted((r for r in planned if r.is_job), key=lambda r: not r.imports)
    live = {r.name: r for r in planned if r.before is not None}
    missing = {r.name for r in planned} - set(live)
    world = {}
    for name, job in _known({n: r.before or {} for n, r in live.items()}, settings, "the plan").items():
        world[name] = replace(job, management=Management.BY_HAND) if live[name].imports else job
    held = {name: job for name, job in world.items() if job.management is Management.DECLARED}
    start = {name: job for name, job in settings.world_at_start().items() if name not in missing}
    return Before(start | world, _label(settings, held))


def from_state(root: Path, settings: Settings, environ: Mapping[str, str] = os.environ) -> Before:
    """The world that Terraform's state holds, in state/ of `root` or in the settings' bucket.

    A bucket that cannot be asked, with the credentials in `environ`, is no reason to stop: then the night before is
    assumed, and the label says so. Raises OperationError for a state that is not Terraform's.
    """
    try:
        held = held_jobs(root, settings, environ)
    except UnreachableError as error:
        before = assumed(settings)
        return Before(
            before.world, f"assuming that {before.label}, the shared state was not read: if not so, say --from. {error}"
        )
    return Before(dict(settings.world_at_start()) | held, _label(settings, held))


def held_jobs(root: Path, settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, Job]:
    """The catalogue's jobs that Terraform's state holds, by entity.

    Raises OperationError; UnreachableError where the bucket cannot be asked.
    """
    refuse_left_behind(root, settings, [group.stack for group in GROUPS])
    states = store(root, settings, environ)
    by_stack = {group.stack: _read(states, group.stack) for group in GROUPS}
    held = dict[str, Job]()
    for stack, state in by_stack.items():
        held |= _known(_jobs(state), settings, f"{stack}.tfstate")
    return held


def stacks_with_jobs(root: Path, settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The phase stacks that the night declares jobs of, or whose state has some.

    Raises OperationError, also where those are jobs of another project or region, which Terraform would make again.
    """
    groups = {job.entity.group for job in settings.world().values()}
    states = store(root, settings, environ)
    held = {group: _jobs(states.read(group.stack)) for group in GROUPS}
    home = f"projects/{settings.project}/locations/{settings.region}/jobs/"
    ids = [str(attributes.get("id", home)) for jobs in held.values() for attributes in jobs.values()]
    if elsewhere := [name for name in ids if not name.startswith(home)]:
        raise OperationError(
            f"refused: Terraform's state has {len(elsewhere)} jobs that are not in the project {settings.project} and "
            f"the region {settings.region}, such as {elsewhere[0]}; set project and region to where they are, or give "
            "the other place a state of its own (backend_prefix)"
        )
    return [group.stack for group in GROUPS if group.name in groups or held[group]]


def _known(attributes: Mapping[str, Mapping[str, Any]], settings: Settings, place: str) -> dict[str, Job]:
    """The catalogue's jobs among those with these attributes, by entity. Raises OperationError."""
    known = {entity.name: entity for entity in settings.catalogue}
    return {name: _job(known[name], values, settings, place) for name, values in attributes.items() if name in known}


def _job(entity: Entity, attributes: Mapping[str, Any], settings: Settings, place: str) -> Job:
    try:
        cadence = Cadence.verbatim(attributes["schedule"])
    except (KeyError, TypeError, AttributeError, ScheduleError) as error:
        raise OperationError(
            f"{place}: the schedule of {entity.name} cannot be read ({error}); "
            "somebody changed the job: run `ingest-rollout diff`, or say --from"
        ) from None
    from operations.cloud import jobs

    recorded = settings.found.get(entity.name)
    fields = jobs.declared(attributes)
    uri, zone = fields["uri"], fields["time_zone"]
    return Job(
        entity,
        cadence,
        Management.DECLARED,
        imported=settings.adopt_existing and (entity.live is not None or recorded is not None),
        authenticated=_sends_token(fields, settings, recorded),
        declared=_as_declared(attributes, fields),
        uri=None if uri == settings.uri(entity) else uri,
        zone=None if zone == settings.time_zone else zone,
    )


def _read(states: Store, stack: str) -> State | None:
    """Raises UnreachableError for a bucket that cannot be asked."""
    try:
        return states.read(stack)
    except UnreadableError:
        raise
    except StateError as error:
        if isinstance(states, LocalStore):
            raise
        raise UnreachableError(str(error)) from None


def _sends_token(fields: Fields, settings: Settings, recorded: BaselineJob | None) -> bool:
    """Whether the job sends the invoker's token; one that was found with another's is not of the rollout's doing.

    Without an invoker set, such as in an older checkout, any other token is one that a deploy would take away.
    """
    email = fields["oidc_service_account_email"]
    if settings.invoker_service_account:
        return bool(email == settings.invoker_service_account)
    return email is not None and email != (recorded and recorded.oidc_service_account_email)


def _as_declared(attributes: Mapping[str, Any], fields: Fields) -> BaselineJob | None:
    """The whole job; None where the state has less of it, as after an import of which nothing was known."""
    if not (attributes.get("retry_config") and fields["http_method"] and fields["attempt_deadline"]):
        return None
    return BaselineJob(**{key: fields[key] for key in FIELDS} | {"paused": bool(fields["paused"])})


def _label(settings: Settings, held: World) -> str:
    if not held:
        return "before the rollout"
    for number in settings.rollout.numbers:
        # A changed setting, such as the number of retries, makes no other night.
        if all(set(each.actions) <= _SAME for each in changes(held, settings.world(number))):
            return f"night {number} is deployed"
    return (
        "the deployed jobs match no night: an earlier deploy stopped half way, a time was changed, "
        "or another strategy was used"
    )


def _jobs(state: State | None) -> dict[str, dict[str, Any]]:
    """The Cloud Scheduler jobs of one state, by resource name."""
    try:
        return {
            resource["name"]: resource["instances"][0]["attributes"]
            for resource in (state.resources if state else [])
            if resource["type"] == "google_cloud_scheduler_job" and resource["instances"]
        }
    except (KeyError, TypeError, IndexError) as error:
        raise UnreadableError(f"{state.place if state else ''}: cannot be read as Terraform state ({error})") from None
