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


def releases(found: Preview, planned: Sequence[Planned]) -> list[Release]:
    """The jobs that the plan deletes and the preview does not remove."""
    removed = {change.entity.name for change in found.changes if Action.REMOVE in change.actions}
    stacks = {one.name: one.stack for one in planned if one.is_job and one.action != "delete"}
    return [
        Release(one, stacks.get(one.name))
        for one in planned
        if one.is_job and one.action == "delete" and (one.name in stacks or one.name not in removed)
    ]


def unexpected_changes(found: Preview, planned: Sequence[Planned], settings: Settings) -> list[str]:
    """What the plan undoes that somebody did by hand, and what it takes away or makes without a line in the preview.

    A value that a night of the rollout or the last deploy gave to a field is expected to be there, whichever of the two
    it was: a deploy may have been cut off.
    """
    worlds = [settings.world_at_start(), *(settings.world(number) for number in settings.rollout.numbers)]
    left = {release.planned.name for release in releases(found, planned)}
    shown = {change.entity.name: change.actions for change in found.changes}
    texts: list[str] = []
    for one in planned:
        if one.action == NO_OP or (one.is_job and one.name in left):
            continue
        if not one.is_job:
            if one.action != "create":
                texts.append(f"{one.address}: the preview shows it made or unchanged, the plan {one.action}")
        elif one.action == "replace":
            texts.append(
                f"{one.name}: the plan deletes the live job and makes it again; "
                "is a setting such as project or region another one?"
            )
        elif one.action == "create" and one.recorded is not None:
            texts.append(f"{one.name}: was deleted by hand; this deploy makes it again")
        elif "update" in one.action:
            texts += _by_hand(one, worlds, settings)
        elif _ACTIONS[one.action] not in shown.get(one.name, ()):
            texts.append(f"{one.name}: the preview does not show that the plan would {one.action} it")
    return texts


_ACTIONS = {"create": Action.CREATE, "delete": Action.REMOVE, "import": Action.ADOPT}


def _by_hand(one: Planned, worlds: Sequence[World], settings: Settings) -> Iterator[str]:
    """The fields that the plan changes and that have a value which is not of our making."""
    from operations.cloud import jobs

    before, after = jobs.declared(one.before or {}), jobs.declared(one.after or {})
    recorded = jobs.declared(one.recorded) if one.recorded else {}
    known = [world[one.name] for world in worlds if one.name in world]
    unrecorded = any(job.imported for job in known) and one.name not in settings.found
    for key in jobs.differences(after, before):
        if unrecorded and key in _UNKNOWN:
            continue
        # What an import wrote to the state nobody has agreed to: a pause, or the request of a job that is unrecorded.
        is_ours = key != "paused" and not (unrecorded and key in REQUEST)
        if is_ours and key in recorded and recorded[key] == before[key]:
            continue
        if before[key] in [_value(job, key) for job in known]:
            continue
        text = f"{one.name}: {_change(key, before[key], after[key])}; somebody changed the live job"
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

    old, new = ("none" if one is None else printable(str(one)) for one in jobs.displayed(key, before, after))
    if old == new:
        return f"this deploy changes its {key}"
    return f"{key} is {old}, and this deploy sets it to {new}"
