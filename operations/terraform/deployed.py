"""Which jobs Terraform manages already, read from its state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.baseline import BaselineJob
from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import Action, Hold, Job, World, changes
from ingest.schedule import Cadence, ScheduleError
from ingest.settings import Settings
from operations.cloud.jobs import RETRY
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
    known = {entity.name: entity for entity in CATALOGUE}
    held = {}
    for group in GROUPS:
        for name, attributes in _jobs(by_stack[group.stack]).items():
            if entity := known.get(name):
                try:
                    cadence = Cadence.verbatim(attributes["schedule"])
                except (KeyError, TypeError, AttributeError, ScheduleError) as error:
                    raise OperationError(
                        f"{group.stack}.tfstate: the schedule of {name} cannot be read ({error}); "
                        "somebody changed the job: run `ingest-rollout diff`, or say --from"
                    ) from None
                found = settings.found.get(name)
                imported = settings.adopt_existing and (entity.live is not None or found is not None)
                authenticated = _sends_token(attributes, settings, found)
                held[name] = Job(entity, cadence, Hold.DECLARED, imported, authenticated, _as_declared(attributes))
    return held


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


def _sends_token(attributes: dict[str, Any], settings: Settings, as_found: BaselineJob | None) -> bool:
    """Whether the job sends the invoker's token; one that was found with another's is not of the rollout's doing.

    Without an invoker set, such as in an older checkout, any other token is one that a deploy would take away.
    """
    tokens = [token for target in attributes.get("http_target") or [] for token in target.get("oidc_token") or []]
    emails = [token.get("service_account_email") for token in tokens]
    if settings.invoker_service_account:
        return settings.invoker_service_account in emails
    return any(email != (as_found and as_found.oidc_service_account_email) for email in emails)


def _as_declared(attributes: Mapping[str, Any]) -> BaselineJob | None:
    """The whole job; None where the state has less of it, as after an import of which nothing was known."""
    try:
        (target,), (retry,) = attributes["http_target"], attributes["retry_config"]
        token: dict[str, Any] = next(iter(target["oidc_token"] or []), {})
        return BaselineJob(
            **{key: attributes[key] for key in ("schedule", "attempt_deadline")},
            **{key: retry[key] for key in RETRY},
            paused=bool(attributes["paused"]),
            http_method=target["http_method"],
            headers=target["headers"] or {},
            body=target["body"] or None,
            description=attributes["description"] or None,
            oidc_service_account_email=token.get("service_account_email"),
            oidc_audience=token.get("audience") or None,
        )
    except (KeyError, TypeError, ValueError):
        return None


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
