"""One rehearsal from its settings to its report: the twin, the temporary folder and the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.cloud.credentials import local_scheduler_client
from operations.deploy import Site
from operations.errors import OperationError
from operations.ledger.ledger import FILE, Ledger
from operations.repository import ROOT
from operations.terraform.engine import Engine, Terraform
from rehearsal.builtin import BuiltIn
from rehearsal.builtin_identity import IdentityClient
from rehearsal.faults import Fault
from rehearsal.rehearse import DEPLOY_TIME, Rehearsal
from rehearsal.safety import twin_environ
from rehearsal.trouble import Trouble
from rehearsal.workspace import Workspace, synthesize_nights
from twin.twin import Twin, running

PROBE_STACK = "phase-core"


def play(
    settings: Settings, engine: str, faults: Sequence[Fault], begin: datetime, show: Callable[[str], None]
) -> tuple[Rehearsal, str]:
    """The rehearsal when it is over, and the name of what deployed; `show` gets what goes on. Raises OperationError."""
    with TemporaryDirectory(prefix="ingest-rehearsal-") as folder, running(settings, begin) as twin:
        environ = twin_environ(os.environ, twin.endpoints, Path(folder))
        show("synthesizing every night")
        workspace = Workspace(synthesize_nights(ROOT, settings, Path(folder), environ), Path(folder) / "deploy")
        # The state is beside what is deployed, whatever the backend in production.
        settings = replace(settings, backend="local")
        make_engine = choose(engine, workspace, settings, environ, local_scheduler_client(twin.address))
        site = twin_site(twin, workspace, environ, make_engine)
        rehearsal = Rehearsal(settings, twin, site, Trouble(faults, twin), show)
        rehearsal.play()
        return rehearsal, make_engine().name


def twin_site(twin: Twin, workspace: Workspace, environ: Mapping[str, str], make_engine: Callable[[], Engine]) -> Site:
    """The workspace as a place to deploy from; what goes on is shown by the rehearsal itself."""
    return Site(
        root=workspace.deploys_from,
        environ=environ,
        ledger=Ledger(workspace.deploys_from.parent / FILE, is_kept=False),
        clock=lambda: twin.clock.now,
        synthesize=lambda settings: workspace.use(settings.night),
        engine=lambda settings: make_engine(),
        show=lambda text: None,
        progress=lambda text: None,
        who="rehearsal",
    )


def next_monday(settings: Settings, now: datetime) -> datetime:
    """The Monday after `now` (aware) at the time of a deploy, so that a rehearsal is the same on every weekday."""
    today = now.astimezone(time_zone(settings.time_zone)).date()
    monday = today + timedelta(days=7 - today.weekday())
    return datetime.combine(monday, DEPLOY_TIME, time_zone(settings.time_zone))


def choose(
    engine: str, workspace: Workspace, settings: Settings, environ: Mapping[str, str], client: CloudSchedulerClient
) -> Callable[[], Engine]:
    """What makes the engine; "auto" is Terraform where its provider can be installed, and says so where not.

    Raises OperationError.
    """

    def terraform() -> Terraform:
        return Terraform(workspace.deploys_from, settings, environ, lambda: client)

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
