"""Plays the rollout night by night on the twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from time import perf_counter

from ingest.gate import Check, evaluate, gate_time, record
from ingest.preview import Preview
from ingest.rollout import World
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.deploy import Request, Site, Target, deploy
from operations.errors import OperationError
from operations.evidence import ask
from operations.ledger.ledger import Record
from rehearsal.trouble import Trouble
from twin.dispatcher import Attempt
from twin.twin import Twin

DEPLOY_TIME = time(21)
"""When a night's deploy begins, in the settings' time zone."""


@dataclass(frozen=True)
class Step:
    """A line of the report. `problems` are why the rollout holds there; `seconds` are real ones."""

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
    def held(self) -> bool:
        return bool(self.problems)


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
    records: list[Record] = field(default_factory=list)
    """The ledger when all is over."""

    def __post_init__(self) -> None:
        self._world: World = self.settings.world_at_start()
        # Nobody gives a token to a service that is open; so where all were found with one, it is closed from the start.
        self._was_closed = bool(self._world) and all(job.sends_token for job in self._world.values())
        self.twin.identity.admit({job.declared.token for job in self._world.values() if job.declared})
        self._close_service(self._was_closed)
        self.trouble.seed()

    def _close_service(self, closed: bool) -> None:
        self.twin.identity.open_to_anybody(not (closed or self._was_closed))

    @property
    def passed(self) -> bool:
        """Whether the rollout came to its end, holding only where it should, with nothing lost."""
        return bool(self.steps) and not self.steps[-1].held and not self.lost

    def play(self) -> None:
        """All nights, a second deploy that must change nothing, and the way back. Stops where it cannot go on."""
        self._play()
        self.records = self.site.ledger.records()

    def _play(self) -> None:
        for night in self.settings.rollout.nights:
            self.trouble.before_deploy(night.number)
            self._step(f"night {night.number}, {night.title}", night.number)
            if self.steps[-1].held:
                self.show(f"night {night.number}: holding; mending what was broken")
                self.trouble.mend(night.number, self._world)
                self._step(f"night {night.number} again", night.number, mending=True)
            if self.steps[-1].held:
                return
        last = self.settings.rollout.numbers[-1]
        self._step(f"night {last}, second deploy", last, gated=False)
        if not self.steps[-1].held:
            back = max(n.number for n in self.settings.rollout.nights if not self._moved_by(n.number))
            self._step(f"back to night {back}", back)
            self.site.record("rollback", replace(self.settings, night=back), {"to": back})
        self.lost = self._losses()

    def _moved_by(self, night: int) -> bool:
        return any(n.shifts for n in self.settings.rollout.nights if n.number <= night)

    def _step(self, title: str, night: int, *, mending: bool = False, gated: bool = True) -> None:
        started = perf_counter()
        settings = replace(self.settings, night=night)
        found = self.site.preview(settings)
        deployed_at = self.twin.clock.now
        first = len(self.twin.dispatcher.attempts)
        checks: list[Check] = []
        self.show(f"{title}: deploying {', '.join(found.stacks) or 'again'}")
        target, problems = self._deploy(settings, repairs=mending or not gated)
        writes = self.twin.scheduler.take_writes()
        gated_at = None
        if not gated and not problems and writes:
            problems = ["the second deploy wrote to Cloud Scheduler; it should change nothing"]
        if gated and not problems:
            self._world = settings.world()
            # From the night on which all jobs send their token, the service is closed to requests without one.
            self._close_service(all(job.authenticated for job in self._world.values()))
            if not mending:
                self.trouble.after_deploy(night)
            gated_at = gate_time(self._world, settings.time_zone, deployed_at)
            self.show(f"{title}: letting time pass until {gated_at:%a %H:%M}")
            self.twin.advance(gated_at)
            if not mending:
                self.trouble.before_gate(night)
            checks = self._gate(deployed_at, target.rows if target else None)
            self.site.record("gate", settings, record(checks, deployed_at, self.twin.clock.now))
            problems = [str(check) for check in checks if check.verdict.blocks]
        step = Step(
            title,
            found,
            deployed_at,
            gated_at,
            writes,
            self.twin.dispatcher.attempts[first:],
            checks,
            problems,
            perf_counter() - started,
        )
        self.steps.append(step)
        if gated:
            self.twin.advance(self._next_evening())

    def _deploy(self, settings: Settings, *, repairs: bool) -> tuple[Target | None, list[str]]:
        """What `ingest-rollout deploy` does; the problems are why it did not come to its end."""

        def confirm(target: Target) -> None:
            if not repairs and self.trouble.kills(settings.night):
                raise _KilledError

        try:
            return deploy(self.site, Request(settings, expects_preview=not repairs), confirm), []
        except _KilledError:
            return None, ["the deploy was killed between plan and apply"]
        except OperationError as error:
            return None, str(error).splitlines()

    def _gate(self, since: datetime, rows_before: Mapping[str, int] | None) -> list[Check]:
        """What `ingest-rollout gate` would find."""
        evidence = ask(self.settings, self.site.environ, rows_before)
        return evaluate(self._world, self.settings.time_zone, evidence, since, self.twin.clock.now)

    def _next_evening(self) -> datetime:
        local = self.twin.clock.now.astimezone(time_zone(self.settings.time_zone))
        evening = datetime.combine(local.date(), DEPLOY_TIME, local.tzinfo)
        return evening if evening > local else evening + timedelta(days=1)

    def _losses(self) -> list[str]:
        """What the rollout lost: a record that the source had when a job last succeeded, a doubled one, a live job."""
        found = []
        for name, job in self._world.items():
            done = [a for a in self.twin.dispatcher.attempts if a.job == job.entity.job_name and a.ok]
            if done:
                expected = self.twin.ingestor.records(name, done[-1].started)
                held = self.twin.warehouse.count(name)
                if held < expected:
                    found.append(f"{job.entity.table_name} holds {held} records of the {expected} that the source had")
            if self.twin.warehouse.rows(name) != self.twin.warehouse.count(name):
                found.append(f"{job.entity.table_name} holds records twice")
        for step in self.steps:
            adopted = {job.entity.job_name for job in self._world.values() if job.imported}
            found += [
                f"{job} was deleted ({step.title})" for verb, job in step.writes if verb == "delete" and job in adopted
            ]
        return found
