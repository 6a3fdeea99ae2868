"""FailedAttempts: a notification when Cloud Scheduler's call of the ingest service failed."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct
from constructs.log_alert import LogAlert, Notification, extracted, logs_url
from ingest.entity import Entity
from ingest.settings import Settings


class FailedAttempts(Construct):
    """One policy for all jobs of the catalogue; its text is the playbook.

    Those that do not exist yet are in it, since they fail nothing, and one that the next night adds is watched before
    this stack is deployed again. A run that was never started leaves no log: constructs/freshness_assertion.py.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "FailedAttempts")
        failures = failed_attempts(settings.catalogue)
        notification = Notification(
            title="Ingest: a scheduled attempt failed",
            labels={"job": "EXTRACT(resource.labels.job_id)", "status": "EXTRACT(jsonPayload.status)"},
            subject=f"Ingest: {extracted('job')} failed ({extracted('status')})",
            playbook=playbook(settings),
            links={
                "Cloud Scheduler": jobs_url(settings.project),
                "Failed attempts": logs_url(settings.project, failures),
                "The service's log": logs_url(settings.project, service_log(settings)),
            },
        )
        LogAlert(self, "failed_attempts", matches=failures, notification=notification, settings=settings)


def failed_attempts(entities: Iterable[Entity]) -> str:
    """Cloud Logging's filter for the failed attempts of the entities' jobs.

    An attempt has two entries, AttemptStarted and AttemptFinished, of which the second has the outcome.
    (Source: cloud.google.com/scheduler/docs/logging; google/cloud/scheduler/logging/v1.)
    """
    names = " OR ".join(f'"{entity.job_name}"' for entity in entities)
    return "\n".join(
        (
            'resource.type="cloud_scheduler_job"',
            'log_id("cloudscheduler.googleapis.com/executions")',
            'jsonPayload."@type"="type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"',
            f"resource.labels.job_id=({names})",
            "severity>=ERROR",
        )
    )


def service_log(settings: Settings) -> str:
    """Cloud Logging's filter for what the ingest service complained of."""
    return "\n".join(
        (
            'resource.type="cloud_run_revision"',
            f'resource.labels.service_name="{settings.cloud_run_service}"',
            "severity>=WARNING",
        )
    )


def jobs_url(project: str) -> str:
    """Cloud Scheduler's page of the project."""
    return f"https://console.cloud.google.com/cloudscheduler?project={project}"


def playbook(settings: Settings) -> str:
    """What to do, for somebody who was just woken up."""
    project = settings.project
    attempts = logs_url(project, failed_attempts(settings.catalogue))
    return f"""## {extracted("job")}: an attempt failed ({extracted("status")})

Cloud Scheduler called the ingest service and got no success within {settings.attempt_deadline_seconds} s. It tries again up to {settings.retry_count} more times, so this may be over already. What the run would have loaded is missing until an attempt succeeds; the entities that run later are not held back.

1. Did a retry succeed? **ingest-rollout status** shows each job's last attempt; or look at [Cloud Scheduler]({jobs_url(project)}) and at [the failed attempts]({attempts}).
2. Why did it fail? Read [the service's log]({logs_url(project, service_log(settings))}) at that time. The status says where to look:
   - DEADLINE_EXCEEDED: the ingest takes longer than the deadline. It may still be at work: wait before you start another.
   - UNAUTHENTICATED or PERMISSION_DENIED: the jobs' account may not call the service; somebody changed roles/run.invoker or the setting invoker_service_account.
   - NOT_FOUND: the service has no such route; **ingest-rollout preflight** asks it for them.
   - RESOURCE_EXHAUSTED or UNAVAILABLE: {settings.source} or the service is over its limit; it often passes by itself.
   - INTERNAL or UNKNOWN: an error of the service itself.
3. Once it is fixed, run the job by hand: **gcloud scheduler jobs run {extracted("job")} --location={settings.region} --project={project}**. A second run can load purchase_orders, returns, inventory_bills and payroll_adjustments twice: count distinct records, not rows.
4. Check that the rows came: **ingest-rollout freshness**.
5. Go back only when what the last night's deploy changed is the cause (a new job, another time, another account) and it cannot be fixed before the next night: **ingest-rollout rollback --to** the night before. A failure of the service or of {settings.source} does not go away with it.
6. While the rollout is under way: do not deploy the next night before **ingest-rollout gate** passes.
"""  # noqa: E501
