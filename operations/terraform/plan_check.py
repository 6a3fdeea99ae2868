"""What Terraform's plan does that no night of the rollout asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.baseline import FIELDS, RETRY
from ingest.preview import Preview, Warning
from ingest.rollout import REQUEST, Action, Job, World
from ingest.settings import Settings
from ingest.text.shown import printable
from operations.terraform.engine import NO_OP, Planned

_SECRET = ("headers", "body")
"""Fields whose values are not shown: they may hold a key."""

_UNKNOWN = ("description", "attempt_deadline", *RETRY)
"""What nobody can say of an adopted job that was not recorded: whether somebody changed it."""


@dataclass(frozen=True)
class Release:
    """A job that Terraform would delete and that stays live: it leaves its stack's state, for that of `to` if any."""

    planned: Planned
    to: str | None

    @property
    def warning(self) -> Warning:
        name, stack = self.planned.name, self.planned.stack
        if self.to:
            text = f"{name}: goes from {stack} to {self.to} in Terraform's state; the live job stays"
            return Warning("moved", name, text)
        job = (self.planned.before or {}).get("name", name)
        text = f"{name}: no night has it any more; it leaves the state of {stack}, and the live job {job} stays"
        return Warning("released", name, text)


def releases(preview: Preview, planned: Sequence[Planned]) -> list[Release]:
    """The jobs that the plan deletes and the preview does not remove."""
    removed = {change.entity.name for change in preview.changes if Action.REMOVE in change.actions}
    stacks = {resource.name: resource.stack for resource in planned if resource.is_job and resource.action != "delete"}
    return [
        Release(resource, stacks.get(resource.name))
        for resource in planned
        if resource.is_job and resource.action == "delete" and (resource.name in stacks or resource.name not in removed)
    ]


def unexpected_changes(preview: Preview, planned: Sequence[Planned], settings: Settings) -> list[str]:
    """What the plan undoes that somebody did by hand, and what it takes away or makes without a line in the preview.

    A value that a night of the rollout or the last deploy gave to a field is expected to be there, whichever of the two
    it was: a deploy may have been cut off.
    """
    worlds = [settings.world_at_start(), *(settings.world(number) for number in settings.rollout.numbers)]
    left = {release.planned.name for release in releases(preview, planned)}
    shown = {change.entity.name: change.actions for change in preview.changes}
    texts: list[str] = []
    for resource in planned:
        if resource.action == NO_OP or (resource.is_job and resource.name in left):
            continue
        if not resource.is_job:
            if resource.action != "create":
                texts.append(f"{resource.address}: the preview shows it made or unchanged, the plan {resource.action}")
        elif resource.action == "replace":
            texts.append(
                f"{resource.name}: the plan deletes the live job and makes it again; "
                "is a setting such as project or region another one?"
            )
        elif resource.action == "create" and resource.recorded is not None:
            texts.append(f"{resource.name}: was deleted by hand; this deploy makes it again")
        elif "update" in resource.action:
            texts += _by_hand(resource, worlds, settings)
        elif _ACTIONS[resource.action] not in shown.get(resource.name, ()):
            texts.append(f"{resource.name}: the preview does not show that the plan would {resource.action} it")
    return texts


_ACTIONS = {"create": Action.CREATE, "delete": Action.REMOVE, "import": Action.ADOPT}


def _by_hand(resource: Planned, worlds: Sequence[World], settings: Settings) -> Iterator[str]:
    """The fields that the plan changes and that have a value which is not of our making."""
    from operations.cloud import jobs

    before, after = jobs.declared(resource.before or {}), jobs.declared(resource.after or {})
    recorded = jobs.declared(resource.recorded) if resource.recorded else {}
    known = [world[resource.name] for world in worlds if resource.name in world]
    unrecorded = any(job.imported for job in known) and resource.name not in settings.found
    for key in jobs.differences(after, before):
        if unrecorded and key in _UNKNOWN:
            continue
        # What an import wrote to the state nobody has agreed to: a pause, or the request of a job that is unrecorded.
        is_ours = key != "paused" and not (unrecorded and key in REQUEST)
        if is_ours and key in recorded and recorded[key] == before[key]:
            continue
        if before[key] in [_value(job, key) for job in known]:
            continue
        text = f"{resource.name}: {_change(key, before[key], after[key])}; somebody changed the live job"
        if unrecorded and key in (*REQUEST, "uri"):
            text += ", or it was never recorded: `ingest-rollout adopt --record` keeps it as it is"
        yield text


def _value(job: Job, key: str) -> Any:
    if key == "schedule":
        return job.cadence.cron
    return getattr(job.declared, key) if job.declared and key in FIELDS else None


def _change(key: str, before: object, after: object) -> str:
    if key == "paused":
        return "is paused, and this deploy resumes it" if before else "runs, and this deploy pauses it"
    if key in _SECRET:
        return f"this deploy changes its {key}"
    from operations.cloud import jobs

    old, new = ("none" if value is None else printable(str(value)) for value in jobs.displayed(key, before, after))
    if old == new:
        return f"this deploy changes its {key}"
    return f"{key} is {old}, and this deploy sets it to {new}"
