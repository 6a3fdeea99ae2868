"""The workflows as data, and their run blocks as GitHub runs them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
FILES = [*WORKFLOWS, *ACTIONS]


@dataclass(frozen=True)
class Job:
    workflow: str
    name: str
    content: Mapping[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        return list(self.content["steps"])

    @property
    def script(self) -> str:
        return "\n".join(step["run"] for step in self.steps if "run" in step)

    @property
    def signs_in(self) -> list[str]:
        """The accounts, as the workflow names them."""
        return [step["with"]["service_account"] for step in self.steps if "auth@" in step.get("uses", "")]


def read(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def triggers(name: str) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    found: dict[str, Any] = read(GITHUB / "workflows" / f"{name}.yml")[True]
    return found


def jobs() -> list[Job]:
    return [Job(path.stem, name, job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]


def job(workflow: str, name: str) -> Job:
    return next(one for one in jobs() if (one.workflow, one.name) == (workflow, name))


def step(workflow: str, name: str, title: str) -> dict[str, Any]:
    return next(one for one in job(workflow, name).steps if one.get("name") == title)


def command_lines(script: str) -> Iterator[list[str]]:
    """The words after each `ingest-rollout`, without quotes."""
    for line in script.replace("\\\n", " ").splitlines():
        for command in re.findall(r"\.venv/bin/ingest-rollout ([^|;>&]*)", line):
            yield [word.strip("\"'") for word in re.findall(r'"[^"]*"|\S+', re.sub(r" 2$", "", command))]


def bash(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """As GitHub runs `shell: bash`. The only commands beside the system's are those in `folder`/bin."""
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def command(path: Path, script: str) -> None:
    """A program in the place of a real one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)
