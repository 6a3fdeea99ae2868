"""The jobs that a night declares, read from what main.py synthesizes: the bytes that a deploy would apply.

They are synthesized each time, which takes some seconds and Node (it comes with `make setup`), and not computed
from the catalogue: constructs/ingest_schedule.py stays the one place that says what a job is, and a comparison can
never tell a drift that a deploy would not mend, or miss one. cdktf.out/ is not read: it may hold another night.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings
from operations.cloud import jobs
from operations.terraform.synth import synthesize_all


@dataclass(frozen=True)
class Declared:
    """One job. `name` is the API's short one, `fields` and `ignored` (ignore_changes) are in the form of jobs.KEYS."""

    entity: str
    name: str
    stack: str
    imported: bool
    fields: jobs.Fields
    ignored: frozenset[str]


def declared_jobs(root: Path, settings: Settings, environ: Mapping[str, str]) -> list[Declared]:
    """The jobs of the settings' night, in the catalogue's order. Raises OperationError when it cannot be synthesized.

    Works in a temporary folder: cdktf.out/ and another command's lock are left alone.
    """
    with TemporaryDirectory(prefix="ingest-declared-") as folder:
        # jsii unpacks itself into TMPDIR.
        synthesize_all(root, {Path(folder): settings}, {**environ, "TMPDIR": folder})
        return read(Path(folder))


def not_as_declared(declared: Iterable[Declared], live: Mapping[str, jobs.Fields], removed: Iterable[str]) -> list[str]:
    """What is missing until the live jobs, by short name, are what is declared and those `removed` are gone."""
    missing = []
    for job in declared:
        if job.name not in live:
            missing.append(f"{job.entity} is not live")
        elif keys := jobs.differences(job.fields, live[job.name], job.ignored):
            missing.append(f"{job.entity} has another {', '.join(keys)}")
    return missing + [f"{name} is still live" for name in removed if name in live]


def read(folder: Path) -> list[Declared]:
    """The jobs in a folder that cdktf wrote, such as cdktf.out/."""
    declared = []
    for file in folder.glob("stacks/*/cdk.tf.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        imports = {entry["to"] for entry in content.get("import", [])}
        for address, job, resource in jobs.resources(content):
            declared.append(
                Declared(
                    entity=address.partition(".")[2],
                    name=job.rpartition("/")[2],
                    stack=file.parent.name,
                    imported=address in imports,
                    fields=jobs.declared(resource),
                    ignored=frozenset(jobs.ignored(resource)),
                )
            )
    order = [entity.name for entity in CATALOGUE]
    return sorted(declared, key=lambda job: order.index(job.entity))
