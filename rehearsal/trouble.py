"""Carries the faults of a rehearsal out on the twin, and mends them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.catalogue import CATALOGUE
from ingest.rollout import Hold, World
from operations.cloud.scheduler import parent
from rehearsal.faults import SERVICE, Fault
from twin.seeds import job_name
from twin.twin import Twin


class Trouble:
    """What strikes before the rollout, before and after a night's deploy. None of it counts as our writes."""

    def __init__(self, faults: Sequence[Fault], twin: Twin) -> None:
        self._faults = faults
        self._twin = twin
        self._deleted: dict[str, range] = {}
        self._killed: set[int] = set()

    def seed(self) -> None:
        """What is wrong before the rollout begins."""
        for name in self._jobs("post"):
            self._set_method(name, "POST")
        for name in self._jobs("taken"):
            target = {"uri": f"{self._twin.settings.base_url}/somebody-elses"}
            body = {"name": name, "schedule": "0 1 * * *", "httpTarget": target}
            self._twin.scheduler.create(parent(self._twin.settings), body)
        self._twin.scheduler.take_writes()

    def before_deploy(self, night: int) -> None:
        for kind, behaviour in SERVICE.items():
            self._twin.ingestor.behaviours |= dict.fromkeys(self._entities(kind, night), behaviour)
        for name in self._jobs("edited", night):
            self._twin.scheduler.patch(name, {"schedule": "0 1 * * *"}, ["schedule"])
        self._twin.scheduler.take_writes()

    def kills(self, night: int) -> bool:
        """Whether the deploy is killed: the first one of the night, and none after."""
        if night in self._killed or not any(fault.kind == "killed" and fault.night == night for fault in self._faults):
            return False
        self._killed.add(night)
        return True

    def after_deploy(self, night: int) -> None:
        for name in self._jobs("paused", night):
            self._twin.scheduler.pause(name)
        self._twin.scheduler.take_writes()

    def before_gate(self, night: int) -> None:
        for entity in self._entities("shrinks", night):
            self._deleted[entity] = range(self._twin.warehouse.count(entity) // 2)
            self._twin.warehouse.delete(entity, self._deleted[entity])

    def mend(self, night: int, world: World) -> None:
        """Does by hand what a person would, and leaves to the next deploy what that puts right."""
        self._twin.ingestor.behaviours.clear()
        for entity, ids in self._deleted.items():
            self._twin.warehouse.load(entity, ids, self._twin.ingestor.began)
        self._deleted.clear()
        for name in self._jobs("post", night):
            self._set_method(name, "GET")
        for name in self._jobs("taken", night):
            self._twin.scheduler.delete(name)
        # An adopted job's pause is not declared yet, so no deploy would end it.
        adopted = {job_name(job.entity, self._twin.settings) for job in world.values() if job.hold is Hold.ADOPTED}
        for name in adopted.intersection(self._jobs("paused", night)):
            self._twin.scheduler.resume(name)
        self._twin.scheduler.take_writes()

    def _entities(self, kind: str, night: int | None = None) -> list[str]:
        """The entities that such faults strike on the night, or on any."""
        return [str(f.entity) for f in self._faults if f.kind == kind and night in (None, f.night)]

    def _jobs(self, kind: str, night: int | None = None) -> Iterator[str]:
        struck = self._entities(kind, night)
        return (job_name(entity, self._twin.settings) for entity in CATALOGUE if entity.name in struck)

    def _set_method(self, name: str, method: str) -> None:
        self._twin.scheduler.patch(name, {"httpTarget": {"httpMethod": method}}, ["httpTarget.httpMethod"])
