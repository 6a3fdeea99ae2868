"""Carries the faults of a rehearsal out on the twin, and fixes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from ingest.rollout import Management, World
from operations.cloud.scheduler import parent
from rehearsal.faults import SERVICE, Fault
from twin.contract import PUBLIC_REFERENCE_PATH
from twin.scheduler import Fields
from twin.seeds import job_name, neighbours
from twin.twin import Twin

_FUTURE = range(10**9, 10**9 + 1)
"""A record that ServiceTitan does not have."""


class Trouble:
    """What strikes before the rollout, before and after a night's deploy. None of it counts as our writes."""

    def __init__(self, faults: Sequence[Fault], twin: Twin) -> None:
        self.faults = faults
        self._twin = twin
        self._touched: dict[str, range] = {}
        self._killed: set[int] = set()
        self._tokens: dict[str, Fields] = {}

    def seed(self) -> None:
        """What is wrong before the rollout begins."""
        for name in self._jobs("post"):
            self._set_method(name, "POST")
        for name in self._jobs("taken"):
            target = {"uri": f"{self._twin.settings.base_url}/somebody-elses"}
            body = {"name": name, "schedule": "0 1 * * *", "httpTarget": target}
            self._twin.scheduler.create(parent(self._twin.settings), body)
        if self._entities("route"):
            self._twin.ingestor.reference_path = PUBLIC_REFERENCE_PATH
        self._twin.scheduler.take_writes()

    def before_deploy(self, night: int) -> None:
        if self._strikes("neighbour", night):
            for job in neighbours(self._twin.settings):
                self._twin.scheduler.create(parent(self._twin.settings), job)
        for kind, behaviour in SERVICE.items():
            self._twin.ingestor.behaviours |= dict.fromkeys(self._entities(kind, night), behaviour)
        for name in self._jobs("edited", night):
            self._twin.scheduler.patch(name, {"schedule": "0 1 * * *"}, ["schedule"])
        self._twin.scheduler.take_writes()

    def kills(self, night: int) -> bool:
        """Whether the deploy is killed: the first one of the night, and none after."""
        if night in self._killed or not self._strikes("killed", night):
            return False
        self._killed.add(night)
        return True

    def was_killed(self, night: int) -> bool:
        return night in self._killed

    def needs_a_setting(self, night: int) -> bool:
        """Whether what struck is put right by a setting, which is not changed in the middle of a rehearsal."""
        return self._strikes("route", night)

    def after_deploy(self, night: int) -> None:
        for name in self._jobs("paused", night):
            self._twin.scheduler.pause(name)
        if self._strikes("token-dropped", night):
            for name, job in self._twin.scheduler.jobs.items():
                if token := job["httpTarget"].pop("oidcToken", None):
                    self._tokens[name] = token
            self._twin.identity.open_to_anybody(False)
        self._twin.scheduler.take_writes()

    def before_gate(self, night: int) -> None:
        for entity in self._entities("shrinks", night):
            self._twin.warehouse.delete(entity, self._older_half(entity))
        for entity in self._entities("doubled", night):
            self._twin.warehouse.stream(entity, self._older_half(entity), self._twin.clock.now)
        for entity in self._entities("future-row", night):
            ahead = self._twin.clock.now + timedelta(days=1)
            self._twin.warehouse.load(entity, _FUTURE, ahead)

    def _older_half(self, entity: str) -> range:
        """Of the entity's records, for `fix` to put right."""
        oldest = self._twin.ingestor.read.get(entity, range(0)).start
        self._touched[entity] = range(oldest, oldest + self._twin.warehouse.count(entity) // 2)
        return self._touched[entity]

    def fix(self, night: int, world: World) -> None:
        """Does by hand what a person would, and leaves to the next deploy what that puts right."""
        twin = self._twin
        twin.ingestor.behaviours.clear()
        for entity, ids in self._touched.items():
            twin.warehouse.delete(entity, ids)
            twin.warehouse.load(entity, ids, twin.clock.now)
        self._touched.clear()
        for entity in self._entities("empty", night):
            # The cursor has moved past what was claimed: no later run would read it.
            read = twin.ingestor.read.get(entity, range(0))
            missing = twin.warehouse.lacks(entity, read)
            twin.warehouse.load(entity, range(read.stop - missing, read.stop), twin.clock.now)
        for entity in self._entities("future-row", night):
            twin.warehouse.delete(entity, _FUTURE)
        if self._strikes("token-dropped", night):
            for name, token in self._tokens.items():
                twin.scheduler.jobs[name]["httpTarget"]["oidcToken"] = token
            twin.identity.open_to_anybody(not self._tokens)
        for name in self._jobs("post", night):
            self._set_method(name, "GET")
        for name in self._jobs("taken", night):
            self._twin.scheduler.delete(name)
        # An adopted job's pause is not declared yet, so no deploy would end it.
        jobs = [job for job in world.values() if job.management is Management.ADOPTED]
        adopted = {job_name(job.entity, self._twin.settings) for job in jobs}
        for name in adopted.intersection(self._jobs("paused", night)):
            self._twin.scheduler.resume(name)
        self._twin.scheduler.take_writes()

    def _strikes(self, kind: str, night: int) -> bool:
        return any(fault.kind == kind and fault.night == night for fault in self.faults)

    def _entities(self, kind: str, night: int | None = None) -> list[str]:
        """The entities that such faults strike on the night, or on any."""
        return [str(f.entity) for f in self.faults if f.kind == kind and night in (None, f.night)]

    def _jobs(self, kind: str, night: int | None = None) -> Iterator[str]:
        struck = self._entities(kind, night)
        return (
            job_name(entity, self._twin.settings) for entity in self._twin.settings.catalogue if entity.name in struck
        )

    def _set_method(self, name: str, method: str) -> None:
        self._twin.scheduler.patch(name, {"httpTarget": {"httpMethod": method}}, ["httpTarget.httpMethod"])
