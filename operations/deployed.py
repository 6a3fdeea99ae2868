"""Which jobs Terraform holds already, read from the local state files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import Hold, Job, World, before_rollout, night_before, state_at
from ingest.schedule import Cadence, ScheduleError
from ingest.settings import Settings
from operations.errors import OperationError

START = "start"


@dataclass(frozen=True)
class Before:
    """The world that a deploy starts from, and in words how it is known."""

    world: World
    label: str


def night_or_start(settings: Settings, text: str) -> Before:
    """What `--from` names: a night of the strategy, or "start". Raises OperationError."""
    if text == START:
        return Before(before_rollout(adopt_existing=settings.adopt_existing), "before the rollout")
    numbers = settings.rollout.numbers
    if text not in map(str, numbers):
        allowed = ", ".join([START, *map(str, numbers)])
        raise OperationError(f"--from: {text!r} is not a night of strategy {settings.strategy}; allowed: {allowed}")
    return Before(
        state_at(settings.rollout, int(text), adopt_existing=settings.adopt_existing), f"night {text} is deployed"
    )


def assumed(settings: Settings) -> Before:
    """The world when the nights are taken in order."""
    world = night_before(settings.rollout, settings.night, adopt_existing=settings.adopt_existing)
    label = f"night {settings.night - 1} is deployed" if settings.night else "before the rollout"
    return Before(world, label)


def from_state(root: Path, settings: Settings) -> Before:
    """The world that the local state files hold.

    With a remote backend they are not read, and the night before is assumed. Raises OperationError for a state
    file that is not Terraform's.
    """
    if settings.backend != "local":
        before = assumed(settings)
        return Before(before.world, f"assuming that {before.label}, the state is remote: if not so, say --from")
    known = {entity.name: entity for entity in CATALOGUE}
    world = dict(before_rollout(adopt_existing=settings.adopt_existing))
    held = {}
    for group in GROUPS:
        for name, attributes in _jobs(root / "state" / f"{group.stack}.tfstate").items():
            if entity := known.get(name):
                try:
                    cadence = Cadence.parse(attributes["schedule"])
                    if cadence.is_weekly is not entity.target.is_weekly:
                        raise ScheduleError(f"it runs {cadence.recurrence(settings.time_zone)}")
                except (KeyError, TypeError, AttributeError, ScheduleError) as error:
                    raise OperationError(
                        f"{group.stack}.tfstate: the schedule of {name} is not one of ours ({error}); "
                        "somebody changed the job: run `ingest-rollout diff`, or say --from"
                    ) from None
                imported = settings.adopt_existing and entity.live is not None
                held[name] = Job(entity, cadence, Hold.DECLARED, imported)
    return Before(world | held, _label(settings, held))


def _label(settings: Settings, held: World) -> str:
    if not held:
        return "before the rollout"
    cadences = {name: job.cadence for name, job in held.items()}
    for number in settings.rollout.numbers:
        world = state_at(settings.rollout, number, adopt_existing=settings.adopt_existing)
        if cadences == {name: job.cadence for name, job in world.items()}:
            return f"night {number} is deployed"
    return "the deployed jobs match no night: an earlier deploy stopped half way, or another strategy was used"


def _jobs(path: Path) -> dict[str, dict[str, Any]]:
    """The Cloud Scheduler jobs of one state file (format version 4), by resource name."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        return {
            resource["name"]: resource["instances"][0]["attributes"]
            for resource in state["resources"]
            if resource["type"] == "google_cloud_scheduler_job" and resource["instances"]
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise OperationError(
            f"{path}: cannot be read as Terraform state ({error}); restore it from {path.name}.backup, or say --from"
        ) from None
