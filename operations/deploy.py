"""Deploys a night: the one procedure, of `ingest-rollout deploy`, `rollback` and of a rehearsal.

Its stages, in this order: require (the gate of the night before, nobody else at work), count rows, synthesize, plan
every stack, compare with what the rollout and a saved plan expect, confirm, record the start, apply that plan, look at
the live jobs, record the end. Until it is confirmed nothing is changed and nothing recorded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.catalogue import CATALOGUE
from ingest.neighbours import Neighbour
from ingest.preview import Preview, preview
from ingest.rollout import IDENTITY_STACK, Action
from ingest.settings import Settings
from operations.errors import OperationError
from operations.ledger.approval import Override, check_approval, lost_runs, record_override
from operations.ledger.ledger import Ledger
from operations.ledger.record import canonical
from operations.ledger.standing import DONE, STARTED, newest, of_target, target_of
from operations.local.lock import lock
from operations.terraform import deployed
from operations.terraform.deployed import Before
from operations.terraform.engine import OUTPUT, Engine, Planned, changing
from operations.terraform.plan_check import Release, releases, unexpected_changes
from operations.terraform.process import InterruptedOperationError

# Google's clients are imported where they are used: completion of a deploy's options loads this module.
if TYPE_CHECKING:
    from operations.cloud.jobs import Fields

PLAN = "plan"
"""The name under which a plan that undoes what somebody did by hand is overridden."""

LOOKS, PAUSE_SECONDS = 3, 1.0
"""How often the live jobs are looked at after an apply, until they are as declared."""


@dataclass(frozen=True)
class Site:
    """Where nights are deployed: a checkout, or a rehearsal's folder on the twin.

    State and synthesized stacks are under `root`; `environ` leads Google's clients; `synthesize` writes a night's
    stacks, `engine` applies them and `live` gives the catalogue's live jobs, by short name; `show` gets what was done,
    a line each, `progress` what goes on. `who` is recorded; None is the one who runs it.
    """

    root: Path
    environ: Mapping[str, str]
    ledger: Ledger
    clock: Callable[[], datetime]
    synthesize: Callable[[Settings], None]
    engine: Callable[[Settings], Engine]
    live: Callable[[Settings], Mapping[str, Fields]]
    show: Callable[[str], None]
    progress: Callable[[str], None]
    who: str | None = None

    def preview(self, settings: Settings, neighbours: Sequence[Neighbour] = ()) -> Preview:
        """What the night changes by Terraform's state. Raises OperationError."""
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
    """What is asked for: `force` accepts lost runs; `overrides` are names of checks; a `way_back` needs no gate.

    Raises OperationError for `force` without a reason.
    """

    settings: Settings
    force: bool = False
    overrides: Sequence[str] = ()
    reason: str | None = None
    way_back: bool = False

    def __post_init__(self) -> None:
        if self.force and not (self.reason or "").strip():
            raise OperationError("--force needs --reason TEXT: why runs may be lost; it is recorded in the ledger")


@dataclass(frozen=True)
class Plan:
    """Terraform's plan of every stack that has jobs: `resources` are all of theirs, `preview` is what it means."""

    before: Before
    preview: Preview
    resources: list[Planned]
    releases: list[Release]

    @property
    def changes(self) -> list[Planned]:
        return changing(self.resources)

    @property
    def stacks(self) -> list[str]:
        """Those with changes."""
        return list(dict.fromkeys(resource.stack for resource in self.changes))


@dataclass(frozen=True)
class Target:
    """A night that is planned and may be applied; `live` are the jobs before the plan.

    `rows` are those of the tables, `doubled` those beyond one for each natural key, by entity.
    """

    plan: Plan
    rows: dict[str, int | None] | None
    doubled: dict[str, int | None] | None
    live: Mapping[str, Fields]
    overrides: list[Override] = field(default_factory=list)


def plan_hash(planned: Sequence[Planned]) -> str:
    """The same for plans that do the same."""
    values = [(r.stack, r.address, r.action, r.before, r.after) for r in planned]
    return hashlib.sha256(canonical(values)).hexdigest()


def plan(site: Site, settings: Settings, engine: Engine, neighbours: Sequence[Neighbour] = ()) -> Plan:
    """Synthesizes the night and plans every stack that has jobs; the engine can then apply that.

    What is deployed is what Terraform finds live, not what its state says. Raises OperationError.
    """
    stacks = deployed.stacks_with_jobs(site.root, settings, site.environ)
    if any(job.authenticated for job in settings.world().values()):
        stacks.insert(0, IDENTITY_STACK)
    site.progress(f"synthesizing night {settings.night}")
    site.synthesize(settings)
    resources = engine.plan(stacks)
    before = deployed.from_plan(resources, settings)
    shown = preview(settings, before.world, before.label, site.clock(), neighbours)
    left = releases(shown, resources)
    shown = replace(shown, warnings=[*shown.warnings, *(release.warning for release in left)])
    return Plan(before, shown, resources, left)


def deploy(
    site: Site,
    request: Request,
    confirm: Callable[[Target], None],
    present: Callable[[Preview], None] = lambda preview: None,
) -> Target:
    """Deploys the request's night and records it. `present` gets what it changes, before anything is refused for that.

    `confirm` is asked before anything is changed, unless there is nothing to change; it raises to stop. Raises
    OperationError.
    """
    settings = request.settings
    engine = site.engine(settings)
    with lock(site.root):
        target = _prepare(site, request, engine, present)
        if target.plan.changes:
            confirm(target)
            # The question may have been on the screen for an hour.
            before = target.plan.before
            refuse_lost_runs(preview(settings, before.world, before.label, site.clock()), force=request.force)
            _refuse_edited(site, settings, target)
        _apply(site, settings, target, engine)
    return target


def refuse_lost_runs(preview: Preview, *, force: bool) -> None:
    """Raises OperationError where a deploy now takes a run away."""
    if preview.loses_runs and not force:
        raise OperationError(
            f"refused: a deploy now loses the runs named above. {preview.when_nothing_is_lost}: wait until then, or "
            "use --force --reason TEXT"
        )


def _prepare(site: Site, request: Request, engine: Engine, present: Callable[[Preview], None]) -> Target:
    settings = request.settings
    named = [name for name in request.overrides if name != PLAN]
    # A night that the state has already, as after plain cdktf, is repeated as one that the ledger has.
    needs_no_gate = request.way_back or not site.preview(settings).has_changes
    overrides = check_approval(site.ledger, settings, named, request.reason, now=site.clock(), way_back=needs_no_gate)
    site.progress("asking Cloud Scheduler for its jobs")
    live = site.live(settings)
    site.progress("counting the rows of the tables")
    rows, doubled = _counts(site, settings)
    planned = plan(site, settings, engine, site.neighbours(settings))
    present(planned.preview)
    refuse_lost_runs(planned.preview, force=request.force)
    _refuse_another_plan(site.ledger, settings, planned)
    if unexpected := unexpected_changes(planned.preview, planned.resources, settings):
        if PLAN not in request.overrides or not (request.reason or "").strip():
            raise OperationError("\n".join([*unexpected, f"refused. To go on anyway: --override {PLAN} --reason TEXT"]))
        overrides.append(Override(settings.night, PLAN, str(request.reason)))
    overrides += lost_runs(planned.preview, request.reason)
    return Target(planned, rows, doubled, live, overrides)


def _refuse_edited(site: Site, settings: Settings, target: Target) -> None:
    """Raises OperationError where a job that is to be changed is not as it was before the plan."""
    live = site.live(settings)
    ours = {resource.name for resource in target.plan.changes}
    names = {entity.name: entity.job_name for entity in settings.catalogue if entity.name in ours}
    edited = [entity for entity, job in names.items() if live.get(job) != target.live.get(job)]
    if edited:
        raise OperationError(
            f"refused: {', '.join(edited)} changed while this deploy was planned and confirmed; nothing was applied. "
            "Run it again to see what it would do now"
        )


def _released(site: Site, settings: Settings, target: Target, engine: Engine) -> Plan:
    """Lets go of the jobs that Terraform would delete, and plans again without them."""
    if not target.plan.releases:
        return target.plan
    for release in target.plan.releases:
        job = release.planned
        taking = [other for other in target.plan.changes if other.stack == release.to and other.address == job.address]
        # First: a job in two states is released again after a kill, one in none would be live and not recorded.
        if release.to and taking and taking[0].action == "create":
            engine.take(release.to, job.address, str((job.before or {})["id"]))
        engine.release(job.stack, job.address)
        site.show(release.warning.text)
    planned = plan(site, settings, engine)
    if planned.releases or unexpected_changes(planned.preview, planned.resources, settings):
        raise OperationError("Terraform's plan changed while this deploy was at it; nothing was applied. Run it again")
    return planned


def _apply(site: Site, settings: Settings, target: Target, engine: Engine) -> None:
    """Records that it starts, applies, records the end. Raises OperationError; without a record nothing is applied."""
    for override in target.overrides:
        record_override(site.ledger, settings, override, site.clock(), site.who)
    data = {
        "stacks": target.plan.stacks,
        "plan_hash": plan_hash(target.plan.changes),
        "changes": len(target.plan.changes),
        "started_at": site.clock().isoformat(),
        "rows": target.rows,
        "doubled": target.doubled,
    }
    site.record("deploy", settings, {**data, "outcome": STARTED})
    try:
        stacks = _released(site, settings, target, engine).stacks
        if stacks:
            engine.apply(stacks, site.show)
        _refuse_unfinished(site, settings, target)
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


def _refuse_unfinished(site: Site, settings: Settings, target: Target) -> None:
    """Raises OperationError where the live jobs are not what the night declares, whatever Terraform says."""
    from operations.terraform.declared import not_as_declared, read

    declared = read(site.root / OUTPUT)
    removed = [c.entity.job_name for c in target.plan.preview.changes if Action.REMOVE in c.actions]
    for look in range(LOOKS):
        missing = not_as_declared(declared, site.live(settings), removed)
        if not missing:
            return
        if look < LOOKS - 1:
            time.sleep(PAUSE_SECONDS)
    raise OperationError(
        f"night {settings.night} is not deployed: {'; '.join(missing)}. Run the same command again; "
        "it does what is missing"
    )


def _approved_plan(ledger: Ledger, settings: Settings) -> dict[str, Any] | None:
    """The data of the plan that `diff --save` saved of this night since it was deployed last."""
    records = of_target(ledger.records(), settings)
    saved, done = newest(records, "preview", settings), newest(records, "deploy", settings)
    return saved.data if saved and (done is None or done.seq < saved.seq) and saved.data["plan_hash"] else None


def _refuse_another_plan(ledger: Ledger, settings: Settings, planned: Plan) -> None:
    approved = _approved_plan(ledger, settings)
    if approved and plan_hash(planned.changes) != approved["plan_hash"]:
        raise OperationError(
            "refused: Terraform's plan is not the one that was saved and approved, something changed since; "
            "run `ingest-rollout diff --save` again and have it approved"
        )


def _counts(site: Site, settings: Settings) -> tuple[dict[str, int | None] | None, dict[str, int | None] | None]:
    """Each table's rows before the deploy, and those beyond one for each natural key, by entity, for the gate.

    None for what could not be counted.
    """
    # Google's clients are imported where they are used: completion of a deploy's options loads this module.
    from operations.cloud.bigquery import bigquery_client
    from operations.cloud.tables import states

    try:
        tables = states(bigquery_client(settings, site.environ), settings, CATALOGUE)
        for why in tables.broken.values():
            site.show(f"NOTE: no row count ({why}); the gate cannot see whether that table shrinks.")
        for why in {*tables.uncounted.values()} - {*tables.broken.values()}:
            site.show(f"NOTE: no natural keys ({why}); the gate cannot see whether rows are doubled.")
        rows = {**{entity: table.rows for entity, table in tables.loaded.items()}, **dict.fromkeys(tables.broken)}
        doubled = {entity: keys.doubled for entity, keys in tables.keys.items()}
        return rows, {**doubled, **dict.fromkeys(tables.uncounted)}
    except OperationError as error:
        site.show(f"NOTE: no row counts ({error}); the gate cannot see whether a table shrinks or rows are doubled.")
        return None, None
