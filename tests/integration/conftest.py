from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.catalogue import CATALOGUE
from ingest.settings import load
from tests.checkout import ROOT, Checkout, run_in
from tests.integration.scheduler_api import Scheduler, serve

PROVIDER = """
terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "6.50.0"
    }
  }
}
"""


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where `terraform init` cannot install the google provider."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH")
    folder = tmp_path_factory.mktemp("provider")
    (folder / "main.tf").write_text(PROVIDER)
    done = run_in(folder, "terraform", "init", "-no-color")
    if done.returncode:
        # Terraform frames its errors with a bar.
        words = " ".join(line.strip(" │╷╵") for line in done.stderr.splitlines())
        pytest.skip(f"terraform init cannot install the google provider 6.50.0: {words.strip()}")


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    """The endpoint with the seven jobs as they were made by hand, with fields that nobody wrote down."""
    settings = load(ROOT, {})
    with serve() as api:
        for entity in CATALOGUE:
            if entity.live:
                api.put(
                    f"projects/{settings.project}/locations/{settings.region}/jobs/{entity.job_name}",
                    {
                        "schedule": entity.live.cron,
                        "timeZone": settings.time_zone,
                        "description": "made by hand",
                        "attemptDeadline": "600s",
                        "retryConfig": {"maxDoublings": 16},
                        "httpTarget": {
                            "uri": entity.uri(settings.base_url, settings.reference_path),
                            "httpMethod": "GET",
                        },
                    },
                )
        yield api


@pytest.fixture
def checkout(provider: None, scheduler: Scheduler, tmp_path: Path) -> Checkout:
    """A clean checkout whose Terraform finds the endpoint in the environment: the JSON is what production gets."""
    return Checkout(
        tmp_path,
        {
            "GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT": f"http://127.0.0.1:{scheduler.port}/v1/",
            "GOOGLE_OAUTH_ACCESS_TOKEN": "for the local endpoint",
        },
    )
