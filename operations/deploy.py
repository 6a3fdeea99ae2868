"""What `deploy`, `diff` and `rollback` share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from ingest.preview import Preview, preview
from ingest.settings import Settings
from operations.ledger.ledger import FILE, Ledger
from operations.ledger.record import canonical
from operations.repository import ROOT
from operations.terraform import deployed
from operations.terraform.engine import Planned


def ledger() -> Ledger:
    return Ledger(ROOT / FILE)


def live_preview(settings: Settings, from_: str | None) -> Preview:
    """What the night changes, counted from what is deployed."""
    before = deployed.night_or_start(settings, from_) if from_ else deployed.from_state(ROOT, settings)
    return preview(settings, before.world, before.label, datetime.now(UTC))


def stacks_to_deploy(found: Preview, settings: Settings) -> list[str]:
    """The stacks that differ; where none does, the night's own, so that a deploy can be repeated."""
    before = deployed.assumed(settings)
    return found.stacks or preview(settings, before.world, before.label, found.at).stacks


def plan_hash(planned: Sequence[Planned]) -> str:
    """The same for plans that do the same."""
    return hashlib.sha256(canonical([vars(one) for one in planned])).hexdigest()
