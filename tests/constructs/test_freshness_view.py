"""The view of how old each table is."""

from __future__ import annotations

from typing import Any

import sqlglot


def test_the_view_may_be_destroyed_and_is_beside_the_tables(monitoring: Any) -> None:
    view = monitoring["resource"]["google_bigquery_table"]["freshness"]

    assert (view["dataset_id"], view["table_id"]) == ("st_raw_v2", "ingest_freshness")
    assert view["deletion_protection"] is False
    assert view["view"]["use_legacy_sql"] is False
    assert "lifecycle" not in view
    assert sqlglot.parse(view["view"]["query"], read="bigquery")
