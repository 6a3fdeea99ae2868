"""Before a deploy, and after it: a checkout and its jobs, deployed once in a run for all tests that begin there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.settings import load
from tests.checkout import ROOT, Checkout
from tests.given.deploys import run_deploy
from tests.given.domain import in_phoenix
from tests.given.synth import once
from twin.twin import Twin, running

LEFT = ("state", "rollout.out", "history")
"""What a deploy writes."""


def for_deploys(root: Path, environ: dict[str, str], factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which equal nights are synthesized once in a run."""
    checkout = Checkout(root, environ | {"SYNTHESIZED": str(once(factory, "synthesized", lambda folder: None))})
    (root / "main.py").rename(root / "main_itself.py")
    shutil.copy(ROOT / "tests" / "given" / "main_once.py", root / "main.py")
    return checkout


@contextmanager
def evening() -> Iterator[Twin]:
    """With the seven jobs as they were made by hand, with fields that nobody wrote down; it is 9 PM."""
    with running(load(ROOT, {}), in_phoenix("2026-10-20T21:00")) as twin:
        for name in list(twin.scheduler.jobs):
            unknown = {"description": "made by hand", "attemptDeadline": "600s"}
            twin.scheduler.patch(name, unknown, list(unknown))
        twin.scheduler.take_writes()
        yield twin


def leave_deployed(night: int, checkout: Checkout, twin: Twin, factory: pytest.TempPathFactory) -> None:
    """Puts into a clean checkout and its twin what a deploy of `night` would: states, the ledger, the jobs."""
    jobs = json.dumps(twin.scheduler.jobs)

    def deploy(folder: Path) -> None:
        with running(twin.settings, twin.clock.now) as other:
            other.scheduler.jobs = json.loads(jobs)
            (folder / "checkout").mkdir()
            again = for_deploys(folder / "checkout", checkout.environ | other.endpoints, factory)
            run_deploy(again, night, *["gate"][:night])
            (folder / "jobs.json").write_text(json.dumps(other.scheduler.jobs))

    made = once(factory, ("deployed", night, jobs), deploy)
    for name in LEFT:
        shutil.copytree(made / "checkout" / name, checkout.root / name, symlinks=True)
    twin.scheduler.jobs = json.loads((made / "jobs.json").read_text())
