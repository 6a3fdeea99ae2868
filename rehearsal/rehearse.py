"""Plays the rollout night by night on the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from ingest.attempt import Code
from ingest.judging.gate import Check, blocking, gate_time, judge
from ingest.preview import Preview
from ingest.rollout import World
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.deploy import PLAN, Request, Site, Target, deploy
from operations.errors import OperationError
from operations.evidence import ask
from operations.ledger.record import Record
from rehearsal.faults import HARMLESS, Fault
from rehearsal.start import DEPLOY_TIME
from rehearsal.trouble import Trouble
from twin.dispatcher import Attempt
from twin.twin import Twin


@dataclass(frozen=True)
class Step:
    """A line of the report. `problems` are why the rollout is blocked there; `seconds` are real ones."""

    title: str
    preview: Preview
    deployed_at: datetime
    gated_at: datetime | None
    writes: list[tuple[str, str]]
    attempts: list[Attempt]
    checks: list[Check]
    problems: list[str]
    seconds: float

    @property
    def failures(self) -> int:
        return sum(not attempt.ok for attempt in self.attempts)

    @property
    def blocked(self) -> bool:
        return bool(self.problems)


@dataclass(frozen=True)
class Caught:
    """`by` are the checks that blocked its night because of the fault; empty: none did. None: its night never came."""

    fault: Fault
    by: tuple[str, ...] | None

    def __str__(self) -> str:
        if self.by is None:
            return f"{self.fault}: not tried, night {self.fault.night} was not reached or its deploy was refused before"
        if self.by:
            return f"{self.fault}: caught on night {self.fault.night} by {', '.join(self.by)}"
        expected = ", as it should" if self.fault.kind in HARMLESS else ""
        return f"{self.fault}: not caught, the gate of night {self.fault.night} opened{expected}"


class _KilledError(Exception):
    """The fault "killed" strikes."""


@dataclass
class Rehearsal:
    """`site` is where the nights are deployed; `show` gets what goes on."""

    settings: Settings
    twin: Twin
    site: Site
    trouble: Trouble
    show: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    caught: dict[Fault, tuple[str, ...]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    """The ledger when all is over."""

    def __post_init__(self) -> None:
        self._world: World = self.settings.world_at_start()
        self._was_open = self.twin.identity.is_open
        self.trouble.seed()

    @property
    def passed(self) -> bool:
        """Whether the rollout came to its end with nothing lost."""
        return bool(self.steps) and not self.steps[-1].blocked and not self.lost

    @property
    def faults(self) -> list[Caught]:
        """What became of each fault that was to be injected."""
        return [Caught(fault, self.caught.get(fault)) for fault in self.trouble.faults]

    def play(self) -> None:
        """All nights, a second deploy that must change nothing, and the way back. Stops where it cannot go on."""
        self._play()
        self.records = self.site.ledger.records()

    def _play(self) -> None:
        for night in self.settings.rollout.nights:
            self.trouble.before_deploy(night.number)
            self._step(f"night {night.number}, {night.title}", night.number, injecting=True)
            if self.steps[-1].blocked and not self.trouble.needs_a_setting(night.number):
                self.show(f"night {night.number}: blocked; fixing what was broken")
                self.trouble.fix(night.number, self._world)
                self._step(f"night {night.number} again", night.number, fixing=True)
            if self.steps[-1].blocked:
                return
        last = self.settings.rollout.numbers[-1]
        self._step(f"night {last}, second deploy", last, gated=False)
        if not self.steps[-1].blocked:
            back = max(n.number for n in self.settings.rollout.nights if not self._moved_by(n.number))
            self._step(f"back to night {back}", back, way_back=True)
            self.site.record("rollback", replace(self.settings, night=back), {"to": back})
        self.lost = self._losses()

    def _moved_by(self, night: int) -> bool:
        return any(n.shifts for n in self.settings.rollout.nights if n.number <= night)

    def _step(
        self,
        title: str,
        night: int,
        *,
        fixing: bool = False,
        gated: bool = True,
        injecting: bool = False,
        way_back: bool = False,
    ) -> None:
        """Previews, deploys and gates a night; faults strike where `injecting`."""
        started = perf_counter()
        settings = replace(self.settings, night=night)
        preview = self.site.preview(settings, neighbours=self.site.neighbours(settings))
        deployed_at = self.twin.clock.now
        first = len(self.twin.dispatcher.attempts)
        checks: list[Check] = []
        self.show(f"{title}: deploying {', '.join(preview.stacks) or 'again'}")
        target, problems = self._deploy(settings, fixing=fixing, spared=not gated, way_back=way_back)
        writes = self.twin.scheduler.take_writes()
        gated_at = None
        if not gated and not problems and writes:
            problems = ["the second deploy wrote to Cloud Scheduler; it should change nothing"]
        if gated and not problems:
            self._world = settings.world()
            # From the night on which all jobs send their token, the service is closed to requests without one.
            everybody = self._was_open and not all(job.authenticated for job in self._world.values())
            self.twin.identity.open_to_anybody(everybody)
            if injecting:
                self.trouble.after_deploy(night)
            gated_at = gate_time(self._world, settings, deployed_at)
            self.show(f"{title}: letting time pass until {gated_at:%a %H:%M}")
            self.twin.advance(gated_at)
            if injecting:
                self.trouble.before_gate(night)
            checks, data = self._gate(deployed_at, target)
            self.site.record("gate", settings, data)
            problems = [str(check) for check in checks if check.verdict.blocks]
            problems += self._elsewhere(self.twin.dispatcher.attempts[first:])
        if injecting:
            self._note_caught(night, checks, problems)
        step = Step(
            title,
            preview,
            deployed_at,
            gated_at,
            writes,
            self.twin.dispatcher.attempts[first:],
            checks,
            problems,
            perf_counter() - started,
        )
        self.steps.append(step)
        # What was not deployed is deployed again the same evening: a gate is old when its jobs have run again.
        if gated_at:
            self.twin.advance(self._next_evening())

    def _deploy(
        self, settings: Settings, *, fixing: bool, spared: bool, way_back: bool
    ) -> tuple[Target | None, list[str]]:
        """What `ingest-rollout deploy` does; the problems are why it did not come to its end."""

        def confirm(target: Target) -> None:
            if not (fixing or spared) and self.trouble.kills(settings.night):
                raise _KilledError

        try:
            request = Request(settings, overrides=[PLAN] if fixing else [], reason="fixed by hand", way_back=way_back)
            return deploy(self.site, request, confirm), []
        except _KilledError:
            return None, ["the deploy was killed between plan and apply"]
        except OperationError as error:
            return None, str(error).splitlines()

    def _gate(self, since: datetime, target: Target | None) -> tuple[list[Check], dict[str, Any]]:
        """What `ingest-rollout gate` would find after the deploy of `target`, and record."""
        before = (target.rows, target.doubled) if target else (None, None)
        evidence = ask(self.settings, self.site.environ, before[0], since, before[1])
        return judge(self._world, self.settings, evidence, since, self.twin.clock.now)

    def _next_evening(self) -> datetime:
        local = self.twin.clock.now.astimezone(time_zone(self.settings.time_zone))
        evening = datetime.combine(local.date(), DEPLOY_TIME, local.tzinfo)
        return evening if evening > local else evening + timedelta(days=1)

    def _note_caught(self, night: int, checks: list[Check], problems: list[str]) -> None:
        for fault in self.trouble.faults:
            if fault.night != night:
                continue
            mine = [check for check in checks if fault.entity in (None, check.entity)]
            if checks:
                self.caught[fault] = tuple(blocking(mine))
            elif not problems:
                self.caught[fault] = ()
            elif self._stopped(fault, problems):
                # Nothing was gated: the deploy itself refused.
                planned = any(f"--override {PLAN}" in text for text in problems)
                self.caught[fault] = ("plan",) if planned and fault.entity else ("deploy",)

    def _stopped(self, fault: Fault, problems: list[str]) -> bool:
        """Whether the fault is what stopped the deploy."""
        if fault.entity is None:
            return fault.kind == "killed" and self.trouble.was_killed(fault.night)
        names = (fault.entity, fault.entity.replace("_", "-"))
        return any(name in text for name in names for text in problems)

    def _elsewhere(self, attempts: list[Attempt]) -> list[str]:
        """The setting to change, if reference entities were not found where it says."""
        here, there = self.settings.reference_path, self.twin.ingestor.reference_path
        missing = {attempt.job for attempt in attempts if attempt.code == Code.NOT_FOUND}
        entities = [job.entity for job in self._world.values()]
        names = [entity.name for entity in entities if entity.is_reference and entity.job_name in missing]
        if here == there or not names:
            return []
        return [
            f"{', '.join(names)}: the service answers 404 at {here} and has them at {there}; "
            f'set "reference_path": "{there}" in cdktf.json'
        ]

    def _losses(self) -> list[str]:
        """What the rollout lost: a record that a run was to read, a doubled one, a live job.

        Records are told apart by ServiceTitan's own ids.
        """
        losses = []
        for name, job in self._world.items():
            read = self.twin.ingestor.read.get(name, range(0))
            table = job.entity.table_name
            if lacking := self.twin.warehouse.lacks(name, read):
                losses.append(f"{table} lacks {lacking} of the {len(read)} records that ServiceTitan had for its runs")
            if doubled := self.twin.warehouse.rows(name) - self.twin.warehouse.count(name):
                losses.append(f"{table} has {doubled} rows more than records")
        adopted = {job.entity.job_name for job in self._world.values() if job.imported}
        deletes = [(job, step.title) for step in self.steps for verb, job in step.writes if verb == "delete"]
        return losses + [f"{job} was deleted ({title})" for job, title in deletes if job in adopted]
