"""Which night is deployed by the ledger, and when its gate is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ingest.preview import preview
from operations.deployed_night import DeployedNight, deployed_night, remarks, why_not_due
from operations.ledger.ledger import Ledger
from tests.given.domain import SETTINGS, night
from tests.given.ledger import DEPLOY, STARTED, add, gate

# Tuesday, October 20, 2026, 21:01 in Phoenix.
DEPLOYED = datetime.fromisoformat(str(DEPLOY["ended_at"]))


def here(ledger: Ledger) -> DeployedNight:
    found = deployed_night(ledger, SETTINGS)
    assert found
    return found


def test_nothing_is_deployed_at_first(ledger: Ledger) -> None:
    add(ledger, "deploy", {**DEPLOY, "outcome": "failed"})

    assert deployed_night(ledger, SETTINGS) is None


def test_the_deployed_night_is_the_last_one_that_came_to_its_end(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "deploy", {**DEPLOY, "outcome": "interrupted"}, night=1)

    found = here(ledger)

    assert (found.strategy, found.night, found.since) == ("phased", 0, DEPLOYED)


@pytest.mark.parametrize("other", ["project", "region", "dataset"])
def test_a_deploy_elsewhere_is_none_here(other: str, ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY, night=2, target={other: "elsewhere"})
    assert deployed_night(ledger, SETTINGS) is None

    add(ledger, "deploy", DEPLOY, night=1)
    assert here(ledger).night == 1


@pytest.mark.parametrize(
    ("number", "hours", "why"),
    [
        (0, 0, "its gate can be asked from Wed 2026-10-21 04:49 MST on"),
        (0, 7, "its gate can be asked from Wed 2026-10-21 04:49 MST on"),
        (0, 9, None),
        (1, 9, "its gate can be asked from Wed 2026-10-21 06:39 MST on"),
        (1, 11, None),
        (3, 11, "its gate can be asked from Sun 2026-10-25 07:49 MST on"),
        (3, 24 * 4 + 12, None),
    ],
)
def test_the_gate_is_due_when_the_last_job_has_had_its_time(
    ledger: Ledger, number: int, hours: int, why: str | None
) -> None:
    add(ledger, "deploy", DEPLOY, night=number)

    assert why_not_due(ledger, night(number), here(ledger), DEPLOYED + timedelta(hours=hours)) == why


def test_a_gate_that_passed_is_not_asked_again_and_one_that_failed_is(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    later = DEPLOYED + timedelta(hours=10)

    add(ledger, "gate", gate("fail"))
    assert why_not_due(ledger, night(0), here(ledger), later) is None
    add(ledger, "gate", gate("pass"))
    assert why_not_due(ledger, night(0), here(ledger), DEPLOYED + timedelta(hours=3)) == "its gate has passed"
    add(ledger, "deploy", DEPLOY)
    assert why_not_due(ledger, night(0), here(ledger), later) is None


def test_a_pass_is_asked_again_when_it_is_old_but_for_the_last_night(ledger: Ledger) -> None:
    later = DEPLOYED + timedelta(days=30)
    for number in (0, 3):
        add(ledger, "deploy", DEPLOY, night=number)
        add(ledger, "gate", gate("pass"), night=number)

        assert (why_not_due(ledger, night(number), here(ledger), later) is None) is (number == 0)


def test_remarks_are_what_the_ledger_knows_otherwise(ledger: Ledger) -> None:
    assert remarks(ledger, night(0), named=False) == []

    add(ledger, "deploy", DEPLOY, night=1)
    assert remarks(ledger, night(0)) == remarks(ledger, night(1), named=False) == []
    assert remarks(ledger, night(0), named=False) == [
        "the settings say night 0 (phased), and by the ledger night 1 (phased) is deployed"
    ]
    for before, told in (
        (night(1).world(), []),
        (
            night(0).world(),
            [
                "by the ledger night 1 (phased) is deployed, and Terraform's state shows otherwise "
                "(night 0 is deployed); was it plain cdktf?"
            ],
        ),
    ):
        found = preview(night(2), before, "night 0 is deployed", DEPLOYED)
        assert remarks(ledger, night(2), preview=found) == told

    add(ledger, "deploy", STARTED, night=2)
    (remark,) = remarks(ledger, night(2))
    assert remark.startswith(
        "the deploy of night 2 (phased) has no end on record: run `ingest-rollout deploy --night 2`"
    )

    ledger.path.write_bytes(b"x")
    assert "cannot be trusted: line 1 is torn" in remarks(ledger, night(0))[0]
