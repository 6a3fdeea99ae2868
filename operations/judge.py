"""Asks the gate of a night, and records the answer where the night is what is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.attempt import LiveJob
from ingest.judging import gate
from ingest.judging.gate import Check, unlike
from ingest.rollout import Action, changes
from ingest.settings import Settings
from operations.deployed_night import DeployedNight, deployed_night, without_end
from operations.errors import OperationError
from operations.evidence import ask
from operations.ledger.ledger import Ledger
from operations.ledger.standing import DONE, deploys, is_of, of_target, target_of
from operations.terraform.deployed import held_jobs


@dataclass(frozen=True)
class Judgement:
    """`since` is the deploy from which the runs count; `data` is the ledger's; `silent` says who did not answer.

    `not_recorded` is why it is a look and not in the ledger; None: it is recorded.
    """

    checks: list[Check]
    since: datetime
    data: dict[str, Any]
    silent: tuple[str, ...]
    not_recorded: str | None


def judge(
    root: Path,
    ledger: Ledger,
    settings: Settings,
    environ: Mapping[str, str],
    now: datetime,
    *,
    since: datetime | None = None,
    at_another_time: bool = False,
) -> Judgement:
    """Judges the settings' night by its runs until `now`.

    `since` is `--since`: it is recorded only where the ledger has no deploy of that night, and state and live jobs show
    it. `at_another_time`: `now` is not the present, so it is a look. Raises OperationError where nothing can be judged.
    """
    number, world = f"night {settings.night} ({settings.strategy})", settings.world()
    here = deployed_night(ledger, settings)
    asked = (settings.strategy, settings.night)
    on_record = here if here and not here.unfinished and (here.strategy, here.night) == asked else None
    begin = since or (on_record.since if on_record else None)
    if begin is None:
        raise OperationError(why_not_deployed(ledger, settings, here))
    if begin >= now:
        raise OperationError(f"--since: {begin:%Y-%m-%d %H:%M} is not before now, {now:%Y-%m-%d %H:%M}")
    rows_before = on_record.rows if on_record else None
    evidence = ask(settings, environ, rows_before, begin, on_record.doubled if on_record else None)
    checks, data = gate.judge(world, settings, evidence, begin, now)
    why = None
    if at_another_time:
        why = "--at is a look, it may not be the time that it is"
    elif evidence.jobs is None and evidence.log is None and evidence.tables is None:
        why = "nobody answered, which shows nothing of the night"
    elif since and (on_record or (here and here.unfinished and is_of(here.unfinished, settings))):
        why = f"the ledger has the deploy of {number}; leave --since out"
    elif since:
        why = why_not_shown(root, settings, environ, evidence.jobs)
    if why is None:
        ledger.append(
            "gate",
            strategy=settings.strategy,
            night=settings.night,
            data=data,
            target=target_of(settings),
            at=now,
        )
    return Judgement(checks, begin, data, evidence.silent, why)


def why_not_deployed(ledger: Ledger, settings: Settings, here: DeployedNight | None) -> str:
    """By the ledger, in words with what to do. `here` is what is deployed instead."""
    name = f"night {settings.night} ({settings.strategy})"
    if here is None or (here.unfinished and is_of(here.unfinished, settings)):
        return f"{name} has no finished deploy on record; deploy it, or say when it was deployed with --since"
    if here.unfinished:
        return f"{name} is not what is deployed: {without_end(here.unfinished)}"
    instead = f"night {here.night} ({here.strategy}) is deployed; run `ingest-rollout gate --night {here.night}`"
    done = [r for r in deploys(of_target(ledger.records(), settings)) if r.data["outcome"] == DONE]
    if any(is_of(record, settings) for record in done):
        return f"{name} is not what is deployed any more: {instead}"
    if here.strategy == settings.strategy and here.night > settings.night:
        return f"{name} was skipped: {instead}"
    return f"{name} has no finished deploy on record, and {instead}, or say when {name} was deployed with --since"


def why_not_shown(
    root: Path, settings: Settings, environ: Mapping[str, str], live: Mapping[str, LiveJob] | None
) -> str | None:
    """Why it cannot be seen that the settings' night is deployed; None: the live jobs and Terraform's state show it."""
    name = f"night {settings.night} ({settings.strategy})"
    if live is None:
        return f"whether {name} is deployed is not known, Cloud Scheduler did not answer"
    if differs := unlike(settings.world(), settings, live, settings.catalogue):
        return f"the live jobs are not those of {name}: {differs[0]}"
    try:
        held = held_jobs(root, settings, environ)
    except OperationError as error:
        return f"whether {name} is deployed is not known: {error}"
    same = {Action.UNCHANGED, Action.CHANGE}
    if other := [c.entity.name for c in changes(held, settings.world()) if not set(c.actions) <= same]:
        return f"Terraform's state does not have {name} as deployed: {', '.join(other)}"
    return None
