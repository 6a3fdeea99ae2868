"""By the ledger: which night is deployed, and whether its gate is due."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ingest.judging.gate import came_due, gate_time
from ingest.preview import Preview
from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from operations.ledger.record import Record
from operations.ledger.standing import DONE, STARTED, counting, deployed, deploys, newest, of_target, passed, unfinished


@dataclass(frozen=True)
class DeployedNight:
    """The night of the newest deploy that came to its end, or that was gone back to.

    `since` is when it was brought; `rows` each table's rows before that, by entity, and `doubled` those beyond one for
    each natural key. `unfinished` is a later deploy that
    did not come to its end.
    """

    strategy: str
    night: int
    since: datetime
    rows: dict[str, int | None] | None
    doubled: dict[str, int | None] | None
    unfinished: Record | None


def deployed_night(ledger: Ledger, settings: Settings) -> DeployedNight | None:
    """Where the settings deploy to; None: nothing was deployed yet. Raises OperationError as the ledger does."""
    records = of_target(ledger.records(), settings)
    done = [record for record in deploys(records) if record.data["outcome"] == DONE]
    if not done:
        return None
    deploy = deployed(records) or done[-1]
    since = datetime.fromisoformat(deploy.data["ended_at"] or deploy.at.isoformat())
    counted = (deploy.data["rows"], deploy.data["doubled"])
    return DeployedNight(deploy.strategy, deploy.night, since, *counted, unfinished(records))


def without_end(record: Record) -> str:
    """Of an unfinished deploy, in words with what to do."""
    how = {STARTED: "has no end on record", "failed": "failed"}.get(record.data["outcome"], "was interrupted")
    return (
        f"the deploy of night {record.night} ({record.strategy}) {how}: run "
        f"`ingest-rollout deploy --night {record.night}` again, or go back with `ingest-rollout rollback`"
    )


def remarks(ledger: Ledger, settings: Settings, *, named: bool = True, preview: Preview | None = None) -> list[str]:
    """What the ledger knows otherwise, or has yet to see, in words. `named`: somebody asked for the settings' night.

    `preview` counts from what is deployed. Never an error: a damaged ledger is a remark.
    """
    try:
        begun = unfinished(of_target(ledger.records(), settings))
        here = deployed_night(ledger, settings)
    except OperationError as error:
        return [str(error)]
    if begun:
        return [without_end(begun)]
    if here is None:
        return []
    by_ledger = f"by the ledger night {here.night} ({here.strategy}) is deployed"
    told = []
    if not named and (here.strategy, here.night) != (settings.strategy, settings.night):
        told.append(f"the settings say night {settings.night} ({settings.strategy}), and {by_ledger}")
    if preview and here.night in replace(settings, strategy=here.strategy).rollout.numbers:
        world = replace(settings, strategy=here.strategy).world(here.night)
        before = {change.entity.name: change.before for change in preview.changes if change.before}
        if before != {name: job.cadence for name, job in world.items()}:
            told.append(f"{by_ledger}, and Terraform's state shows otherwise ({preview.before}); was it plain cdktf?")
    return told


def why_not_due(ledger: Ledger, settings: Settings, here: DeployedNight, now: datetime) -> str | None:
    """Why the gate of the settings' night, which is `here`, is not to be asked now; None: ask it.

    Before its last job has had its run it could only say "not due yet". A pass that is too old for the next night is
    asked again. Raises OperationError as the ledger does.
    """
    if here.unfinished:
        return f"but {without_end(here.unfinished)}"
    world = settings.world()
    gate = newest(counting(of_target(ledger.records(), settings)), "gate", settings)
    is_last = settings.night == settings.rollout.numbers[-1]
    if gate and passed(gate) and (is_last or not came_due(world, settings, gate.at, now)):
        return "its gate has passed"
    begins = gate_time(world, settings, here.since)
    return f"its gate can be asked from {begins:%a %Y-%m-%d %H:%M %Z} on" if now < begins else None
