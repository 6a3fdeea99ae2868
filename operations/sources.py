"""dbt's artifact of a freshness run: sources.json, version 3 (schemas.getdbt.com/dbt/sources/v3.json)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from ingest.judging.freshness import Criteria, Loaded, Status, Threshold
from ingest.settings import Settings
from operations.freshness import Freshness
from operations.local.files import write_atomic

SCHEMA = "https://schemas.getdbt.com/dbt/sources/v3.json"

NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""What dbt writes as max_loaded_at of an empty table, since the schema wants a moment; here of no success as well."""


def artifact(
    verdicts: Iterable[Freshness], settings: Settings, at: datetime, now: datetime, elapsed: float
) -> dict[str, object]:
    """The artifact of verdicts as of `at`; `now` (aware) is when it was made, `elapsed` the seconds that it took.

    Its max_loaded_at is what the verdict rests on: the last success or, without a run log, the newest row.
    What is not expected yet is left out: dbt has no status for it.
    """
    return {
        "metadata": {
            "dbt_schema_version": SCHEMA,
            "generated_at": now.astimezone(UTC).isoformat(),
            "invocation_id": str(uuid4()),
            "env": {},
        },
        "results": [
            _result(verdict, settings, at, elapsed) for verdict in verdicts if verdict.status is not Status.NOT_YET
        ],
        "elapsed_time": elapsed,
    }


def criteria_json(criteria: Criteria) -> dict[str, object]:
    return {"warn_after": _threshold(criteria.warn_after), "error_after": _threshold(criteria.error_after)}


def write(path: Path, content: object) -> None:
    """Writes JSON so that a reader finds the old file or the new one, whole. Raises OperationError."""
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode())


def _result(verdict: Freshness, settings: Settings, at: datetime, elapsed: float) -> dict[str, object]:
    unique_id = f"source.{settings.project}.{settings.dataset_of(verdict.entity)}.{verdict.entity.table_name}"
    if verdict.status is Status.RUNTIME_ERROR:
        return {"unique_id": unique_id, "error": verdict.error, "status": str(verdict.status)}
    newest = at - verdict.age if verdict.age is not None else NEVER
    return {
        "unique_id": unique_id,
        "max_loaded_at": newest.astimezone(UTC).isoformat(),
        "snapshotted_at": at.astimezone(UTC).isoformat(),
        "max_loaded_at_time_ago_in_s": (at - newest).total_seconds(),
        "status": str(verdict.status),
        "criteria": criteria_json(verdict.criteria) | {"filter": None},
        "adapter_response": _table(verdict.loaded),
        "timing": [],
        "thread_id": "MainThread",
        "execution_time": elapsed,
    }


def _table(loaded: Loaded | None) -> dict[str, object]:
    """What the table shows, beside the verdict; nothing of one that could not be asked."""
    if loaded is None:
        return {}
    newest = loaded.max_loaded_at
    return {"row_count": loaded.rows, "newest_row_at": newest.astimezone(UTC).isoformat() if newest else None}


def _threshold(threshold: Threshold) -> dict[str, object]:
    return {"count": threshold.count, "period": threshold.period}
