"""Terraform's local states as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ingest.catalogue import GROUPS
from ingest.rollout import Job, World

JOB = "google_cloud_scheduler_job"


def resource(name: str, attributes: object, kind: str = JOB) -> dict[str, Any]:
    return {"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": attributes}]}


def schedule_of(job: Job) -> Mapping[str, Any]:
    """The least that tells a job's night."""
    return {"schedule": job.cadence.cron}


def write_state(root: Path, stack: str, *resources: Mapping[str, Any]) -> Path:
    path = root / "state" / f"{stack}.tfstate"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": 4, "serial": 1, "outputs": {}, "resources": resources}))
    return path


def write_night(root: Path, world: World, attributes: Callable[[Job], Mapping[str, Any]] = schedule_of) -> None:
    """A state a phase stack, as after a deploy of `world`."""
    for group in GROUPS:
        jobs = [resource(n, attributes(job)) for n, job in world.items() if job.entity.group == group.name]
        write_state(root, group.stack, *jobs)
