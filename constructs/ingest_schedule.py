"""IngestSchedule: one entity's Cloud Scheduler job."""

from __future__ import annotations

from typing import Any

from constructs import Construct
from constructs.bindings import (
    CloudSchedulerJob,
    CloudSchedulerJobHttpTarget,
    CloudSchedulerJobHttpTargetOidcToken,
    CloudSchedulerJobRetryConfig,
    TerraformResourceLifecycle,
)
from ingest.baseline import BaselineJob
from ingest.rollout import Job, Management
from ingest.settings import Settings

UNKNOWN_WHILE_ADOPTED = ["description", "attempt_deadline", "retry_config"]
"""What nobody wrote down of the jobs made by hand, without a baseline; declaring or omitting it would change them."""


class IngestSchedule(Construct):
    """The Cloud Scheduler job that starts an entity's ingest.

    An adopted job is imported and guarded by prevent_destroy. Until the rollout changes it, it is declared whole as it
    was found, so that its import changes nothing and coming back to it restores it; where it was not recorded, only
    its schedule, zone, target and method are stated and the rest is left alone. The provider updates by a PATCH of the
    whole object, which clears what is not declared; so from then on every field is.

    attempt_deadline is how long Cloud Scheduler waits for the service to answer: at most 1800 s for HTTP, 180 s
    where it is not set, which cuts a longer ingest off and calls it failed. Cutting off does not stop the service:
    a retry may start a second ingest while the first is still at work. Delivery is at least once in any case, so
    an ingest has to bear being run twice. (Source: google/cloud/scheduler/v1/job.proto.)

    The construct's id is the entity's name, and so is its address in Terraform's state,
    `google_cloud_scheduler_job.<entity>`: moving code around renames nothing there.
    """

    def __init__(self, scope: Construct, *, job: Job, settings: Settings) -> None:
        entity = job.entity
        super().__init__(scope, entity.name)
        left_alone = job.management is Management.ADOPTED and job.declared is None
        declared = job.declared or settings.planned(job)
        self.job = CloudSchedulerJob(
            self,
            "job",
            name=entity.job_name,
            region=settings.region,
            schedule=job.cadence.cron,
            time_zone=settings.time_zone,
            http_target=CloudSchedulerJobHttpTarget(
                uri=settings.uri(entity),
                http_method=declared.http_method,
                headers=dict(declared.headers) or None,
                body=declared.body,
                oidc_token=_oidc_token(declared),
            ),
            lifecycle=_lifecycle(job, left_alone),
            **({} if left_alone else _rest(declared)),
        )
        self.job.override_logical_id(entity.name)
        if job.imported:
            self.job.import_from(f"projects/{settings.project}/locations/{settings.region}/jobs/{entity.job_name}")


def _rest(job: BaselineJob) -> dict[str, Any]:
    return {
        "description": job.description,
        "attempt_deadline": job.attempt_deadline,
        "paused": job.paused,
        "retry_config": CloudSchedulerJobRetryConfig(
            retry_count=job.retry_count,
            min_backoff_duration=job.min_backoff_duration,
            max_backoff_duration=job.max_backoff_duration,
            max_retry_duration=job.max_retry_duration,
            max_doublings=job.max_doublings,
        ),
    }


def _oidc_token(job: BaselineJob) -> CloudSchedulerJobHttpTargetOidcToken | None:
    if job.oidc_service_account_email is None:
        return None
    return CloudSchedulerJobHttpTargetOidcToken(
        service_account_email=job.oidc_service_account_email, audience=job.oidc_audience
    )


def _lifecycle(job: Job, left_alone: bool) -> TerraformResourceLifecycle | None:
    if not job.imported:
        return None
    ignored = UNKNOWN_WHILE_ADOPTED if left_alone else None
    return TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=ignored)
