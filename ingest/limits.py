"""Cloud Scheduler's limits and defaults for jobs with an HTTP target, each with its source.

Sources are files of google/cloud/scheduler/v1/ in googleapis/googleapis. Durations are in seconds, or texts such as
"180s", as Terraform and the API have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Whole numbers from `low` to `high`, both allowed."""

    low: int
    high: int

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def text(self, unit: str = "") -> str:
        """In words, such as "15s to 1800s"."""
        return f"{self.low}{unit} to {self.high}{unit}"


NAME_LIMIT = 500
"""Characters. job.proto: Job.name."""

NAME = rf"[A-Za-z0-9_-]{{1,{NAME_LIMIT}}}"
"""A job's id. job.proto: Job.name."""

DESCRIPTION_LIMIT = 500
"""Characters. job.proto: Job.description."""

URI_LIMIT = 2083
"""Characters. target.proto: HttpTarget.uri."""

METHODS = ("POST", "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
"""In the order of their numbers from 1. target.proto: HttpMethod."""

METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
"""target.proto: HttpTarget.body."""

CRON_FIELDS = 5
"""cloud.google.com/scheduler/docs/configuring/cron-job-schedules."""

DEADLINE = Range(15, 1800)
"""Seconds. job.proto: Job.attempt_deadline."""

RETRIES = Range(0, 5)
"""job.proto: RetryConfig.retry_count."""

BACKOFF = Range(5, 3600)
"""Seconds. job.proto: RetryConfig has them as the defaults of the two backoffs; this project allows nothing outside."""

DOUBLINGS = Range(0, 16)
"""gcloud's own default is the upper end (gcloud scheduler jobs create http --max-doublings)."""

PAGE_SIZE_LIMIT = 500
"""Jobs on a page. cloudscheduler.proto: ListJobsRequest.page_size."""

DEFAULTS: Mapping[str, str | int] = {
    "attempt_deadline": "180s",
    "retry_count": 0,
    "min_backoff_duration": "5s",
    "max_backoff_duration": "3600s",
    "max_retry_duration": "0s",
    "max_doublings": 5,
}
"""What the API fills in, by the names of google_cloud_scheduler_job. job.proto: Job.attempt_deadline, RetryConfig."""
