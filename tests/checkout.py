"""A checkout of its own in a temporary folder, so that no test touches the repository's state or cdktf.out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.given.domain import CONTEXT

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("ingest", "constructs", "stacks", "operations", "twin", "rehearsal", "commands")
FILES = ("cdktf.json", "main.py", "toolchain.py")
# A third of what a Terraform with the google provider costs is to collect garbage of a process that ends in seconds.
FAST_GO = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}
# Nothing of the tester's own cloud reaches what a test runs, and nothing listens at the addresses of Google's APIs.
ENVIRON = {
    k: v for k, v in os.environ.items() if not k.startswith(("GOOGLE_", "INGEST_", "CLOUDSDK_", "PYTHONDONTWRITE"))
} | {
    "CHECKPOINT_DISABLE": "1",
    "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "1",
    **FAST_GO,
    "GOOGLE_CLOUD_SCHEDULER_CUSTOM_ENDPOINT": "http://127.0.0.1:9/v1/",
    "GOOGLE_BIGQUERY_CUSTOM_ENDPOINT": "http://127.0.0.1:9/bigquery/v2/",
    "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": "http://127.0.0.1:9/storage/v1/",
}

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


def run_in(folder: Path, *command: str, environ: Mapping[str, str] = ENVIRON) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


class Checkout:
    """The project's code in `root` with the design's settings; .venv and node_modules are links to the repository's."""

    def __init__(self, root: Path, environ: dict[str, str] | None = None) -> None:
        self.root = root
        for folder in FOLDERS:
            # With what Python has compiled, which is as new as its source.
            shutil.copytree(ROOT / folder, root / folder)
        for file in FILES:
            shutil.copy(ROOT / file, root)
        for link in (".venv", "node_modules"):
            (root / link).symlink_to(ROOT / link)
        # A ledger that git cannot vouch for blocks.
        run_in(root, "git", "init", "--quiet")
        self.environ = ENVIRON | (environ or {})
        self.set_context(**CONTEXT)

    def set_context(self, **values: Any) -> None:
        path = self.root / "cdktf.json"
        content = json.loads(path.read_text())
        content["context"] |= values
        path.write_text(json.dumps(content))

    def run(
        self, *command: str, environ: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return run_in(cwd or self.root, *command, environ=self.environ | (environ or {}))

    def main(self, **environ: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "main.py", environ=environ)

    def rollout(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The ingest-rollout command of this checkout."""
        return self.run(sys.executable, "-m", "commands", *arguments, environ=environ)

    def cdktf(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.root / '.venv/bin'}{os.pathsep}{self.environ['PATH']}"
        return self.run("node_modules/.bin/cdktf", *arguments, environ={"PATH": path, **environ})

    def stack(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.root / f"cdktf.out/stacks/{name}/cdk.tf.json").read_text())
        return content
