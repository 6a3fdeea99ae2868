"""What a night declares, and what is missing until the live jobs are that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from operations.terraform.declared import Declared, declared_jobs, not_as_declared, read
from operations.terraform.engine import OUTPUT
from tests.checkout import ROOT
from tests.given.domain import night
from tests.given.engine import declare


def test_the_declared_side_does_not_touch_the_output_folder(nights: dict[int, list[Declared]]) -> None:
    output = ROOT / "cdktf.out" / "manifest.json"
    before = output.stat().st_mtime_ns if output.exists() else None

    assert declared_jobs(ROOT, night(2), {"PATH": "/usr/bin:/bin"}) == nights[2]
    assert (output.stat().st_mtime_ns if output.exists() else None) == before


def test_the_jobs_of_all_stacks_are_read_in_the_catalogues_order_with_what_is_imported_and_ignored(
    tmp_path: Path,
) -> None:
    declare(tmp_path, night(1))
    file = tmp_path / OUTPUT / "stacks" / "phase-labor" / "cdk.tf.json"
    content = json.loads(file.read_text())
    content["import"] = [{"to": "google_cloud_scheduler_job.payroll", "id": "x"}]
    content["resource"]["google_cloud_scheduler_job"]["payroll"]["lifecycle"] = {"ignore_changes": ["description"]}
    file.write_text(json.dumps(content))
    jobs = read(tmp_path / OUTPUT)

    assert [job.entity for job in jobs] == list(night(1).world())
    assert [(job.name, job.stack, job.ignored) for job in jobs if job.imported] == [
        ("v2-sync-payroll-daily", "phase-labor", frozenset({"description"}))
    ]


def test_what_is_missing_edited_or_still_live_is_named(tmp_path: Path) -> None:
    declare(tmp_path, night(0))
    jobs, appointments, customers, *_ = read(tmp_path / OUTPUT)
    live = {job.name: dict(job.fields) for job in (appointments, customers)}
    live[appointments.name] |= {"schedule": "0 1 * * *", "paused": True}

    removed = ["v2-sync-returns-daily", customers.name]
    assert not_as_declared([jobs, appointments, customers], live, removed) == [
        "jobs is not live",
        "appointments has another schedule, paused",
        "v2-sync-customers-daily is still live",
    ]
    assert not_as_declared([replace(appointments, ignored=frozenset({"schedule", "paused"}))], live, []) == []
