"""`ingest-rollout ci`: what the workflows in .github/ need besides the everyday commands."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from commands.options import judges, night_options, now
from ingest.judging.verdict import overall
from operations.errors import OperationError
from operations.local.repository import ROOT, read_settings

ONLY_THE_DEPLOYER_KNOWS = ("permissions", "invoker")
"""The checks of preflight that ask what the caller may do, and so fail for one that may only read."""


@click.group()
def ci() -> None:
    """For workflows: the ledger's branch, the deployed night, pages.

    \b
    Example, on a team's machine before and after an evening:
      ingest-rollout ci pull-ledger
      ingest-rollout ci push-ledger
    """


@ci.command()
def ready() -> None:
    """Check that the settings suit a machine that is thrown away after its work.

    \b
    Example:
      ingest-rollout ci ready
    """
    settings = read_settings()
    named = os.environ.get("GITHUB_REPOSITORY", "")
    if settings.github_repository not in ("", named) and settings.github_repository.lower() == named.lower():
        raise OperationError(
            f"github_repository: {settings.github_repository!r} is {named!r} for GitHub, and Google lets in no other "
            "letter: correct it in cdktf.json, and an administrator runs `cdktf deploy ingest-foundation`"
        )
    if settings.backend == "local":
        raise OperationError(
            "backend: 'local' keeps Terraform's state on this machine, which is thrown away: every deploy would begin "
            "from nothing. Set backend to gcs and backend_bucket to a bucket, in the context of cdktf.json"
        )


@ci.command()
@night_options
@judges
def preflight(night: int | None, strategy: str | None) -> int:
    """`preflight` by an account that may only read: without what it may do itself.

    The deployer's own preflight asks for all. Exit code 0: all pass, 1: a check fails, 2: one could not be evaluated.

    \b
    Example:
      ingest-rollout ci preflight --night 1
    """
    from commands.render import preflight_text
    from operations.preflight import live_sources
    from operations.preflight import preflight as run_checks

    settings = read_settings(night=night, strategy=strategy)
    checks = [
        c
        for c in run_checks(settings, live_sources(ROOT, settings, os.environ), now())
        if c.name not in ONLY_THE_DEPLOYER_KNOWS
    ]
    click.echo(preflight_text(settings, checks))
    click.echo(f"Left to the deployer's own preflight: {', '.join(ONLY_THE_DEPLOYER_KNOWS)}")
    return overall(check.verdict for check in checks).exit_code


@ci.command()
def night() -> None:
    """Print which night is deployed by the ledger, and whether its gate is due, for $GITHUB_OUTPUT.

    \b
    Example:
      ingest-rollout ci night >> "$GITHUB_OUTPUT"
    """
    from operations.deployed_night import deployed_night, why_not_due
    from operations.ledger.ledger import FILE, Ledger

    ledger = Ledger(ROOT / FILE)
    deployed = deployed_night(ledger, read_settings())
    if deployed is None:
        click.echo("night=\nstrategy=\ngate=not due\nwhy=nothing is deployed yet, by the ledger")
        return
    settings = read_settings(night=deployed.night, strategy=deployed.strategy)
    why = why_not_due(ledger, settings, deployed, now())
    click.echo(f"night={deployed.night}\nstrategy={deployed.strategy}\ngate={'not due' if why else 'due'}")
    click.echo(f"why=night {deployed.night} ({deployed.strategy}) is deployed, {why or 'its gate is due'}")


@ci.command()
@click.option("--part", "parts", multiple=True, type=(str, str), metavar="TITLE FILE", help="A text and its title.")
@click.option("--commit", metavar="SHA", help="The commit that it is about.")
def markdown(parts: tuple[tuple[str, str], ...], commit: str | None) -> None:
    """Print texts as one page of Markdown, no longer than a comment on GitHub may be.

    A file that is missing is left out: the step that writes it did not run.

    \b
    Example:
      ingest-rollout ci markdown --part "The night" plan.txt --part Inventories inventories.diff
    """
    from commands.markdown import Part, page

    if commit is not None and not re.fullmatch("[0-9a-f]{7,64}", commit):
        raise OperationError(f"--commit: {commit!r} is not a commit's hash")
    shown = []
    for title, name in parts:
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise OperationError(f"--part: {name} cannot be read ({error.strerror})") from None
        shown.append(Part(title, text, "diff" if path.suffix == ".diff" else "text"))
    click.echo(page(shown, intro=f"Of commit {commit[:12]}." if commit else ""), nl=False)


@ci.command("pull-ledger")
def pull_ledger() -> None:
    """Bring the records of the branch `ledger` here.

    \b
    Example:
      ingest-rollout ci pull-ledger
    """
    from operations.ledger.branch import LedgerBranch

    click.echo(LedgerBranch(ROOT).pull())


@ci.command("push-ledger")
def push_ledger() -> None:
    """Publish the records that are only here on the branch `ledger`.

    \b
    Example:
      ingest-rollout ci push-ledger
    """
    from operations.ledger.branch import LedgerBranch

    click.echo(LedgerBranch(ROOT).push(remark=_run_url()))


def _run_url() -> str:
    """The page of the workflow run, which names its approvers."""
    server, repository, run = (os.environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if run else ""
