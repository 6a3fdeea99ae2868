"""Fixtures that several folders use. They import what they need themselves: the tests of the domain start fast."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.checkout import PROVIDER, ROOT, run_in
from tests.given.domain import SETTINGS, WITH_INVOKER
from tests.given.synth import Stacks, Synthesize, once
from toolchain import quiet_node

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient

    from ingest.settings import Settings
    from operations.ledger.ledger import Ledger
    from operations.terraform.declared import Declared
    from tests.given.ledger import Repository
    from tests.given.tables import Place
    from twin.twin import Twin

# As main.py has it, for what is synthesized in this process.
quiet_node(os.environ)
# No time limit for one example, which a busy machine breaks.
hypothesis.settings.register_profile("unit", deadline=None, max_examples=60)
hypothesis.settings.load_profile("unit")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no process waits for the last of them."""
    items.sort(key=lambda item: item.get_closest_marker("terraform") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    plan = ("ingest/catalogue.py", "ingest/rollout.py")
    if terminalreporter.stats.get("failed") and run_in(ROOT, "git", "diff", "--name-only", "HEAD", "--", *plan).stdout:
        terminalreporter.section("the plan was changed")
        terminalreporter.line(
            f"{' or '.join(plan)} differs from the last commit. Tests that type a time, the nights or the number of "
            "jobs fail with it: if it is meant, change tests/given/plan.py first, then those that are named above."
        )


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips where `terraform init` cannot install the google provider."""
    from operations.terraform.engine import reason

    if shutil.which("terraform") is None:
        pytest.skip("terraform is not on PATH")
    folder = tmp_path_factory.mktemp("provider")
    (folder / "main.tf").write_text(PROVIDER)
    done = run_in(folder, "terraform", "init", "-no-color")
    if done.returncode:
        pytest.skip(f"terraform init cannot install the google provider 6.50.0: {reason(done.stderr)}")


@pytest.fixture
def no_provider(tmp_path: Path) -> dict[str, str]:
    """An environment in which Terraform finds no provider at all."""
    config = tmp_path / "terraformrc"
    (tmp_path / "mirror").mkdir()
    config.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{tmp_path / "mirror"}"\n  }}\n}}\n'
    )
    return {"TF_CLI_CONFIG_FILE": str(config)}


@pytest.fixture(scope="session")
def terrain() -> None:
    """Skips where CDK Terrain is not installed."""
    if find_spec("cdktn") is None or find_spec("cdktn_provider_google") is None:
        pytest.skip("CDK Terrain is not installed; `make terrain` installs it")


@pytest.fixture
def with_invoker() -> Settings:
    return WITH_INVOKER


@pytest.fixture
def twin() -> Iterator[Twin]:
    """With the seven jobs made by hand; it is 1 AM."""
    from tests.given.twin import START
    from twin.twin import running

    with running(SETTINGS, START) as twin:
        yield twin


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting before Google is asked again, where a test can ask it."""
    if errors := sys.modules.get("operations.cloud.errors"):
        from google.api_core.retry import Retry

        class Impatient(Retry):
            def with_timeout(self, timeout: float | None) -> Impatient:
                return self

        once = Impatient(initial=0.001, maximum=0.002, timeout=1)
        monkeypatch.setattr(errors, "RETRY", once)
        if bigquery := sys.modules.get("operations.cloud.bigquery"):
            monkeypatch.setattr(bigquery, "DEFAULT_RETRY", once)


@pytest.fixture
def client(twin: Twin) -> CloudSchedulerClient:
    from operations.cloud.credentials import local_scheduler_client

    return local_scheduler_client(twin.address)


@pytest.fixture
def place() -> Iterator[Place]:
    """A BigQuery in which nothing ran yet: no table, no run log."""
    from tests.given.tables import place

    with place() as found:
        yield found


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    from operations.ledger.ledger import Ledger

    return Ledger(tmp_path / "history" / "ledger.jsonl")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    from tests.given.ledger import Repository

    return Repository(tmp_path)


@pytest.fixture(scope="session")
def synthesized_nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings], dict[int, Path]]:
    """The folders of all nights of settings, as main.py synthesizes them: once in a run for equal settings."""
    from rehearsal.workspace import synthesize_nights

    def found(settings: Settings) -> dict[int, Path]:
        folder = once(tmp_path_factory, settings, lambda folder: synthesize_nights(ROOT, settings, folder, os.environ))
        return {night: folder / f"night-{night}" for night in settings.rollout.numbers}

    return found


@pytest.fixture(scope="session")
def nights(synthesized_nights: Callable[[Settings], dict[int, Path]]) -> dict[int, list[Declared]]:
    """What each night of `phased` declares."""
    from operations.terraform.declared import read

    return {night: read(folder) for night, folder in synthesized_nights(SETTINGS).items()}


@pytest.fixture
def synthesize(tmp_path: Path) -> Synthesize:
    """Synthesizes the design's settings with some replaced; the content of each stack's cdk.tf.json by stack id."""

    def run(**changed: Any) -> Stacks:
        return _synthesized(replace(SETTINGS, **changed), tmp_path)

    return run


@pytest.fixture
def monitoring(synthesize: Synthesize) -> Any:
    """All of the stack ingest-monitoring, at the last night."""
    from tests.given.monitoring import ON, STACK

    return synthesize(night=3, **ON)[STACK]


@pytest.fixture
def synthesize_committed(tmp_path: Path) -> Synthesize:
    """The same of what is committed: the settings, and the baseline where there is one."""
    from ingest.settings import load

    def run(**changed: Any) -> Stacks:
        return _synthesized(replace(load(ROOT, {}), **changed), tmp_path)

    return run


def _synthesized(settings: Settings, folder: Path) -> Stacks:
    from ingest.settings import read_context
    from stacks.night import night_app

    night_app(settings, outdir=folder, context=read_context(ROOT)).synth()
    return {file.parent.name: json.loads(file.read_text()) for file in folder.glob("stacks/*/cdk.tf.json")}
