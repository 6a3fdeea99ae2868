"""NightDashboard: the night's timeline, its attempts and its failures on one page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from constructs import Construct
from constructs.bindings import MonitoringDashboard
from constructs.failed_attempts import failed_attempts, jobs_url
from ingest.judging.freshness_sql import VIEW
from ingest.rollout import Job
from ingest.settings import Settings
from ingest.utc import utc_clock

COLUMNS = 48
"""Of the grid, the most that the API takes. (Source: monitoring/dashboard/v1/layouts.proto.)"""

_HALF = COLUMNS // 2
_TEXT_HEIGHT, _CHART_HEIGHT, _LOGS_HEIGHT = 32, 16, 20

Fields = dict[str, Any]


class NightDashboard(Construct):
    """Cloud Monitoring's dashboard of the ingest.

    What the API fills in or drops (a position of 0, names, an etag) is left out of the JSON, or each plan would show a
    change. The charts count log entries: an attempt has two, one of its start and one of its end, and only the latter
    has the severity ERROR.
    """

    def __init__(self, scope: Construct, *, jobs: Sequence[Job], settings: Settings) -> None:
        super().__init__(scope, "NightDashboard")
        # On several lines: cdktf's HCL then has a heredoc, which keeps backslashes; a quoted text loses one level.
        text = json.dumps(dashboard_json(jobs, settings), sort_keys=True, indent=1)
        dashboard = MonitoringDashboard(self, "Dashboard", dashboard_json=text)
        dashboard.override_logical_id("night")


def dashboard_json(jobs: Sequence[Job], settings: Settings) -> Fields:
    """A Dashboard as the API has it (monitoring/dashboard/v1)."""
    ours = ", ".join(f'"{entity.job_name}"' for entity in settings.catalogue)
    entries = (
        'metric.type="logging.googleapis.com/log_entry_count" resource.type="cloud_scheduler_job" '
        f"resource.label.job_id=one_of({ours})"
    )
    failures = f'{entries} metric.label.severity="ERROR"'
    return {
        "displayName": f"{settings.source} ingest",
        "mosaicLayout": {
            "columns": COLUMNS,
            "tiles": [
                _tile(0, 0, _HALF, _TEXT_HEIGHT, _text(jobs, settings)),
                _tile(
                    _HALF,
                    0,
                    _HALF,
                    _CHART_HEIGHT,
                    _bars("Attempts by severity (two log entries each)", entries, "metric.label.severity"),
                ),
                _tile(
                    _HALF,
                    _CHART_HEIGHT,
                    _HALF,
                    _CHART_HEIGHT,
                    _bars("Failed attempts by job", failures, "resource.label.job_id"),
                ),
                _tile(
                    0,
                    _TEXT_HEIGHT,
                    COLUMNS,
                    _LOGS_HEIGHT,
                    {"title": "Failed attempts", "logsPanel": {"filter": failed_attempts(settings.catalogue)}},
                ),
            ],
        },
    }


def timeline(jobs: Sequence[Job], zone: str) -> str:
    """The night in the order of its runs, weekly ones last, as a table in Markdown."""
    rows = ["| job | group | local | UTC |", "|---|---|---|---|"]
    for job in sorted(jobs, key=lambda job: (job.cadence.is_weekly, job.cadence.slot)):
        name, cadence = job.entity.job_name, job.cadence
        rows.append(f"| {name} | {job.entity.group} | {cadence.clock} | {utc_clock(cadence, zone)} |")
    return "\n".join(rows)


def _text(jobs: Sequence[Job], settings: Settings) -> Fields:
    content = (
        f"Strategy {settings.strategy}, night {settings.night}: {len(jobs)} jobs, local times in {settings.time_zone}. "
        f"[Cloud Scheduler]({jobs_url(settings.project)}). "
        f"When each job last succeeded: the view {settings.project}.{settings.dataset}.{VIEW} in BigQuery.\n\n"
        f"{timeline(jobs, settings.time_zone)}\n"
    )
    return {"title": "The night", "text": {"content": content, "format": "MARKDOWN"}}


def _bars(title: str, matches: str, group_by: str) -> Fields:
    aggregation = {
        "alignmentPeriod": "3600s",
        "perSeriesAligner": "ALIGN_SUM",
        "crossSeriesReducer": "REDUCE_SUM",
        "groupByFields": [group_by],
    }
    query = {"timeSeriesFilter": {"filter": matches, "aggregation": aggregation}}
    return {"title": title, "xyChart": {"dataSets": [{"plotType": "STACKED_BAR", "timeSeriesQuery": query}]}}


def _tile(x: int, y: int, width: int, height: int, widget: Fields) -> Fields:
    place = {"xPos": x, "yPos": y}
    return {key: value for key, value in place.items() if value} | {"width": width, "height": height, "widget": widget}
