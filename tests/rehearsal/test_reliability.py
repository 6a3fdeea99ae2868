"""A deploy that is killed, or that meets another, is put right by the next one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from operations.errors import OperationError
from operations.terraform.engine import changing
from tests.checkout import ROOT
from tests.given.stage import Open, Stage
from twin.scheduler import ApiError

POINTS = {"built-in": 20, "terraform": 6}
SEED = 20261124
CALLS = ("create", "patch", "delete", "resume", "get")


def jobs_of(stage: Stage) -> dict[str, Any]:
    return {
        name: {key: value for key, value in job.items() if not key.endswith("Time")}
        for name, job in stage.twin.scheduler.jobs.items()
    }


def deploy(stage: Stage, night: int, stacks: list[str]) -> list[tuple[str, str]]:
    stage.workspace.use(night)
    engine = stage.make_engine()
    engine.plan(stacks)
    engine.apply(stacks)
    return stage.twin.scheduler.take_writes()


@contextmanager
def started(stage: Stage, engine: str, stacks: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The deploy as a process group of its own; killed with all it started when the block is left."""
    arguments = [str(stage.workspace.deploys_from), engine, stage.twin.address, *stacks]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.given.deploy_once", *arguments],
        cwd=ROOT,
        env=stage.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)
        process.wait()


def kill(process: subprocess.Popen[bytes], *, all_of_it: bool = True) -> None:
    """The process, and all that it has started unless that is to find out by itself."""
    for pid in [process.pid, *(descendants(process.pid) if all_of_it else ())]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_the_first(processes: list[subprocess.Popen[bytes]], *, all_of_it: bool) -> None:
    kill(processes[0], all_of_it=all_of_it)


def descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in map(str.split, listed.splitlines())}
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]


@contextmanager
def watched(
    stage: Stage, number: int = 0, when: str = "", action: Callable[[], None] = lambda: None
) -> Iterator[list[str]]:
    """Gathers the names of the API's calls; at the one of that number does `action`, before or after it takes effect.

    The call gets no answer then. A call that makes another counts as two.
    """
    seen: list[str] = []

    def wrapped(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            seen.append(name)
            mine = len(seen) == number
            if mine and when == "before":
                action()
                raise ApiError(503, "UNAVAILABLE", "killed here")
            try:
                return call(*arguments)
            finally:
                # Also when the answer is that there is no such job.
                if mine:
                    action()

        return counted

    for name in CALLS:
        setattr(stage.twin.scheduler, name, wrapped(name, getattr(stage.twin.scheduler, name)))
    try:
        yield seen
    finally:
        for name in CALLS:
            delattr(stage.twin.scheduler, name)


@pytest.mark.parametrize(
    "engine", ["built-in", pytest.param("terraform", marks=pytest.mark.terraform)], ids=["built-in", "terraform"]
)
def test_a_deploy_killed_at_any_point_is_finished_by_the_next_one(
    engine: str, stage: Open, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if engine == "terraform":
        request.getfixturevalue("provider")
    # From night 0 to 2: creates, resumes and updates in place.
    stacks = ["phase-financial"] if engine == "terraform" else ["phase-core", "phase-financial", "phase-labor"]
    with stage(engine=engine) as it:
        deploy(it, 0, stacks)
        before = deepcopy(it.twin.scheduler.jobs)
        as_before = tmp_path / "as-before"
        shutil.copytree(it.workspace.deploys_from, as_before, symlinks=True)
        with watched(it) as seen:
            deploy(it, 2, stacks)
        calls = len(seen)
        undisturbed = jobs_of(it)

        # A read changes nothing, and with Terraform a point takes seconds.
        numbers = [number for number, call in enumerate(seen, 1) if engine == "built-in" or call != "get"]
        points = [(number, when) for number in numbers for when in ("before", "after")]
        chosen = random.Random(SEED).sample(points, POINTS[engine])  # noqa: S311
        for number, when in sorted(chosen):
            it.twin.scheduler.jobs = deepcopy(before)
            shutil.rmtree(it.workspace.deploys_from)
            shutil.copytree(as_before, it.workspace.deploys_from, symlinks=True)
            it.workspace.use(2)
            killed: list[subprocess.Popen[bytes]] = []
            with (
                watched(it, number, when, partial(kill_the_first, killed, all_of_it=number % 2 == 0)),
                started(it, engine, stacks) as process,
            ):
                killed.append(process)
                process.wait()
            it.twin.scheduler.take_writes()

            where = f"killed {when} API call {number} of {calls}"
            assert process.returncode == -signal.SIGKILL, f"not {where}"
            deploy(it, 2, stacks)
            assert jobs_of(it) == undisturbed, where
            assert changing(it.make_engine().plan(stacks)) == [], where


@pytest.mark.terraform
def test_of_two_deploys_at_once_one_is_told_of_the_lock_and_the_jobs_end_right(provider: None, stage: Open) -> None:
    stacks = ["phase-labor"]
    with stage(engine="terraform") as it:
        deploy(it, 0, stacks)
        it.workspace.use(1)
        entered, goes_on = Event(), Event()

        def hold() -> None:
            entered.set()
            assert goes_on.wait(60)

        with watched(it, 3, "after", hold) as seen, started(it, "terraform", stacks) as first:
            assert entered.wait(60)
            with pytest.raises(OperationError) as refused:
                it.make_engine().plan(stacks)
            goes_on.set()
            assert first.wait(60) == 0

        assert "another deploy holds the lock on the state" in str(refused.value)
        assert "wait for it to end, then run this again" in str(refused.value)
        assert it.twin.scheduler.take_writes() == [
            ("create", "v2-sync-payroll-adjustments-daily"),
            ("resume", "v2-sync-payroll-adjustments-daily"),
        ]
        assert seen[2] == "create"
        assert deploy(it, 1, stacks) == []
