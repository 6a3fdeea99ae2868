"""The page of the Monday after night 3 shows what reconcile prints on the twin, before the rollout and after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ingest.costing.cost_report import ReportRow
from operations.cloud.bigquery import ENDPOINT_VARIABLE
from tests.checkout import ROOT, Checkout
from tests.docs.transcript import Shown, missing, transcript, typed
from tests.given.domain import SETTINGS
from tests.given.job_costing import Raw, after_rollout, before_rollout, export
from tests.given.tables import place

BEFORE, AFTER = transcript(ROOT / "docs" / "tutorial-monday.md", SETTINGS.time_zone)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("monday"))


def printed(checkout: Checkout, shown: Shown, week: tuple[Sequence[ReportRow], Raw]) -> str:
    rows, raw = week
    Path(checkout.root / "week.csv").write_text(export(rows), encoding="utf-8")
    with place() as found:
        raw.load(found.warehouse)
        return typed(checkout, shown.command, shown.at, {ENDPOINT_VARIABLE: found.address})


@pytest.mark.parametrize(
    ("shown", "units", "week"),
    [(BEFORE, [], before_rollout), (AFTER, ["898", "899"], after_rollout)],
    ids=["before", "after"],
)
def test_the_page_shows_what_is_printed(
    checkout: Checkout, shown: Shown, units: list[str], week: Callable[[], tuple[Sequence[ReportRow], Raw]]
) -> None:
    checkout.set_context(reconcile_business_units=units)
    text = printed(checkout, shown, week())
    lacking = missing(shown, text)

    assert not lacking, f"`{shown.command}` does not print\n{lacking}\nbut\n{text}"
    assert (checkout.root / "records" / "reconcile-2025-10-20-to-2025-10-26.md").exists()
