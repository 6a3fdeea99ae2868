"""Deploys a night: the one procedure, of `ingest-rollout deploy`, `rollback` and of a rehearsal.

Its stages, in this order: require (the gate of the night before, no run lost, nobody else at work), synthesize, count
rows, plan, compare with the preview and with a saved plan, confirm, record the start, apply that plan, record the end.
Until it is confirmed nothing is changed and nothing recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.neighbours import Neighbour
from ingest.preview import Preview, preview
from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.approval import Override, check_approval, lost_runs, record_override
from operations.ledger.ledger import Ledger
from operations.ledger.record import canonical
from operations.ledger.standing import DONE, STARTED, newest, of_target, target_of
from operations.lock import lock
from operations.terraform import deployed
from operations.terraform.engine import Engine, Planned
from operations.terraform.plan_check import unexpected_changes, unexpected_deletes
from operations.terraform.process import InterruptedOperationError

PLAN = "plan"
"""The name under which a plan that is not what the preview shows is overridden."""


@dataclass(frozen=True)
class Site:
    """Where nights are deployed: a checkout, or a rehearsal's folder on the twin.

    State and synthesized stacks are under `root`; `environ` leads Google's clients; `synthesize` writes a night's
    stacks and `engine` applies them; `show` gets what was done, a line each, `progress` what goes on. `who` is
    recorded; None is the one who runs it.
    """

    root: Path
    environ: Mapping[str, str]
    ledger: Ledger
    clock: Callable[[], datetime]
    synthesize: Callable[[Settings], None]
    engine: Callable[[Settings], Engine]
    show: Callable[[str], None]
    progress: Callable[[str], None]
    who: str | None = None

    def preview(self, settings: Settings, from_: str | None = None, neighbours: Sequence[Neighbour] = ()) -> Preview:
        """What the night changes, counted from what is deployed, or from what `--from` names. Raises OperationError."""
        if from_:
            before = deployed.night_or_start(settings, from_)
        else:
            before = deployed.from_state(self.root, settings, self.environ)
        return preview(settings, before.world, before.label, self.clock(), neighbours)

    def neighbours(self, settings: Settings) -> list[Neighbour]:
        """Those that are live; none, with a note, where Cloud Scheduler cannot be asked."""
        from operations.neighbours import live_neighbours

        try:
            return live_neighbours(settings, self.environ)
        except OperationError as error:
            self.show(f"NOTE: neighbours are not known ({error}).")
            return []

    def record(self, kind: str, settings: Settings, data: Mapping[str, object]) -> None:
        """Appends to the ledger. Raises OperationError."""
        self.ledger.append(
            kind,
            strategy=settings.strategy,
            night=settings.night,
            data=data,
            target=target_of(settings),
            at=self.clock(),
            who=self.who,
        )


@dataclass(frozen=True)
class Request:
    """What is asked for: `from_` is `--from`; `force` accepts lost runs; `overrides` are names of checks.

    `expects_preview` is False where Terraform's plan may differ from the preview, since it repairs what was changed by
    hand: on the way back, and when a night is deployed again. It may never delete what the preview does not remove.
    `way_back`: it undoes nights, so it needs no gate. Raises OperationError for `force` without a reason.
    """

    settings: Settings
    from_: str | None = None
    force: bool = False
    overrides: Sequence[str] = ()
    reason: str | None = None
    expects_preview: bool = True
    way_back: bool = False

    def __post_init__(self) -> None:
        if self.force and not (self.reason or "").strip():
            raise OperationError("--force needs --reason TEXT: why runs may be lost; it is recorded in the ledger")


@dataclass(frozen=True)
class Target:
    """A night that is planned and may be applied: its stacks, Terraform's changes, the rows that the tables have."""

    preview: Preview
    stacks: list[str]
    planned: list[Planned]
    rows: dict[str, int | None] | None
    overrides: list[Override] = field(default_factory=list)


def stacks_to_deploy(found: Preview, settings: Settings) -> list[str]:
    """The stacks that differ; where none does, the night's own, so that a deploy can be repeated."""
    before = deployed.assumed(settings)
    return found.stacks or preview(settings, before.world, before.label, found.at).stacks


def plan_hash(planned: Sequence[Planned]) -> str:
    """The same for plans that do the same."""
    return hashlib.sha256(canonical([vars(one) for one in planned])).hexdigest()


def plan(site: Site, settings: Settings, stacks: Sequence[str], engine: Engine) -> list[Planned]:
    """Synthesizes the night and plans its stacks; the engine can then apply that. Raises OperationError."""
    site.progress(f"planning {', '.join(stacks)}")
    site.synthesize(settings)
    return engine.plan(stacks)


def deploy(site: Site, request: Request, confirm: Callable[[Target], None]) -> Target:
    """Deploys the request's night and records it. `confirm` is asked before anything is changed; it raises to stop.

    Raises OperationError.
    """
    engine = site.engine(request.settings)
    with lock(site.root):
        target = _prepare(site, request, engine)
        confirm(target)
        # The question may have been on the screen for an hour.
        refuse_lost_runs(site.preview(request.settings, request.from_), force=request.force)
        _apply(site, request.settings, target, engine)
    return target


def refuse_lost_runs(found: Preview, *, force: bool) -> None:
    """Raises OperationError where a deploy now takes a run away."""
    if found.loses_runs and not force:
        raise OperationError("refused: a deploy now loses the runs named above; wait as they say, or use --force")


def _prepare(site: Site, request: Request, engine: Engine) -> Target:
    settings = request.settings
    found = site.preview(settings, request.from_)
    refuse_lost_runs(found, force=request.force)
    named = [name for name in request.overrides if name != PLAN]
    overrides = check_approval(
        site.ledger, settings, named, request.reason, now=site.clock(), way_back=request.way_back
    )
    stacks = stacks_to_deploy(found, settings)
    rows = _row_counts(site, settings)
    planned = plan(site, settings, stacks, engine)
    _refuse_another_plan(site.ledger, settings, stacks, planned)
    is_previewed = request.expects_preview and found.has_changes
    unexpected = (unexpected_changes if is_previewed else unexpected_deletes)(found, planned)
    if unexpected:
        if PLAN not in request.overrides or not (request.reason or "").strip():
            raise OperationError("\n".join([*unexpected, f"refused. To go on anyway: --override {PLAN} --reason TEXT"]))
        overrides.append(Override(settings.night, PLAN, str(request.reason)))
    overrides += lost_runs(found, request.reason)
    return Target(found, stacks, planned, rows, overrides)


def _apply(site: Site, settings: Settings, target: Target, engine: Engine) -> None:
    """Records that it starts, applies, records the end. Raises OperationError; without a record nothing is applied."""
    for override in target.overrides:
        record_override(site.ledger, settings, override, site.clock(), site.who)
    data = {
        "stacks": target.stacks,
        "plan_hash": plan_hash(target.planned),
        "changes": len(target.planned),
        "started_at": site.clock().isoformat(),
        "rows": target.rows,
    }
    site.record("deploy", settings, {**data, "outcome": STARTED})
    try:
        engine.apply(target.stacks, site.show)
    except BaseException as error:
        interrupted = isinstance(error, InterruptedOperationError | KeyboardInterrupt)
        ended = {"outcome": "interrupted" if interrupted else "failed", "error": _first_line(error)}
        try:
            site.record("deploy", settings, {**data, **ended, "ended_at": site.clock().isoformat()})
        except OperationError as unrecorded:
            site.show(f"NOTE: the ledger has this deploy as started and not its end ({unrecorded}).")
        raise
    try:
        site.record("deploy", settings, {**data, "outcome": DONE, "ended_at": site.clock().isoformat()})
    except OperationError as unrecorded:
        raise OperationError(
            f"applied, but its end is not on record: {unrecorded}; run the same command again"
        ) from None


def _first_line(error: BaseException) -> str:
    text = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return text.encode(errors="replace").decode()


def _approved_plan(ledger: Ledger, settings: Settings) -> dict[str, Any] | None:
    """The data of the plan that `diff --save` saved of this night since it was deployed last."""
    records = of_target(ledger.records(), settings)
    saved, done = newest(records, "preview", settings), newest(records, "deploy", settings)
    return saved.data if saved and (done is None or done.seq < saved.seq) and saved.data["plan_hash"] else None


def _refuse_another_plan(ledger: Ledger, settings: Settings, stacks: Sequence[str], planned: Sequence[Planned]) -> None:
    approved = _approved_plan(ledger, settings)
    if approved and (plan_hash(planned) != approved["plan_hash"] or set(stacks) != set(approved["stacks"])):
        raise OperationError(
            "refused: Terraform's plan is not the one that was saved and approved, something changed since; "
            "run `ingest-rollout diff --save` again and have it approved"
        )


def _row_counts(site: Site, settings: Settings) -> dict[str, int | None] | None:
    """Each table's rows before the deploy, for the gate, by entity; None for what could not be counted."""
    # Google's clients are imported where they are used: completion of a deploy's options loads this module.
    from operations.cloud.bigquery import bigquery_client
    from operations.evidence import table_states

    try:
        found = table_states(bigquery_client(settings, site.environ), settings)
        for why in found.broken.values():
            site.show(f"NOTE: no row count ({why}); the gate cannot see whether that table shrinks.")
        return {**{entity: table.rows for entity, table in found.loaded.items()}, **dict.fromkeys(found.broken)}
    except OperationError as error:
        site.show(f"NOTE: no row counts ({error}); the gate cannot see whether a table shrinks.")
        return None
