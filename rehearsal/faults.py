"""Named trouble for a rehearsal, and how it is fixed afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ingest.catalogue import CATALOGUE
from ingest.rollout import Strategy, before_rollout, state_at
from operations.errors import OperationError
from twin.service import Behaviour

SERVICE = {
    "fails": Behaviour(http_status=500, duration=timedelta(seconds=15)),
    "throttled": Behaviour(http_status=429, duration=timedelta(seconds=15)),
    "missing-upstream": Behaviour(http_status=404, duration=timedelta(seconds=1)),
    "slow": Behaviour(duration=timedelta(minutes=20)),
    "times-out": Behaviour(duration=timedelta(minutes=40)),
    "empty": Behaviour(loads_rows=False),
    "quiet": Behaviour(quiet=True),
    "log-lost": Behaviour(logs=False),
}
"""How the ingest service's runs go for the entity until the fault is fixed."""

KINDS = {
    "fails": "ServiceTitan answers 500, so the service answers 500",
    "throttled": "ServiceTitan answers 429, so the service answers 500",
    "missing-upstream": "ServiceTitan answers 404, so the service answers 500",
    "route": "the service has its reference entities at /ingest-ref, as its public source does",
    "slow": "the ingest takes 20 minutes",
    "times-out": "the ingest takes 40 minutes, longer than Cloud Scheduler ever waits",
    "empty": "the ingest claims rows and loads none",
    "quiet": "ServiceTitan has no new records, so the service answers 200 and touches no table",
    "log-lost": "the service cannot write the run's row to its run log, which it swallows",
    "future-row": "the table has a row that is dated a day ahead",
    "paused": "somebody pauses the job after the deploy",
    "shrinks": "somebody deletes the older half of the table's rows after its run",
    "doubled": "rows are streamed into the table once more after its run, which doubles them",
    "edited": "somebody moves the job to 01:00 before the deploy",
    "post": "the live job was made with POST, gcloud's default",
    "taken": "a job of that name exists, although the night is to create it",
    "token-dropped": "the jobs send no token, and the service lets nobody in without one",
    "neighbour": "jobs that are not in the catalogue call the same service at 4, 8, 14 and 20 h",
    "killed": "the deploy is killed between plan and apply",
}

WHOLE_NIGHT = ("token-dropped", "neighbour", "killed")
"""Faults that strike no single entity."""

HARMLESS = ("quiet", "log-lost", "neighbour")
"""Faults at which the gate is right to open; a quiet entity that may not be is one that it is right to block."""


@dataclass(frozen=True)
class Fault:
    """`entity` is None for those of WHOLE_NIGHT; `night` is the one on which it strikes."""

    kind: str
    entity: str | None
    night: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.entity}" if self.entity else self.kind


def parse(text: str, strategy: Strategy) -> Fault:
    """Reads KIND[:ENTITY][@NIGHT].

    Without a night it is the first on which it can strike; for "killed" the one that moves jobs.
    Raises OperationError.
    """
    what, _, night = text.partition("@")
    kind, _, entity = what.partition(":")
    if kind not in KINDS:
        raise OperationError(f"--fault: {kind!r} is not known; allowed: {', '.join(KINDS)}")
    if kind in WHOLE_NIGHT:
        if entity:
            raise OperationError(f"--fault: {text!r}; {kind} strikes the whole night, write {kind} or {kind}@2")
        shift = next(n.number for n in strategy.nights if n.shifts)
        usual = shift if kind == "killed" else strategy.numbers[0]
        return Fault(kind, None, _night(text, night, strategy.numbers, usual))
    if entity not in [e.name for e in CATALOGUE]:
        raise OperationError(f"--fault: {text!r} needs an entity of the catalogue, such as {kind}:invoices")
    lives = [number for number in strategy.numbers if entity in state_at(strategy, number)]
    is_live = entity in before_rollout()
    references = [e.name for e in CATALOGUE if e.is_reference]
    if kind == "route" and entity not in references:
        raise OperationError(f"--fault: {text!r} does not fit; route needs one of {', '.join(references)}")
    if kind in ("post", "taken"):
        if is_live is not (kind == "post"):
            wanted = "a job that is live" if kind == "post" else "a job that the rollout creates"
            raise OperationError(f"--fault: {text!r} does not fit; {kind} needs {wanted}")
        lives = lives[:1]
    # What the night itself creates is neither there to be edited before it nor counted.
    if kind in ("edited", "shrinks", "doubled") and not is_live:
        lives = lives[1:]
    if not lives:
        raise OperationError(f"--fault: {text!r} does not fit; no night follows the one that creates the job")
    return Fault(kind, entity, _night(text, night, lives, lives[0]))


def _night(text: str, night: str, allowed: list[int], usual: int) -> int:
    if night and night not in map(str, allowed):
        listed = ", ".join(map(str, allowed))
        raise OperationError(f"--fault: {text!r} names a night on which it cannot strike; allowed: {listed}")
    return int(night) if night else usual
