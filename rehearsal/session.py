"""One rehearsal from its settings to its report: the twin, the temporary folder and the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.cloud.credentials import local_scheduler_client
from operations.errors import OperationError
from operations.ledger.ledger import FILE, Ledger
from operations.repository import ROOT
from operations.terraform.engine import Terraform
from rehearsal.builtin import BuiltIn
from rehearsal.builtin_identity import IdentityClient
from rehearsal.engine import Engine
from rehearsal.faults import Fault
from rehearsal.rehearse import DEPLOY_TIME, Rehearsal
from rehearsal.safety import twin_environ
from rehearsal.trouble import Trouble
from rehearsal.workspace import Workspace, synthesize_nights
from twin.twin import running

PROBE_STACK = "phase-core"


def play(
    settings: Settings, engine: str, faults: Sequence[Fault], begin: datetime, show: Callable[[str], None]
) -> tuple[Rehearsal, str]:
    """The rehearsal when it is over, and the name of what deployed; `show` gets what goes on. Raises OperationError."""
    with TemporaryDirectory(prefix="ingest-rehearsal-") as folder, running(settings, begin) as twin:
        environ = twin_environ(os.environ, twin.endpoints, Path(folder))
        show("synthesizing every night")
        nights = synthesize_nights(ROOT, settings, Path(folder), environ)
        workspace = Workspace(nights, Path(folder) / "deploy")
        client = local_scheduler_client(twin.address)
        make_engine = choose(engine, workspace, environ, client)
        ledger = Ledger(Path(folder) / FILE)
        trouble = Trouble(faults, twin)
        rehearsal = Rehearsal(settings, twin, environ, workspace, make_engine, trouble, ledger, show)
        rehearsal.play()
        return rehearsal, make_engine().name


def next_monday(settings: Settings, now: datetime) -> datetime:
    """The Monday after `now` (aware) at the time of a deploy, so that a rehearsal is the same on every weekday."""
    today = now.astimezone(time_zone(settings.time_zone)).date()
    monday = today + timedelta(days=7 - today.weekday())
    return datetime.combine(monday, DEPLOY_TIME, time_zone(settings.time_zone))


def choose(
    engine: str, workspace: Workspace, environ: Mapping[str, str], client: CloudSchedulerClient
) -> Callable[[], Engine]:
    """What makes the engine; "auto" is Terraform where its provider can be installed, and says so where not.

    Raises OperationError.
    """

    def terraform() -> Terraform:
        return Terraform(workspace.deploys_from, environ, lambda: client)

    def built_in() -> BuiltIn:
        return BuiltIn(workspace.deploys_from, client, IdentityClient(environ))

    if engine == "built-in":
        return built_in
    workspace.use(0)
    try:
        terraform().initialise(PROBE_STACK)
    except OperationError as error:
        if engine == "terraform":
            raise
        click.echo(f"Terraform cannot be used here, the built-in applier plays its part: {error}", err=True)
        return built_in
    return terraform
