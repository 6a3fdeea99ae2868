"""Whether a night may be deployed: the night before has passed its gate, or what blocks it is overridden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.judging.gate import Check, came_due, current_name
from ingest.preview import Preview
from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from operations.ledger.record import Record
from operations.ledger.standing import counting, deploys, is_of, newest, of_target, passed, target_of

NO_GATE = "gate"
"""The name under which a gate that was never asked, or that is too old, is overridden."""

LEDGER = "ledger"
"""The name under which a ledger that git cannot vouch for is overridden."""

LOST_RUN = "lost-run"
"""What --force overrides."""


@dataclass(frozen=True)
class Block:
    """What keeps a night from being deployed: a check, of one entity or of none.

    `night` is the one whose gate it is of, and `gate` that gate's hash; without a gate the night that is deployed.
    """

    night: int
    check: str
    entity: str | None = None
    gate: str | None = None

    def is_named(self, name: str) -> bool:
        """By `--override CHECK` or `--override CHECK:ENTITY`."""
        check, _, entity = name.partition(":")
        return check == self.check and entity in ("", self.entity)


@dataclass(frozen=True)
class Override:
    """A check that blocks, and that somebody overrides for a reason; the fields are as in Block."""

    night: int
    check: str
    reason: str
    entity: str | None = None
    gate: str | None = None


def gated_night(records: Sequence[Record], settings: Settings) -> int | None:
    """The night whose gate a deploy of the settings' night has to wait for; `records` are those of the target.

    None for the first night and for a night that was deployed last, finished or not.
    """
    last = next(reversed(deploys(records)), None)
    if last and is_of(last, settings):
        return None
    return max((n for n in settings.rollout.numbers if n < settings.night), default=None)


def blocks(records: Sequence[Record], settings: Settings, now: datetime) -> list[Block]:
    """What the gate of the settings' night keeps from going on at `now` (aware), and nobody has overridden."""
    current = counting(records)
    gate = newest(current, "gate", settings)
    overrides = [r for r in current if r.kind == "override" and is_of(r, settings) and _is_for(r, gate)]
    return [block for block in _blocks(gate, settings, now) if not any(_covers(r, block) for r in overrides)]


def _blocks(gate: Record | None, settings: Settings, now: datetime) -> Iterator[Block]:
    digest = gate.hash if gate else None
    checks = [Check.read(check) for check in gate.data["checks"]] if gate else []
    failed = [check for check in checks if check.verdict.blocks]
    for check in failed:
        yield Block(settings.night, check.name, check.entity or None, digest)
    if gate is None or (not failed and not passed(gate)) or came_due(settings.world(), settings, gate.at, now):
        yield Block(settings.night, NO_GATE, None, digest)


def _is_for(override: Record, gate: Record | None) -> bool:
    """Whether it overrides this gate; one that names none overrides what was there when it was recorded."""
    named = override.data["gate"]
    return named == (gate and gate.hash) or (named is None and gate is not None and override.seq > gate.seq)


def _covers(override: Record, block: Block) -> bool:
    return current_name(override.data["check"]) == block.check and override.data["entity"] in (None, block.entity)


def check_approval(
    ledger: Ledger,
    settings: Settings,
    overrides: Sequence[str],
    reason: str | None,
    *,
    now: datetime,
    way_back: bool = False,
) -> list[Override]:
    """The overrides with which a deploy of the settings' night may go on at `now`; they are not recorded yet.

    An override names a check that blocks, or one that was overridden when this night's deploy began that is now
    repeated. The way back needs no gate. Raises OperationError otherwise.
    """
    verification = ledger.check()
    if verification.problems:
        raise OperationError(
            f"refused: the ledger cannot be trusted: {verification.problems[0]}; see `ingest-rollout history --verify`"
        )
    if way_back:
        return []
    records = of_target(ledger.records(), settings)
    before = _overridden_before(records, settings)
    night = gated_night(records, settings)
    open_blocks = blocks(records, replace(settings, night=night), now) if night is not None else []
    vouched = Block(settings.night, LEDGER)
    if verification.inconclusive and not any(_covers(r, vouched) for r in before):
        open_blocks.append(vouched)
    known = [*open_blocks, *(Block(r.night, current_name(r.data["check"]), r.data["entity"]) for r in before)]
    if unknown := [name for name in overrides if not any(block.is_named(name) for block in known)]:
        allowed = ", ".join(_names(open_blocks)) or "none, nothing blocks this deploy"
        raise OperationError(f"--override: {unknown[0]!r} does not block this deploy; what does: {allowed}")
    if overrides and not (reason or "").strip():
        raise OperationError("--override needs --reason TEXT: why it may go on; it is recorded in the ledger")
    if left := [block for block in open_blocks if not any(block.is_named(name) for name in overrides)]:
        options = " ".join(f"--override {name}" for name in dict.fromkeys(block.check for block in left))
        what = list(_why(left, records, replace(settings, night=night or 0), now))
        if vouched in left:
            what.append(f"git cannot vouch for the ledger: {verification.inconclusive}")
        if any(deploy.night > settings.night for deploy in deploys(records)[-1:]):
            what.append(f"to go back, run `ingest-rollout rollback --to {settings.night}`")
        raise OperationError(f"refused: {'; '.join(what)}. To go on anyway: {options} --reason TEXT")
    return [Override(block.night, block.check, str(reason), block.entity, block.gate) for block in open_blocks]


def _overridden_before(records: Sequence[Record], settings: Settings) -> list[Record]:
    """The overrides since another night was deployed last: those of the settings' night's deploy, its repeats too."""
    others = [r.seq for r in records if r.kind == "deploy" and not is_of(r, settings)]
    return [r for r in records if r.kind == "override" and r.seq > max(others, default=0)]


def _names(blocks: Sequence[Block]) -> list[str]:
    """Each check with its entities."""
    entities: dict[str, list[str]] = {}
    for block in blocks:
        entities.setdefault(block.check, []).extend([block.entity] if block.entity else [])
    return [f"{check} ({', '.join(names)})" if names else check for check, names in entities.items()]


def _why(left: Sequence[Block], records: Sequence[Record], settings: Settings, now: datetime) -> Iterator[str]:
    """In words, with what to do; the settings' night is the one whose gate it is."""
    number = settings.night
    of_gate = [block for block in left if block.check != LEDGER]
    failed = [block for block in of_gate if block.check != NO_GATE]
    ask = f"run `ingest-rollout gate --night {number}`"
    gate = newest(counting(records), "gate", settings)
    if failed:
        yield f"the gate of night {number} does not open, it is blocked by: {', '.join(_names(failed))}"
    if gate and (due := came_due(settings.world(), settings, gate.at, now)):
        begun = gate.at.astimezone(due.tzinfo)
        yield (
            f"the gate of night {number} is of {begun:%a %Y-%m-%d %H:%M}, and a run came due after it, "
            f"{due:%a %Y-%m-%d %H:%M}; {ask} again"
        )
    elif failed:
        yield f"fix that and {ask} again"
    elif gate and of_gate:
        yield f"the gate of night {number} has looked at nothing; {ask} again"
    elif of_gate:
        yield from _never_asked(records, settings, ask)


def _never_asked(records: Sequence[Record], settings: Settings, ask: str) -> Iterator[str]:
    number, done = settings.night, deploys(records)
    if newest(done, "deploy", settings):
        yield f"night {number} has not been gated since it was deployed; {ask}"
    elif done and done[-1].strategy == settings.strategy and done[-1].night < number:
        yield f"night {number} was skipped, night {done[-1].night} is deployed; deploy night {number} first"
    else:
        yield (
            f"night {number} has not been gated since it was deployed; {ask}, with --since TIME where it was deployed "
            "with plain `cdktf deploy`"
        )


def record_override(
    ledger: Ledger, settings: Settings, override: Override, at: datetime, who: str | None = None
) -> None:
    """Records an override that a deploy goes ahead with. Raises OperationError as the ledger does."""
    data = {key: value for key, value in vars(override).items() if key != "night"}
    where = target_of(settings)
    ledger.append("override", strategy=settings.strategy, night=override.night, data=data, target=where, at=at, who=who)


def lost_runs(preview: Preview, reason: str | None) -> list[Override]:
    """The runs that the preview's night loses, which --force accepts, as they are recorded."""
    return [
        Override(preview.night, LOST_RUN, str(reason), warning.entity)
        for warning in preview.warnings
        if warning.kind == "lost run"
    ]
