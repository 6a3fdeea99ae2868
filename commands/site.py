"""The checkout as a place to deploy from."""

from __future__ import annotations

import os

import click

from commands.options import now, progress
from ingest.settings import Settings
from operations.deploy import Site
from operations.ledger.ledger import FILE, Ledger
from operations.local.repository import ROOT
from operations.terraform.engine import Terraform
from operations.terraform.synth import night_environ, synthesize


def checkout_site() -> Site:
    """The repository's checkout, Terraform, and the live systems that the environment points to."""
    from operations.cloud.credentials import scheduler_client
    from operations.cloud.scheduler import live_fields

    return Site(
        root=ROOT,
        environ=os.environ,
        ledger=Ledger(ROOT / FILE),
        clock=now,
        synthesize=lambda settings: synthesize(ROOT, settings),
        engine=terraform,
        live=lambda settings: live_fields(scheduler_client(os.environ), settings),
        show=click.echo,
        progress=progress,
    )


def terraform(settings: Settings, *, lock: bool = True) -> Terraform:
    """Terraform on the checkout; without `lock` it plans without locking the state, and applies nothing.

    Raises OperationError where it is not installed, or where the environment leads it elsewhere.
    """
    from operations.cloud.credentials import scheduler_client

    environ = night_environ(ROOT, settings)
    if not lock:
        environ["TF_CLI_ARGS_plan"] = "-lock=false"
    return Terraform(ROOT, settings, environ, lambda: scheduler_client(environ), progress)
