"""PhaseStack: the jobs of one group."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct
from constructs.bindings import GcsBackend, GoogleProvider, LocalBackend, TerraformOutput, TerraformStack
from constructs.ingest_schedule import IngestSchedule
from ingest.baseline import Baseline
from ingest.entity import Group
from ingest.rollout import Job
from ingest.settings import Settings

STATE_FOLDER = "../../../state"
"""From a stack's folder, cdktf.out/stacks/<stack>, to the repository's root: the same on every machine."""


TERRAFORM_WITH_IMPORT_BLOCKS = "1.5"


class PhaseStack(TerraformStack):
    """One group's jobs, their provider and their state. It depends on no other stack, so that each deploys alone."""

    def __init__(
        self,
        scope: Construct,
        group: Group,
        *,
        jobs: Iterable[Job],
        settings: Settings,
        baseline: Baseline | None = None,
    ) -> None:
        super().__init__(scope, group.stack)
        self.add_override("terraform.required_version", f">= {TERRAFORM_WITH_IMPORT_BLOCKS}")
        if settings.backend == "gcs":
            GcsBackend(self, bucket=settings.backend_bucket, prefix=f"{settings.backend_prefix}/{group.stack}")
        else:
            LocalBackend(self, path=f"{STATE_FOLDER}/{group.stack}.tfstate")
        # Capitals keep these ids apart from the entities', which are lower case.
        GoogleProvider(self, "Google", project=settings.project, region=settings.region)
        runs = {}
        for job in jobs:
            IngestSchedule(self, job=job, settings=settings, found=(baseline or {}).get(job.entity.name))
            runs[job.entity.job_name] = {
                "schedule": job.cadence.cron,
                "time_zone": settings.time_zone,
                "next_run": job.cadence.recurrence(settings.time_zone),
            }
        output = TerraformOutput(self, "Jobs", value=runs, description="The stack's jobs and when they run")
        output.override_logical_id("jobs")
