"""The dashboard: its list of jobs, its tiles, its charts."""

from __future__ import annotations

import json
from typing import Any

from tests.given.monitoring import ON, STACK, matched, policy
from tests.given.synth import Synthesize


def dashboard(monitoring: Any) -> Any:
    return json.loads(monitoring["resource"]["google_monitoring_dashboard"]["night"]["dashboard_json"])


def test_the_dashboard_lists_the_nights_jobs_in_the_order_of_their_runs(synthesize: Synthesize) -> None:
    tiles = dashboard(synthesize(night=0, **ON)[STACK])["mosaicLayout"]["tiles"]
    text = tiles[0]["widget"]["text"]

    assert text["format"] == "MARKDOWN"
    assert text["content"].startswith("Strategy phased, night 0: 7 jobs, local times in America/Phoenix.")
    assert [line for line in text["content"].splitlines() if line.startswith("| v2")] == [
        "| v2-sync-jobs-daily | core | 02:00 | 09:00 |",
        "| v2-sync-appointments-daily | core | 02:10 | 09:10 |",
        "| v2-sync-invoices-daily | financial | 02:15 | 09:15 |",
        "| v2-sync-estimates-daily | financial | 02:30 | 09:30 |",
        "| v2-sync-payments-daily | financial | 02:45 | 09:45 |",
        "| v2-sync-payroll-daily | labor | 03:00 | 10:00 |",
        "| v2-sync-customers-daily | core | 03:15 | 10:15 |",
    ]


def test_the_dashboards_tiles_fill_the_grid_and_do_not_overlap(monitoring: Any) -> None:
    layout = dashboard(monitoring)["mosaicLayout"]
    taken: set[tuple[int, int]] = set()
    for tile in layout["tiles"]:
        assert tile.get("xPos") != 0, "the API drops a 0, and each plan would show a change"
        assert tile.get("yPos") != 0
        x, y = tile.get("xPos", 0), tile.get("yPos", 0)
        cells = {(x + dx, y + dy) for dx in range(tile["width"]) for dy in range(tile["height"])}
        assert not cells & taken
        taken |= cells

    assert 1 <= layout["columns"] <= 48
    assert taken == {(x, y) for x in range(layout["columns"]) for y in range(max(y for _, y in taken) + 1)}


def test_the_dashboard_charts_attempts_and_failures_and_shows_the_log_that_the_policy_matches(monitoring: Any) -> None:
    _, attempts, failures, logs = [tile["widget"] for tile in dashboard(monitoring)["mosaicLayout"]["tiles"]]

    for chart, group in ((attempts, "metric.label.severity"), (failures, "resource.label.job_id")):
        (data,) = chart["xyChart"]["dataSets"]
        query = data["timeSeriesQuery"]["timeSeriesFilter"]
        assert 'metric.type="logging.googleapis.com/log_entry_count"' in query["filter"]
        assert query["aggregation"]["groupByFields"] == [group]
    assert logs["logsPanel"]["filter"] == matched(policy(monitoring, "failed_attempts"))["filter"]


def test_the_dashboards_text_is_the_same_each_time_and_on_several_lines(synthesize: Synthesize) -> None:
    first, second = (
        synthesize(night=3, **ON)[STACK]["resource"]["google_monitoring_dashboard"]["night"] for _ in range(2)
    )

    assert first["dashboard_json"] == second["dashboard_json"]
    assert first["dashboard_json"] == json.dumps(json.loads(first["dashboard_json"]), sort_keys=True, indent=1)
    assert len(first["dashboard_json"]) < 10_000
