"""MonitoringStack: who hears of a night that went wrong, and where to look."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct
from constructs.failed_attempts import FailedAttempts
from constructs.freshness_assertion import FreshnessAssertion
from constructs.freshness_view import FreshnessView
from constructs.night_dashboard import NightDashboard
from ingest.rollout import Job
from ingest.settings import Settings
from stacks.base import IngestStack

MONITORING_STACK = "ingest-monitoring"


class MonitoringStack(IngestStack):
    """For the jobs that exist at the settings' night; there is none without notification channels.

    It is deployed by itself, after the night's gate has passed: an assertion would name every job that has yet to run
    for the first time, and BigQuery refuses to create the view before all that it reads is there. The assertion is
    only there with an account to run as.
    """

    def __init__(self, scope: Construct, *, jobs: Iterable[Job], settings: Settings) -> None:
        super().__init__(scope, MONITORING_STACK, settings=settings)
        jobs = list(jobs)
        FailedAttempts(self, settings=settings)
        FreshnessView(self, jobs=jobs, settings=settings)
        NightDashboard(self, jobs=jobs, settings=settings)
        if settings.freshness_service_account:
            FreshnessAssertion(self, jobs=jobs, settings=settings)
