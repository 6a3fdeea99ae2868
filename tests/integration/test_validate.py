"""Every stack of every night, with all that settings can turn on, against the google provider's schema."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ingest.rollout import STRATEGIES
from ingest.settings import Settings
from operations.terraform.synth import synthesize_all
from tests.checkout import ENVIRON, ROOT, run_in
from tests.given.domain import SETTINGS
from tests.given.monitoring import ACCOUNT, CHANNEL
from tests.given.synth import once

pytestmark = pytest.mark.terraform

ALL_ON: dict[str, Any] = {
    "invoker_service_account": "ingest-invoker@kpi-auto-471020.iam.gserviceaccount.com",
    "create_invoker": True,
    "notification_channels": (CHANNEL,),
    "freshness_service_account": ACCOUNT,
    "deployers": ("group:data@example.com",),
    "operators": ("user:someone@example.com",),
    "github_repository": "owner/name",
    "github_repository_id": "987654321",
    "github_repository_owner_id": "12345",
    "backend": "gcs",
    "backend_bucket": "a-bucket",
}
STACKS = {
    *("phase-core", "phase-financial", "phase-labor", "phase-reference"),
    *("ingest-identity", "ingest-foundation", "ingest-monitoring"),
}
# With an invoker there is one night more, "identity".
NIGHTS = [(s.name, n) for s in STRATEGIES.values() for n in (*s.numbers, len(s.numbers))]
FILE, LOCK = "cdk.tf.json", ".terraform.lock.hcl"


@dataclass
class Validator:
    """Terraform with the provider, initialised once in `root`; a start costs less than an init by a second or more."""

    root: Path

    def init(self, content: bytes) -> None:
        """`content` has to require the providers that all the others do."""
        (self.root / FILE).write_bytes(content)
        done = run_in(self.root, "terraform", "init", "-backend=false", "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout + done.stderr

    def errors(self, name: str, content: bytes) -> list[str]:
        """What `terraform validate` says is wrong with a stack's JSON, warnings left out."""
        folder = self.root / "validated" / name
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(content)
        shutil.copy(self.root / LOCK, folder)
        environ = ENVIRON | {"TF_DATA_DIR": str(self.root / ".terraform")}
        done = run_in(folder, "terraform", "validate", "-json", environ=environ)
        found = json.loads(done.stdout)
        return [f"{d['summary']}: {d['detail']}" for d in found["diagnostics"] if d["severity"] == "error"]


def nights() -> Iterator[Settings]:
    for strategy, number in NIGHTS:
        yield replace(SETTINGS, strategy=strategy, night=number, **ALL_ON)


@pytest.fixture(scope="module")
def synthesized(provider: None, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int, str], bytes]:
    """Each stack's JSON by strategy, night and stack."""

    def fill(folder: Path) -> None:
        synthesize_all(ROOT, {folder / f"{s.strategy}-{s.night}": s for s in nights()}, ENVIRON)

    folder = once(tmp_path_factory, ("with all on", NIGHTS), fill)
    return {
        (settings.strategy, settings.night, file.parent.name): file.read_bytes()
        for settings in nights()
        for file in folder.glob(f"{settings.strategy}-{settings.night}/stacks/*/{FILE}")
    }


@pytest.fixture(scope="module")
def validator(synthesized: dict[tuple[str, int, str], bytes], tmp_path_factory: pytest.TempPathFactory) -> Validator:
    validator = Validator(tmp_path_factory.mktemp("validate"))
    validator.init(synthesized["phased", 0, "phase-core"])
    return validator


def test_every_night_has_all_seven_stacks(synthesized: dict[tuple[str, int, str], bytes]) -> None:
    assert synthesized.keys() == {(strategy, night, stack) for strategy, night in NIGHTS for stack in STACKS}


def test_terraform_finds_every_stack_of_every_night_valid(
    synthesized: dict[tuple[str, int, str], bytes], validator: Validator
) -> None:
    # Many stacks are the same on several nights.
    contents = {
        content: f"{strategy} night {night}, {stack}" for (strategy, night, stack), content in synthesized.items()
    }
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(validator.errors, (str(n) for n in range(len(contents))), contents)
        wrong = {name: errors for name, errors in zip(contents.values(), found, strict=True) if errors}

    assert wrong == {}


@pytest.mark.parametrize(
    ("kind", "name", "field", "value", "words"),
    [
        ("google_monitoring_alert_policy", "failed_attempts", "combiner", "PERHAPS", "expected combiner to be one of"),
        ("google_bigquery_table", "freshness", "dataset", "st_raw_v2", "No argument or block type is named"),
        ("google_monitoring_dashboard", "night", "dashboard_json", "{", "contains an invalid JSON"),
        ("google_bigquery_data_transfer_config", "freshness_assertion", "params", None, "params"),
    ],
)
def test_a_stack_that_is_wrong_is_found(
    kind: str,
    name: str,
    field: str,
    value: str | None,
    words: str,
    synthesized: dict[tuple[str, int, str], bytes],
    validator: Validator,
) -> None:
    stack = json.loads(synthesized["phased", 3, "ingest-monitoring"])
    stack["resource"][kind][name][field] = value
    errors = validator.errors(f"wrong-{kind}", json.dumps(stack).encode())

    assert len(errors) == 1
    assert words in errors[0]
