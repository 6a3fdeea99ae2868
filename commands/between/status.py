"""The command `status`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from commands.options import echo_json, json_option, night_options, progress
from commands.render import table
from ingest.schedule import time_zone
from ingest.settings import Settings
from ingest.text.shown import printable
from operations.deployed_night import remarks
from operations.ledger.ledger import FILE, Ledger
from operations.local.repository import ROOT, read_settings
from operations.status import Held, JobStatus, State


@click.command()
@night_options
@json_option
def status(night: int | None, strategy: str | None, as_json: bool) -> int:
    """Compare the live jobs with what a night declares.

    Shows last attempts, next runs and neighbours as well. Changes nothing. The declared side is synthesized, as for a
    deploy: some seconds.
    Exit code 0: in sync, 1: error, 2: differences.

    \b
    Example, what is not as night 1 wants it:
      ingest-rollout status --night 1
    """
    from operations.cloud.credentials import scheduler_client
    from operations.cloud.scheduler import live_jobs, parent
    from operations.status import exit_code, held, statuses
    from operations.terraform.declared import declared_jobs

    settings = read_settings(night=night, strategy=strategy)
    for remark in remarks(Ledger(ROOT / FILE), settings, named=(night, strategy) != (None, None)):
        click.echo(f"NOTE: {remark}", err=True)
    progress("asking Cloud Scheduler for its jobs, synthesizing the night")
    # Asked first: without credentials there is nothing to synthesize for.
    live = live_jobs(scheduler_client(os.environ), parent(settings))
    state = held(ROOT, settings, os.environ)
    jobs = statuses(settings, declared_jobs(ROOT, settings, os.environ), live, state)
    if as_json:
        echo_json(status_json(settings, jobs, state))
    else:
        click.echo(status_text(settings, jobs, state))
    return exit_code(jobs)


def status_json(settings: Settings, jobs: Sequence[JobStatus], state: Held) -> dict[str, object]:
    """Times are ISO 8601 in the settings' zone, null for none."""
    zone = settings.time_zone
    return {
        "strategy": settings.strategy,
        "night": settings.night,
        "project": settings.project,
        "region": settings.region,
        "time_zone": zone,
        "note": state.note,
        "jobs": [
            {
                "job": job.job,
                "entity": job.entity,
                "states": [str(each) for each in job.states],
                "schedule": job.schedule,
                "differences": [
                    {"field": each.field, "declared": each.declared, "live": each.live} for each in job.differences
                ],
                "last_attempt": _iso(_started(job), zone),
                "last_attempt_status": _outcome(job),
                "next_run": _iso(job.next_run, zone),
                "note": job.note,
            }
            for job in jobs
        ],
    }


def status_text(settings: Settings, jobs: Sequence[JobStatus], state: Held) -> str:
    zone = settings.time_zone
    rows = [
        (
            _coloured(job),
            job.job,
            job.schedule,
            _text(_started(job), zone),
            click.style(_outcome(job), fg="red" if job.attempt and job.attempt.code else None),
            _text(job.next_run, zone) or "none",
        )
        for job in jobs
    ]
    head = ("state", "job", "schedule", f"last attempt, {zone}", "ended", "next run")
    lines = [f"Night {settings.night} ({settings.strategy}) against {settings.project}, {settings.region}"]
    lines += ["", table(head, rows, spare=("schedule", "next run"))] if rows else []
    details = _details(jobs)
    lines += ["", *details] if details else []
    counts = Counter(" and ".join(job.states) for job in jobs)
    lines += ["", ", ".join(f"{count} {states}" for states, count in counts.items()) or "no jobs"]
    lines += [f"NOTE: {state.note}"] if state.note else []
    return "\n".join(lines)


def _details(jobs: Sequence[JobStatus]) -> list[str]:
    """Jobs that are alike in state and advice share a line; those that differ in fields have lines of their own."""
    alike: dict[str, list[JobStatus]] = {}
    for job in jobs:
        if job.states != (State.IN_SYNC,):
            text = printable("; ".join(part for part in (" and ".join(job.states), job.note) if part), None)
            alike.setdefault(text, []).append(job)
    lines = []
    for text, members in alike.items():
        plain = [job.job for job in members if not job.differences]
        lines += [f"{', '.join(plain)}: {text}"] if plain else []
        for job in members:
            if job.differences:
                lines.append(f"{job.job}: {text}")
                lines += [f"  {d.field}: declared {_value(d.declared)}, live {_value(d.live)}" for d in job.differences]
    return lines


def _started(job: JobStatus) -> datetime | None:
    return job.attempt.started if job.attempt else None


def _outcome(job: JobStatus) -> str:
    return job.attempt.outcome if job.attempt else ""


def _value(value: Any) -> str:
    return "none" if value is None else printable(str(value))


def _coloured(job: JobStatus) -> str:
    colour = "green" if job.states == (State.IN_SYNC,) else "yellow"
    if job.states == (State.NEIGHBOUR,):
        colour = "cyan"
    if {State.MISSING, State.DRIFTED, State.UNREADABLE} & set(job.states):
        colour = "red"
    return click.style(" and ".join(job.states), fg=colour)


def _text(moment: datetime | None, zone: str) -> str:
    return f"{moment.astimezone(time_zone(zone)):%a %Y-%m-%d %H:%M}" if moment else ""


def _iso(moment: datetime | None, zone: str) -> str | None:
    return moment.astimezone(time_zone(zone)).isoformat() if moment else None
