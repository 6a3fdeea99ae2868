"""The gate: whether a night has proved itself, so that the next one may come. A first version of the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.catalogue import GROUPS
from ingest.rollout import Job, World
from ingest.schedule import first

WINDOW = timedelta(hours=2)
"""A run counts when its last attempt began this long after its time at most: three attempts of 30 minutes fit."""


@dataclass(frozen=True)
class LastAttempt:
    """What the API tells of a job. `code` is a google.rpc.Code, 0 for success, None for a job that never ran."""

    started: datetime | None
    code: int | None
    paused: bool


@dataclass(frozen=True)
class Finding:
    """Why the gate does not open: `check` is "ran", "succeeded", "in order" or "loaded"."""

    entity: str
    check: str
    text: str


def last_attempts(client: CloudSchedulerClient, parent: str) -> dict[str, LastAttempt]:
    """By the job's short name. Raises google.api_core's GoogleAPICallError."""
    found = {}
    for job in client.list_jobs(parent=parent):
        started = datetime.fromisoformat(job.last_attempt_time.isoformat()) if job.last_attempt_time else None
        code = job.status.code if started else None
        found[job.name.rpartition("/")[2]] = LastAttempt(started, code, job.state == ApiJob.State.PAUSED)
    return found


def gate(
    world: World,
    zone: str,
    attempts: Mapping[str, LastAttempt],
    loaded: Mapping[str, datetime | None],
    since: datetime,
    now: datetime,
) -> list[Finding]:
    """What is wrong with the runs that were due after `since` (the deploy) and until `now`; empty: the gate opens.

    `attempts` are by job name, `loaded` the last loaded-at time of each table by entity.
    """
    findings = []
    due = {name: run for name, job in world.items() if (run := last_due(job, zone, since, now))}
    for name, run in due.items():
        findings += _run(world[name], run, attempts.get(world[name].entity.job_name), loaded.get(name))
    return findings + _order(world, due, attempts)


def last_due(job: Job, zone: str, since: datetime, now: datetime) -> datetime | None:
    """The job's last run that was due after `since` and until `now`."""
    run = None
    for fire in job.cadence.next_fires(since, zone):
        if fire > now:
            break
        run = fire
    return run


def gate_time(world: World, zone: str, since: datetime) -> datetime:
    """When every job that exists has had a run after `since`, its retries included."""
    return max(first(job.cadence.next_fires(since, zone), 1)[0] for job in world.values()) + WINDOW


def _run(job: Job, run: datetime, attempt: LastAttempt | None, loaded: datetime | None) -> list[Finding]:
    entity = job.entity
    when = f"its run of {run:%a %H:%M}"
    if attempt is None:
        return [Finding(entity.name, "ran", f"{entity.job_name} does not exist; deploy the night again")]
    if attempt.started is None or attempt.started < run:
        why = ", it is paused; resume it or deploy the night again" if attempt.paused else "; look at its logs"
        return [Finding(entity.name, "ran", f"{entity.job_name} did not start {when}{why}")]
    started = attempt.started.astimezone(run.tzinfo)
    findings = []
    if started > run + WINDOW:
        findings.append(Finding(entity.name, "ran", f"{entity.job_name} began {when} only at {started:%H:%M}"))
    if attempt.code:
        text = (
            f"{entity.job_name} failed {when} at {started:%H:%M} with code {attempt.code} ({code_name(attempt.code)})"
        )
        findings.append(Finding(entity.name, "succeeded", text))
    elif loaded is None or loaded < run:
        last = f"last at {loaded.astimezone(run.tzinfo):%a %H:%M}" if loaded else "never"
        text = f"raw_{entity.name} got no rows from {when}, {last}; ask the service's log why"
        findings.append(Finding(entity.name, "loaded", text))
    return findings


def _order(world: World, due: Mapping[str, datetime], attempts: Mapping[str, LastAttempt]) -> list[Finding]:
    """A job at its target time starts after the jobs that its group needs."""
    needs = {group.name: group.after for group in GROUPS}
    findings = []
    for name in due:
        job = world[name]
        mine = attempts.get(job.entity.job_name)
        if job.cadence != job.entity.target or mine is None or mine.started is None:
            continue
        for other in (world[other] for other in due if world[other].entity.group in needs[job.entity.group]):
            theirs = attempts.get(other.entity.job_name)
            if theirs and theirs.started and theirs.started >= mine.started:
                text = f"{job.entity.job_name} began before the last attempt of {other.entity.job_name}, which it needs"
                findings.append(Finding(name, "in order", text))
    return findings


def code_name(code: int) -> str:
    """The name of a google.rpc.Code, such as DEADLINE_EXCEEDED."""
    from google.rpc.code_pb2 import Code

    return str(Code.Name(code))
