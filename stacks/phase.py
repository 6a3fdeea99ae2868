"""PhaseStack: the jobs of one group."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct
from constructs.bindings import TerraformOutput
from constructs.ingest_schedule import IngestSchedule
from ingest.entity import Group
from ingest.rollout import Job
from ingest.settings import Settings
from stacks.base import IngestStack


class PhaseStack(IngestStack):
    """One group's jobs."""

    def __init__(
        self,
        scope: Construct,
        group: Group,
        *,
        jobs: Iterable[Job],
        settings: Settings,
    ) -> None:
        super().__init__(scope, group.stack, settings=settings)
        runs = {}
        for job in jobs:
            IngestSchedule(self, job=job, settings=settings)
            runs[job.entity.job_name] = {
                "schedule": job.cadence.cron,
                "time_zone": settings.time_zone,
                "next_run": job.cadence.recurrence(settings.time_zone),
            }
        output = TerraformOutput(self, "Jobs", value=runs, description="The stack's jobs and when they run")
        output.override_logical_id("jobs")
