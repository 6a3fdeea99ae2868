"""One rehearsal on what is synthesized: the twin and the engine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from google.cloud.scheduler_v1 import CloudSchedulerClient

from ingest.settings import Settings
from operations.cloud.credentials import local_scheduler_client
from operations.cloud.scheduler import live_fields
from operations.deploy import Site
from operations.errors import OperationError
from operations.ledger.ledger import FILE, Ledger
from operations.terraform.engine import Engine, Terraform, stack_folder
from rehearsal.builtin import BuiltIn
from rehearsal.builtin_identity import IdentityClient
from rehearsal.faults import Fault
from rehearsal.rehearse import Rehearsal
from rehearsal.safety import twin_environ, with_proxies, without_proxies
from rehearsal.trouble import Trouble
from rehearsal.workspace import Workspace
from twin.twin import Twin, running

PROBE_STACK = "phase-core"


def play(
    settings: Settings,
    workspace: Workspace,
    engine: str,
    faults: Sequence[Fault],
    begin: datetime,
    show: Callable[[str], None],
) -> tuple[Rehearsal, str]:
    """The rehearsal when it is over, and the name of what deployed; `show` gets what goes on. Raises OperationError."""
    with running(settings, begin) as twin, without_proxies() as proxies:
        environ = twin_environ(os.environ, twin.endpoints, workspace.deploys_from.parent)
        # The state is beside what is deployed, whatever the backend in production.
        settings = replace(settings, backend="local")
        make_engine = choose(engine, workspace, settings, environ, local_scheduler_client(twin.address), proxies)
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
        live=lambda settings: live_fields(local_scheduler_client(twin.address), settings),
        show=lambda text: None,
        progress=lambda text: None,
        who="rehearsal",
    )


def choose(
    engine: str,
    workspace: Workspace,
    settings: Settings,
    environ: Mapping[str, str],
    client: CloudSchedulerClient,
    proxies: Mapping[str, str],
) -> Callable[[], Engine]:
    """What makes the engine; "auto" is Terraform where its provider can be installed, and says so where not.

    To install it is all that a rehearsal may need the network for, through `proxies`. Raises OperationError.
    """

    def built_in() -> BuiltIn:
        return BuiltIn(workspace.deploys_from, client, IdentityClient(environ))

    if engine == "built-in":
        return built_in
    workspace.use(0)
    try:
        networked = with_proxies(environ, proxies)
        Terraform(workspace.deploys_from, settings, networked, lambda: client).initialise(PROBE_STACK)
    except OperationError as error:
        if engine == "terraform":
            raise
        click.echo(f"Terraform cannot be used here, the built-in applier plays its part: {error}", err=True)
        return built_in
    offline = {key: value for key, value in environ.items() if key != "TF_PLUGIN_CACHE_DIR"}
    offline["TF_CLI_CONFIG_FILE"] = str(_mirror(workspace.deploys_from))
    return lambda: Terraform(workspace.deploys_from, settings, offline, lambda: client)


def _mirror(root: Path) -> Path:
    """Terraform's configuration, by which the other stacks get the provider that PROBE_STACK has, and ask nobody."""
    folder = stack_folder(root, PROBE_STACK) / ".terraform" / "providers"
    path = root.parent / "terraform.tfrc"
    path.write_text(f"provider_installation {{ filesystem_mirror {{ path = {json.dumps(str(folder))} }} }}\n")
    return path
