"""What main.py makes of the committed record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.baseline import FILE
from operations.adopt import write
from tests.checkout import Checkout
from tests.given.adopt import OIDC, change, change_target, make_hostile, recorded
from twin.twin import Twin

KIND = "google_cloud_scheduler_job"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_adopted_jobs_are_declared_as_recorded_and_from_their_shift_on_as_planned(
    checkout: Checkout, twin: Twin
) -> None:
    make_hostile(twin)
    write(checkout.root, recorded(twin))
    done = checkout.main(INGEST_NIGHT="1")
    assert done.returncode == 0, done.stderr

    jobs = checkout.stack("phase-core")["resource"][KIND] | checkout.stack("phase-financial")["resource"][KIND]
    assert jobs["jobs"]["attempt_deadline"] == "600s"
    assert jobs["jobs"]["retry_config"]["max_doublings"] == 16
    assert "description" not in jobs["appointments"]
    assert jobs["customers"]["paused"] is True
    assert jobs["invoices"]["http_target"]["http_method"] == "POST"
    assert jobs["estimates"]["http_target"]["oidc_token"] == {
        "service_account_email": OIDC["serviceAccountEmail"],
        "audience": OIDC["audience"],
    }
    assert jobs["jobs"]["lifecycle"] == {"prevent_destroy": True}
    assert jobs["returns"]["attempt_deadline"] == "1800s"

    with_record = checkout.main(INGEST_NIGHT="2")
    assert with_record.returncode == 0, with_record.stderr
    night_2 = checkout.stack("phase-core")
    (checkout.root / FILE).unlink()
    checkout.main(INGEST_NIGHT="2")
    assert checkout.stack("phase-core") == night_2


def test_a_job_that_the_record_lacks_is_left_alone_as_without_a_record(checkout: Checkout, twin: Twin) -> None:
    baseline = recorded(twin)
    write(checkout.root, {"jobs": baseline["jobs"]})
    checkout.main(INGEST_NIGHT="0")

    customers = checkout.stack("phase-core")["resource"][KIND]["customers"]
    assert customers["lifecycle"]["ignore_changes"] == ["description", "attempt_deadline", "retry_config"]
    assert "paused" not in customers


def test_a_bad_record_stops_the_synth_with_all_its_problems(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text('{"returns": {}, "jobs": 7}')
    done = checkout.main()

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "baseline.json: jobs: must be an object" in done.stderr
    assert "baseline.json: returns.schedule: missing" in done.stderr


def test_a_rehearsal_begins_with_the_jobs_as_they_are_recorded(checkout: Checkout, twin: Twin) -> None:
    change(twin, "jobs", {"attemptDeadline": "600s", "description": "by hand"})
    change(twin, "payroll", {"retryConfig": {"retryCount": 3, "maxDoublings": 16}})
    change_target(twin, "estimates", {"oidcToken": OIDC, "headers": {"X-Tenant": "42"}})
    write(checkout.root, recorded(twin))
    done = checkout.rollout("rehearse", "--engine", "built-in", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    first = json.loads(done.stdout)["steps"][0]
    assert first["writes"] == []


def test_a_rehearsal_tells_of_a_bad_record_without_a_traceback(checkout: Checkout) -> None:
    (checkout.root / FILE).write_text("[]")
    done = checkout.rollout("rehearse", "--engine", "built-in")

    assert done.returncode == 1
    assert done.stderr.startswith("baseline.json: must be an object")
