from __future__ import annotations

import shutil

import pytest

from operations.terraform import reason
from tests.checkout import run_in

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
        pytest.skip(f"terraform init cannot install the google provider 6.50.0: {reason(done.stderr)}")
