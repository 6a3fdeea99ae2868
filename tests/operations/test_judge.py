"""What of a night is judged, and when the answer is only a look: asked of the twin, with a ledger of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest.catalogue import CATALOGUE
from operations.cloud.credentials import TOKEN_VARIABLE
from operations.errors import OperationError
from operations.judge import Judgement, judge
from operations.ledger.ledger import Ledger
from tests.given.domain import SETTINGS, in_phoenix, night
from tests.given.ledger import DEPLOY, add
from tests.given.states import write_night
from twin.twin import Twin

BEGIN, MORNING = in_phoenix("2026-10-20T01:00"), in_phoenix("2026-10-20T08:00")
DEPLOYED = {**DEPLOY, "ended_at": BEGIN.isoformat(), "rows": {entity.name: 1 for entity in CATALOGUE}}

Judge = Callable[..., Judgement]


@pytest.fixture
def ask(twin: Twin, ledger: Ledger, tmp_path: Path) -> Judge:
    """Asks the gate of a night in the morning."""

    def asked(number: int = 0, *, environ: dict[str, str] | None = None, **more: Any) -> Judgement:
        found = {**twin.endpoints, TOKEN_VARIABLE: "of-the-twin", **(environ or {})}
        return judge(tmp_path, ledger, replace(night(number), run_log=""), found, MORNING, **more)

    return asked


def gates(ledger: Ledger) -> list[str]:
    return [record.data["verdict"] for record in ledger.records() if record.kind == "gate"]


def looked(judgement: Judgement, ledger: Ledger, why: str) -> None:
    assert why in str(judgement.not_recorded)
    assert gates(ledger) == []


@pytest.mark.parametrize("outcome", ["done", "failed", "started"])
def test_since_is_a_look_where_the_deploy_is_on_record(outcome: str, twin: Twin, ledger: Ledger, ask: Judge) -> None:
    add(ledger, "deploy", DEPLOYED)
    add(ledger, "deploy", {**DEPLOYED, "outcome": outcome, "started_at": "2026-10-20T09:00:00+00:00"})
    twin.advance(MORNING)

    looked(ask(since=BEGIN), ledger, "the ledger has the deploy of night 0 (phased); leave --since out")


def test_since_is_a_look_where_the_state_does_not_show_the_night(
    twin: Twin, ledger: Ledger, ask: Judge, tmp_path: Path
) -> None:
    twin.advance(MORNING)
    looked(ask(since=BEGIN), ledger, "Terraform's state does not have night 0 (phased) as deployed: jobs, ")

    write_night(tmp_path, night(1).world())
    looked(ask(since=BEGIN), ledger, "Terraform's state does not have night 0 (phased) as deployed: purchase_orders, ")


def test_since_is_a_look_where_the_live_jobs_are_of_another_night(
    twin: Twin, ledger: Ledger, ask: Judge, tmp_path: Path
) -> None:
    write_night(tmp_path, SETTINGS.world())
    twin.advance(MORNING)
    looked(ask(1, since=BEGIN), ledger, "the live jobs are not those of night 1 (phased): purchase_orders: it does not")

    name = next(name for name in twin.scheduler.jobs if "invoices" in name)
    twin.scheduler.patch(name, {"schedule": "1 1 * * *"}, ["schedule"])
    looked(ask(since=BEGIN), ledger, "night 0 (phased): invoices: schedule 1 1 * * * America/Phoenix")


@pytest.mark.parametrize(
    ("deployed", "number", "why"),
    [
        ([0, 2], 1, r"night 1 .phased. was skipped: night 2 .phased. is deployed; run `ingest-rollout gate --night 2`"),
        ([0, 1, 2], 1, r"night 1 .phased. is not what is deployed any more: night 2"),
        ([0], 1, r"night 1 .phased. has no finished deploy on record, and night 0 .phased. is deployed"),
        ([0, -1], 0, r"night 0 .phased. is not what is deployed: the deploy of night 1 .phased. failed: run"),
    ],
)
def test_only_what_is_deployed_is_judged(
    deployed: list[int], number: int, why: str, ledger: Ledger, tmp_path: Path
) -> None:
    for one in deployed:
        add(ledger, "deploy", {**DEPLOYED, "outcome": "failed" if one < 0 else "done"}, night=abs(one))

    with pytest.raises(OperationError, match=why):
        judge(tmp_path, ledger, night(number), {}, MORNING)
    assert gates(ledger) == []


def test_a_repeat_that_changed_nothing_leaves_the_gate_where_it_was(twin: Twin, ledger: Ledger, ask: Judge) -> None:
    add(ledger, "deploy", DEPLOYED)
    later = in_phoenix("2026-10-20T07:00").isoformat()
    add(ledger, "deploy", {**DEPLOYED, "changes": 0, "ended_at": later, "rows": None})
    twin.advance(MORNING)
    found = ask()

    assert (found.since, gates(ledger)) == (BEGIN, ["pass"]), "counted from the repeat, no run is due yet"


def test_an_asking_without_a_network_leaves_an_earlier_pass_as_it_is(twin: Twin, ledger: Ledger, ask: Judge) -> None:
    add(ledger, "deploy", DEPLOYED)
    twin.advance(MORNING)
    assert ask().not_recorded is None
    silent = ask(environ=dict.fromkeys(twin.endpoints, "http://127.0.0.1:9/v1/"))

    assert (silent.data["verdict"], len(silent.silent)) == ("inconclusive", 2)
    assert silent.not_recorded == "nobody answered, which shows nothing of the night"
    assert gates(ledger) == ["pass"]
