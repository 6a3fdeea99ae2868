"""One inventory a night and strategy, in tests/inventories/."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.rollout import STRATEGIES, Night
from ingest.settings import load
from tests.checkout import ROOT
from tests.given.inventory import inventory_text
from tests.given.synth import Synthesize

FOLDER = ROOT / "tests" / "inventories"
COMMITTED = load(ROOT, {})
NIGHTS = [(name, night) for name in STRATEGIES for night in replace(COMMITTED, strategy=name).rollout.nights]


@pytest.mark.parametrize(("strategy", "night"), NIGHTS, ids=lambda value: getattr(value, "title", value))
def test_a_night_deploys_exactly_its_inventory(
    strategy: str, night: Night, synthesize_committed: Synthesize, request: pytest.FixtureRequest
) -> None:
    stacks = synthesize_committed(strategy=strategy, night=night.number)
    text = inventory_text(f"Strategy {strategy}, night {night.number}: {night.title}.", stacks)
    file = FOLDER / strategy / f"night-{night.number}.yaml"
    if request.config.option.update_snapshots:
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text, encoding="utf-8")
    written = file.read_text(encoding="utf-8") if file.exists() else ""
    assert text == written, f"{file.relative_to(ROOT)} differs; if that is meant, run `make inventories` and commit it"


def test_there_is_no_inventory_of_a_night_that_does_not_exist() -> None:
    found = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.yaml")}

    assert found == {f"{strategy}/night-{night.number}.yaml" for strategy, night in NIGHTS}
