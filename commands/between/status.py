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
from ingest.settings import Settings
from ingest.text.shown import printable
from operations.deployed_night import remarks
from operations.ledger.ledger import FILE, Ledger
from operations.local.repository import ROOT, read_settings
from operations.status import Held, JobStatus, State, local


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
    found = statuses(settings, declared_jobs(ROOT, settings, os.environ), live, state)
    if as_json:
        echo_json(status_json(settings, found, state))
    else:
        click.echo(status_text(settings, found, state))
    return exit_code(found)


def status_json(settings: Settings, found: Sequence[JobStatus], state: Held) -> dict[str, object]:
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
                "job": one.job,
                "entity": one.entity,
                "states": [str(each) for each in one.states],
                "schedule": one.schedule,
                "differences": [
                    {"field": each.field, "declared": each.declared, "live": each.live} for each in one.differences
                ],
                "last_attempt": _iso(local(_started(one), zone)),
                "last_attempt_status": _outcome(one),
                "next_run": _iso(local(one.next_run, zone)),
                "note": one.note,
            }
            for one in found
        ],
    }


def status_text(settings: Settings, found: Sequence[JobStatus], state: Held) -> str:
    zone = settings.time_zone
    rows = [
        (
            _coloured(one),
            one.job,
            one.schedule,
            _text(local(_started(one), zone)),
            click.style(_outcome(one), fg="red" if one.attempt and one.attempt.code else None),
            _text(local(one.next_run, zone)) or "none",
        )
        for one in found
    ]
    head = ("state", "job", "schedule", f"last attempt, {zone}", "ended", "next run")
    lines = [f"Night {settings.night} ({settings.strategy}) against {settings.project}, {settings.region}"]
    lines += ["", table(head, rows, spare=("schedule", "next run"))] if rows else []
    details = _details(found)
    lines += ["", *details] if details else []
    counts = Counter(" and ".join(one.states) for one in found)
    lines += ["", ", ".join(f"{count} {states}" for states, count in counts.items()) or "no jobs"]
    lines += [f"NOTE: {state.note}"] if state.note else []
    return "\n".join(lines)


def _details(found: Sequence[JobStatus]) -> list[str]:
    """Jobs that are alike in state and advice share a line; those that differ in fields have lines of their own."""
    alike: dict[str, list[JobStatus]] = {}
    for one in found:
        if one.states != (State.IN_SYNC,):
            text = printable("; ".join(part for part in (" and ".join(one.states), one.note) if part), None)
            alike.setdefault(text, []).append(one)
    lines = []
    for text, members in alike.items():
        plain = [one.job for one in members if not one.differences]
        lines += [f"{', '.join(plain)}: {text}"] if plain else []
        for one in members:
            if one.differences:
                lines.append(f"{one.job}: {text}")
                lines += [f"  {d.field}: declared {_value(d.declared)}, live {_value(d.live)}" for d in one.differences]
    return lines


def _started(one: JobStatus) -> datetime | None:
    return one.attempt.started if one.attempt else None


def _outcome(one: JobStatus) -> str:
    return one.attempt.outcome if one.attempt else ""


def _value(value: Any) -> str:
    return "none" if value is None else printable(str(value))


def _coloured(one: JobStatus) -> str:
    colour = "green" if one.states == (State.IN_SYNC,) else "yellow"
    if one.states == (State.NEIGHBOUR,):
        colour = "cyan"
    if {State.MISSING, State.DRIFTED, State.UNREADABLE} & set(one.states):
        colour = "red"
    return click.style(" and ".join(one.states), fg=colour)


def _text(moment: datetime | None) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M}" if moment else ""


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
