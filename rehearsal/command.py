"""The ingest-rollout command with its rehearsal. The outermost part: it alone knows both."""

from __future__ import annotations

import click

from operations.cli import cli, main
from operations.completion import Items, starting
from operations.options import strategy_option

__all__ = ["cli", "main"]

ENGINES = ("auto", "terraform", "built-in")


def _faults(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The kinds of trouble; once one is typed, with the entities that it can strike."""
    from ingest.catalogue import CATALOGUE
    from ingest.rollout import STRATEGIES
    from operations.errors import OperationError
    from rehearsal.faults import KINDS, parse

    strategy = STRATEGIES.get(context.params.get("strategy") or "phased", STRATEGIES["phased"])
    kind = incomplete.partition(":")[0]
    if kind not in KINDS or kind == "killed":
        return starting(KINDS, incomplete)
    found = {}
    for entity in CATALOGUE:
        try:
            found[str(parse(f"{kind}:{entity.name}", strategy))] = ""
        except OperationError:
            continue
    return starting(found, incomplete)


@cli.command()
@strategy_option
@click.option("--engine", type=click.Choice(ENGINES), default="auto", show_default=True, help="What deploys.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="F",
    shell_complete=_faults,
    help="Trouble: KIND[:ENTITY][@NIGHT]; see --faults.",
)
@click.option("--faults", "list_faults", is_flag=True, help="List the kinds of trouble and stop.")
@click.option("--history", "with_history", is_flag=True, help="Print what the rehearsal's ledger tells as well.")
@click.option("--report", type=click.Path(dir_okay=False), metavar="FILE", help="Write a page for a browser as well.")
@click.option("--at", metavar="TIME", help="When it begins by the twin's clock; else next Monday at 21:00.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def rehearse(
    strategy: str | None,
    engine: str,
    faults: tuple[str, ...],
    list_faults: bool,
    with_history: bool,
    report: str | None,
    at: str | None,
    as_json: bool,
) -> int:
    """Play the whole rollout on an embedded twin, without any cloud account.

    Night by night: preview, deploy of the bytes that production would get, a night that passes, a gate. Then a second
    deploy, which must change nothing, and the way back. Everything happens in a temporary folder and on 127.0.0.1.

    Exit code 0: it came to its end with nothing lost, 1: it did not, or an error.

    \b
    Example, what happens when an ingest takes 20 minutes and the deploy is killed on the way:
      ingest-rollout rehearse --fault slow:payroll --fault killed --report rehearsal.html
    """
    from rehearsal.faults import KINDS
    from rehearsal.session import rehearse_and_tell

    if list_faults:
        width = max(map(len, KINDS))
        click.echo("\n".join(f"{kind:{width}}  {meaning}" for kind, meaning in KINDS.items()))
        return 0
    return rehearse_and_tell(strategy, engine, faults, report, at, as_json=as_json, with_history=with_history)
