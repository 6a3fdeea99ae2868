"""The command `preflight`."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from commands.options import echo_json, json_option, judges, night_options, now, progress
from commands.render import preflight_text
from ingest.judging.verdict import overall
from ingest.settings import Settings
from operations.local.repository import ROOT, read_settings
from operations.preflight import Check, live_sources
from operations.preflight import preflight as run_checks


@click.command()
@night_options
@json_option
@judges
def preflight(night: int | None, strategy: str | None, as_json: bool) -> int:
    """Check before a night that its deploy can work.

    Looks at the API, permissions, routes, names, tables and the run log. Changes nothing. The service is asked for
    its own lists of entities only, which starts no ingest.
    Exit code 0: all pass, 1: a check fails, 2: none fails, but one could not be evaluated.

    \b
    Example, in the afternoon before night 1:
      ingest-rollout preflight --night 1
    """
    settings = read_settings(night=night, strategy=strategy)
    progress("asking Cloud Scheduler, the service, the tables and the run log")
    checks = run_checks(settings, live_sources(ROOT, settings, os.environ), now())
    if as_json:
        echo_json(preflight_json(settings, checks))
    else:
        click.echo(preflight_text(settings, checks))
    return overall(check.verdict for check in checks).exit_code


def preflight_json(settings: Settings, checks: Sequence[Check]) -> dict[str, object]:
    return {
        "strategy": settings.strategy,
        "night": settings.night,
        "project": settings.project,
        "checks": [
            {
                "check": check.name,
                "verdict": str(check.verdict),
                "reason": check.reason,
                "details": list(check.details),
                "remedy": check.remedy,
            }
            for check in checks
        ],
    }
