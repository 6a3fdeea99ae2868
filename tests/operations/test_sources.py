"""dbt's sources.json, made from verdicts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import DAILY, MISSING, WEEKLY, Criteria, Loaded, Status, Threshold
from operations.freshness import Freshness
from operations.sources import artifact, criteria_json
from tests.given.domain import SETTINGS

AT = datetime(2026, 10, 26, 15, tzinfo=UTC)
ENTITIES = {entity.name: entity for entity in CATALOGUE}


def results(*verdicts: Freshness) -> list[dict[str, Any]]:
    found: Any = artifact(verdicts, SETTINGS, AT, AT + timedelta(seconds=2), 1.5)
    assert found["elapsed_time"] == 1.5
    assert found["metadata"]["generated_at"] == "2026-10-26T15:00:02+00:00"
    return list(found["results"])


def test_a_verdict_has_the_age_that_it_rests_on_and_the_newest_row_beside_it() -> None:
    loaded = Loaded(AT - timedelta(days=3), 2)
    (result,) = results(Freshness(ENTITIES["returns"], DAILY, Status.WARN, timedelta(hours=27), loaded))

    assert result["unique_id"] == "source.kpi-auto-471020.st_raw_v2.raw_returns"
    assert (result["status"], result["max_loaded_at_time_ago_in_s"]) == ("warn", 27 * 3600)
    assert result["max_loaded_at"] == "2026-10-25T12:00:00+00:00"
    assert result["adapter_response"] == {"row_count": 2, "newest_row_at": "2026-10-23T15:00:00+00:00"}


def test_an_entity_that_never_succeeded_has_the_moment_that_dbt_writes() -> None:
    (result,) = results(Freshness(ENTITIES["jobs"], DAILY, Status.ERROR, None, MISSING))

    assert result["max_loaded_at"] == "0001-01-01T00:00:00+00:00"
    assert result["adapter_response"] == {"row_count": 0, "newest_row_at": None}


def test_a_success_beside_a_table_that_could_not_be_asked_is_one() -> None:
    verdict = Freshness(ENTITIES["jobs"], DAILY, Status.PASS, timedelta(hours=1), error="it is locked")
    (result,) = results(verdict)

    assert (result["status"], result["adapter_response"]) == ("pass", {})


def test_a_table_that_could_not_be_asked_has_its_error_and_nothing_else() -> None:
    assert results(Freshness(ENTITIES["jobs"], DAILY, Status.RUNTIME_ERROR, error="it is locked")) == [
        {"unique_id": "source.kpi-auto-471020.st_raw_v2.raw_jobs", "error": "it is locked", "status": "runtime error"}
    ]


def test_what_is_not_expected_yet_is_left_out() -> None:
    assert results(Freshness(ENTITIES["campaigns"], WEEKLY, Status.NOT_YET)) == []


def test_criteria_are_in_dbts_form() -> None:
    assert criteria_json(Criteria(Threshold(90, "minute"), Threshold(2, "day"))) == {
        "warn_after": {"count": 90, "period": "minute"},
        "error_after": {"count": 2, "period": "day"},
    }
