"""What the records of one target say: which night is deployed, and which gates count. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.judging.gate import Check
from ingest.judging.verdict import Verdict
from ingest.settings import Settings
from operations.ledger.record import TARGET, Record

STARTED, DONE = "started", "done"


def target_of(settings: Settings) -> dict[str, str]:
    """Where a deploy of the settings goes, for a record."""
    return {key: getattr(settings, key) for key in TARGET}


def of_target(records: Iterable[Record], settings: Settings) -> list[Record]:
    """Those made where the settings deploy to. What a record does not say, it matches."""
    wanted = target_of(settings)
    return [record for record in records if record.target.items() <= wanted.items()]


def is_of(record: Record, settings: Settings) -> bool:
    """Whether it is about the settings' night."""
    return (record.strategy, record.night) == (settings.strategy, settings.night)


def newest(records: Sequence[Record], kind: str, settings: Settings) -> Record | None:
    """The last one of that kind about the settings' night."""
    return next((r for r in reversed(records) if r.kind == kind and is_of(r, settings)), None)


def deploys(records: Sequence[Record]) -> list[Record]:
    """Each deploy and rollback once: the record of its end, or `started` where nobody saw that."""
    recorded = [record for record in records if record.kind == "deploy"]
    ended = {_identity(record): record.seq for record in recorded if record.data["outcome"] != STARTED}
    return [r for r in recorded if r.data["outcome"] != STARTED or ended.get(_identity(r), 0) < r.seq]


def unfinished(records: Sequence[Record]) -> Record | None:
    """The last deploy, where it failed, was interrupted, is under way or was killed."""
    last = next(reversed(deploys(records)), None)
    return last if last and last.data["outcome"] != DONE else None


def counting(records: Sequence[Record]) -> list[Record]:
    """From the last deploy on that may have changed a job, of whatever night and strategy: gates before it are void."""
    voiding = [r.seq for r in deploys(records) if not (r.data["outcome"] == DONE and r.data["changes"] == 0)]
    return [record for record in records if record.seq >= max(voiding, default=0)]


def deployed(records: Sequence[Record]) -> Record | None:
    """The deploy that brought what is deployed, with its rows and its end; None where a deploy has yet to finish.

    A later one of the same night that changed nothing is not it.
    """
    done = [record for record in deploys(counting(records)) if record.data["outcome"] == DONE]
    return next((r for r in done if (r.strategy, r.night) == (done[-1].strategy, done[-1].night)), None)


def passed(gate: Record) -> bool:
    """Whether it is a pass; one that looked at nothing is none."""
    checks = [Check.read(check) for check in gate.data["checks"]]
    return bool(checks) and gate.data["verdict"] == Verdict.PASS and not any(check.verdict.blocks for check in checks)


def _identity(deploy: Record) -> tuple[str, int, str]:
    return deploy.strategy, deploy.night, deploy.data["started_at"]
