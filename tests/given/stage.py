"""A rehearsal that has not begun, at 9 PM of a Monday."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from ingest.schedule import time_zone
from operations.cloud.credentials import local_scheduler_client
from operations.terraform.engine import Planned, changing
from rehearsal.faults import parse
from rehearsal.rehearse import Rehearsal
from rehearsal.session import choose, twin_site
from rehearsal.trouble import Trouble
from rehearsal.workspace import Workspace
from twin.scheduler import Fields
from twin.twin import Twin

STACKS = ["phase-core", "phase-financial", "phase-labor", "phase-reference"]
MONDAY = datetime(2026, 10, 19, 21, tzinfo=time_zone("America/Phoenix"))

Open = Callable[..., AbstractContextManager["Stage"]]


class Stage:
    """A twin with its workspace, and a rehearsal on it that has not begun."""

    def __init__(self, twin: Twin, workspace: Workspace, environ: dict[str, str], engine: str, faults: tuple[str, ...]):
        self.twin = twin
        self.workspace = workspace
        self.client = local_scheduler_client(twin.address)
        self.make_engine = choose(engine, workspace, twin.settings, environ, self.client, {})
        self.environ = environ
        self._deployed: dict[str, bytes] = {}
        trouble = Trouble([parse(text, twin.settings.rollout) for text in faults], twin)
        site = twin_site(twin, workspace, environ, self.make_engine)
        self.rehearsal = Rehearsal(twin.settings, twin, site, trouble, lambda text: None)

    def deploy(self, night: int, stacks: Sequence[str] = STACKS) -> tuple[list[Planned], list[tuple[str, str]]]:
        """The plan and the writes of those stacks that the night synthesizes anew; of all of them on a repeat."""
        self.workspace.use(night)
        files = self.workspace.deploys_from.rglob("cdk.tf.json")
        before, self._deployed = self._deployed, {file.parent.name: file.read_bytes() for file in files}
        changed = [stack for stack in stacks if self._deployed[stack] != before.get(stack)]
        engine = self.make_engine()
        planned = engine.plan(changed or stacks)
        engine.apply(sorted({one.stack for one in changing(planned)}))
        # What Terraform knows of a job beside what is declared, the built-in applier does not.
        plain = [replace(one, before=None, after=None, recorded=None) for one in changing(planned)]
        return plain, self.twin.scheduler.take_writes()

    def jobs(self) -> dict[str, Fields]:
        """Every field of every job but the times."""
        jobs = deepcopy(self.twin.scheduler.jobs)
        return {name: {k: v for k, v in job.items() if not k.endswith("Time")} for name, job in jobs.items()}
