"""What is read from the JSON of `terraform show -json`, cut down to the parts that count."""

from __future__ import annotations

from typing import Any

import pytest

from operations.terraform.engine import Planned, changing, planned

JOB = "google_cloud_scheduler_job.jobs"


def _change(*actions: str, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    return {"address": JOB, "change": {"actions": list(actions), "before": before, "after": after, **more}}


def _planned(*resources: dict[str, Any]) -> list[Planned]:
    return planned("phase-core", {"format_version": "1.2", "resource_changes": list(resources)})


def _one(*actions: str, before: Any = None, after: Any = None, **more: Any) -> tuple[str, list[str]]:
    (found,) = _planned(_change(*actions, before=before, after=after, **more))
    assert (found.stack, found.address) == ("phase-core", JOB)
    return found.action, found.fields


FOUND = {"schedule": "0 2 * * *", "paused": False, "description": "by hand", "region": "us-central1"}
WANTED = FOUND | {"schedule": "0 4 * * *", "description": None}


def test_an_import_that_changes_nothing_is_only_an_import() -> None:
    assert _one("no-op", before=FOUND, after=FOUND, importing={"id": "projects/p"}) == ("import", [])


def test_an_import_that_also_changes_fields_names_them() -> None:
    assert _one("update", before=FOUND, after=WANTED, importing={"id": "projects/p"}) == (
        "import and update",
        ["schedule", "description"],
    )


def test_an_update_names_the_fields_that_change() -> None:
    assert _one("update", before=FOUND, after=WANTED) == ("update", ["schedule", "description"])


def test_an_update_names_a_field_that_was_not_there() -> None:
    assert _one("update", before={}, after={"paused": True}) == ("update", ["paused"])


def test_a_create_lists_no_fields() -> None:
    assert _one("create", after=WANTED) == ("create", [])


def test_a_delete_lists_no_fields() -> None:
    assert _one("delete", before=FOUND) == ("delete", [])


@pytest.mark.parametrize("actions", [("delete", "create"), ("create", "delete")])
def test_a_replacement_is_told_in_one_word_whichever_comes_first(actions: tuple[str, str]) -> None:
    assert _one(*actions, before=FOUND, after=WANTED) == ("replace", [])


def test_what_does_not_change_is_planned_with_its_values_and_is_no_change() -> None:
    (found,) = _planned(_change("no-op", before=FOUND, after=FOUND))
    assert (found.action, found.before, found.recorded) == ("no-op", FOUND, FOUND)
    assert changing([found]) == []


def test_what_the_refresh_found_is_told_from_what_the_state_had() -> None:
    plan = {
        "resource_drift": [{"address": JOB, "change": {"actions": ["update"], "before": WANTED, "after": FOUND}}],
        "resource_changes": [_change("update", before=FOUND, after=WANTED)],
    }
    (found,) = planned("phase-core", plan)
    assert (found.before, found.recorded) == (FOUND, WANTED)


def test_an_import_was_in_no_state() -> None:
    (found,) = _planned(_change("no-op", before=FOUND, after=FOUND, importing={"id": "projects/p"}))
    assert found.imports
    assert found.recorded is None


def test_a_plan_without_resources_has_no_changes() -> None:
    assert planned("phase-core", {"format_version": "1.2"}) == []


def test_changes_keep_terraforms_order() -> None:
    first, second = _change("delete", before=FOUND), _change("create", after=WANTED)
    second["address"] = "google_cloud_scheduler_job.locations"
    assert [(p.address, p.action) for p in changing(_planned(first, _change("no-op"), second))] == [
        (JOB, "delete"),
        ("google_cloud_scheduler_job.locations", "create"),
    ]
