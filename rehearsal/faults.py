"""Named trouble for a rehearsal, and how it is mended afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ingest.catalogue import CATALOGUE
from ingest.rollout import Strategy, before_rollout, state_at
from operations.errors import OperationError
from twin.service import Behaviour

SERVICE = {
    "fails": Behaviour(http_status=500, duration=timedelta(seconds=5)),
    "throttled": Behaviour(http_status=429, duration=timedelta(seconds=1)),
    "slow": Behaviour(duration=timedelta(minutes=20)),
    "times-out": Behaviour(duration=timedelta(minutes=40)),
    "empty": Behaviour(loads_rows=False),
}
"""How the ingest service answers for the entity until the fault is mended."""

KINDS = {
    "fails": "the service answers 500",
    "throttled": "the service answers 429",
    "slow": "the ingest takes 20 minutes",
    "times-out": "the ingest takes 40 minutes, longer than Cloud Scheduler ever waits",
    "empty": "the ingest succeeds and loads no rows",
    "paused": "somebody pauses the job after the deploy",
    "shrinks": "somebody deletes the older half of the table's rows after its run",
    "edited": "somebody moves the job to 01:00 before the deploy",
    "post": "the live job was made with POST, gcloud's default",
    "taken": "a job of that name exists, although the night is to create it",
    "killed": "the deploy is killed between plan and apply",
}


@dataclass(frozen=True)
class Fault:
    """`entity` is None for "killed"; `night` is the one on which it strikes."""

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
    if kind == "killed":
        if entity:
            raise OperationError(f"--fault: {text!r}; killed strikes the whole deploy, write killed or killed@2")
        usual = next(one.number for one in strategy.nights if one.shifts)
        return Fault(kind, None, _night(text, night, strategy.numbers, usual))
    if entity not in [one.name for one in CATALOGUE]:
        raise OperationError(f"--fault: {text!r} needs an entity of the catalogue, such as {kind}:invoices")
    lives = [number for number in strategy.numbers if entity in state_at(strategy, number)]
    is_live = entity in before_rollout()
    if kind in ("post", "taken"):
        if is_live is not (kind == "post"):
            wanted = "a job that is live" if kind == "post" else "a job that the rollout creates"
            raise OperationError(f"--fault: {text!r} does not fit; {kind} needs {wanted}")
        lives = lives[:1]
    if kind == "edited" and not is_live:
        lives = lives[1:]
    if not lives:
        raise OperationError(f"--fault: {text!r} does not fit; no night follows the one that creates the job")
    return Fault(kind, entity, _night(text, night, lives, lives[0]))


def _night(text: str, night: str, allowed: list[int], usual: int) -> int:
    if night and night not in map(str, allowed):
        listed = ", ".join(map(str, allowed))
        raise OperationError(f"--fault: {text!r} names a night on which it cannot strike; allowed: {listed}")
    return int(night) if night else usual
