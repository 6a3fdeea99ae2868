"""A place to deploy from whose engine notes what it is asked for, and what a night's synthesis leaves there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingest.catalogue import GROUPS
from ingest.settings import Settings
from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.deploy import Site
from operations.ledger.ledger import Ledger
from operations.terraform.engine import OUTPUT, Planned, Show, unseen
from tests.given.planned import attributes


@dataclass
class Recorder:
    """An engine whose plan is given, until something is released, and which fails with `error`."""

    planned: list[Planned]
    calls: list[str] = field(default_factory=list)
    error: Exception | None = None
    name: str = "a recorder"

    def plan(self, stacks: object) -> list[Planned]:
        self.calls.append("plan")
        return self.planned

    def apply(self, stacks: object, show: Show = unseen) -> None:
        self.calls.append("apply")
        if self.error:
            raise self.error

    def release(self, stack: str, address: str) -> None:
        self.calls.append(f"release {address.partition('.')[2]}")
        self.planned = [one for one in self.planned if one.action != "delete"]

    def take(self, stack: str, address: str, job: str) -> None:
        self.calls.append(f"take {job}")


def recorded_site(root: Path, ledger: Ledger, recorder: Recorder, now: datetime) -> Site:
    return Site(
        root=root,
        environ={ENDPOINT_VARIABLE: "http://127.0.0.1:9/v1/", TOKEN_VARIABLE: "of-nobody"},
        ledger=ledger,
        clock=lambda: now,
        synthesize=lambda settings: recorder.calls.append("synthesize"),
        engine=lambda settings: recorder,
        live=lambda settings: {},
        show=lambda text: recorder.calls.append(text.partition(":")[0]),
        progress=lambda text: None,
        who="ana@example.com",
    )


def declare(root: Path, settings: Settings) -> None:
    """Writes what the synthesis of the night would, cut down to its jobs."""
    for group in GROUPS:
        jobs = {}
        for name, job in settings.world().items():
            if job.entity.group == group.name:
                (target,) = attributes(job, settings)["http_target"]
                given = attributes(job, settings) | {"http_target": target | {"oidc_token": None}}
                jobs[name] = given | {"region": settings.region}
        folder = root / OUTPUT / "stacks" / group.stack
        folder.mkdir(parents=True)
        provider = {"google": [{"project": settings.project}]}
        content = {"provider": provider, "resource": {"google_cloud_scheduler_job": jobs}}
        (folder / "cdk.tf.json").write_text(json.dumps(content))
