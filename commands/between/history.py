"""`ingest-rollout history`: lists and verifies the ledger."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from commands.candidates import nights
from commands.options import echo_json, json_option, judges
from commands.records import records_table
from operations.errors import OperationError


@click.command()
@click.option("--verify", is_flag=True, help="Check that no line was changed, moved or removed.")
@click.option("--night", type=int, metavar="N", shell_complete=nights, help="Only what was recorded for this night.")
@json_option
def history(verify: bool, night: int | None, as_json: bool) -> int:
    """List what was done, newest last.

    Saved previews, deploys, gates, overrides, rollbacks and adoptions are recorded in history/ledger.jsonl.
    With --verify, exit code 0: the ledger is intact, 1: it is not, 2: that could not be evaluated.

    \b
    Example:
      ingest-rollout history --night 1
      ingest-rollout history --verify
    """
    from operations.ledger.ledger import FILE, Ledger
    from operations.local.repository import ROOT, read_unchecked

    if verify and night is not None:
        raise OperationError("--verify looks at the whole ledger; leave --night out")
    if verify:
        return _verify(as_json)
    zone = ZoneInfo(read_unchecked().time_zone)
    records, problems = Ledger(ROOT / FILE).readable()
    shown = [record for record in records if night is None or record.night == night]
    if as_json:
        echo_json([record.as_json() for record in shown])
    elif shown:
        click.echo(records_table(shown, zone))
    else:
        click.echo("nothing is recorded" + ("" if night is None else f" for night {night}"))
    if problems:
        click.echo(f"{FILE} is damaged, see `ingest-rollout history --verify`: {problems[0]}", err=True)
    return 1 if problems else 0


@judges
def _verify(as_json: bool) -> int:
    from operations.ledger.ledger import FILE, Ledger
    from operations.local.repository import ROOT, read_unchecked

    read_unchecked()
    check = Ledger(ROOT / FILE).check()
    remark = check.inconclusive or check.note
    if as_json:
        echo_json({"verdict": check.verdict, "records": check.records, "problems": check.problems, "note": remark})
        return check.verdict.exit_code
    for problem in check.problems:
        click.echo(click.style(f"{FILE}: {problem}", fg="red"))
    if not check.problems:
        click.echo(f"{FILE}: the chain of {check.records} records is intact")
    if remark:
        click.echo(click.style(f"{FILE}: {remark}", fg="yellow"))
    return check.verdict.exit_code
