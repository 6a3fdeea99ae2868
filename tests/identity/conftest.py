from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.settings import Settings
from tests.rehearsal.conftest import nights, stage
from tests.synth.conftest import synthesize
from tests.unit.given import SETTINGS

__all__ = ["nights", "stage", "synthesize"]

EMAIL = "ingest-invoker@kpi-auto-471020.iam.gserviceaccount.com"


@pytest.fixture
def with_invoker() -> Settings:
    return replace(SETTINGS, invoker_service_account=EMAIL, create_invoker=True)
