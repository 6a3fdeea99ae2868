"""FreshnessAssertion: a notification when a job did not run, which leaves no entry that could be matched."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct
from constructs.bindings import BigqueryDataTransferConfig, DataGoogleBigqueryDataset, Fn
from constructs.failed_attempts import jobs_url
from constructs.log_alert import LogAlert, Notification, extracted
from ingest.judging.freshness_sql import assertion
from ingest.rollout import Job
from ingest.settings import Settings
from ingest.utc import assertion_time

_CONFIG_ID = 5
"""The part of projects/P/locations/L/transferConfigs/ID that the log has as config_id."""


class FreshnessAssertion(Construct):
    """A scheduled query that fails when entities are in error, and the policy that notifies of its failure.

    Scheduled queries are of BigQuery's Data Transfer Service and know UTC only. It runs where the dataset that it asks
    is, which is read from the dataset, since that may be a multi-region such as US.
    (Sources: cloud.google.com/bigquery/docs/scheduling-queries and, for the log, docs/dts-monitor beside it.)
    """

    def __init__(self, scope: Construct, *, jobs: Sequence[Job], settings: Settings) -> None:
        super().__init__(scope, "FreshnessAssertion")
        # The run log's dataset, or the tables'.
        asked = settings.run_log.partition(".")[0] or settings.dataset
        dataset = DataGoogleBigqueryDataset(self, "Dataset", dataset_id=asked)
        dataset.override_logical_id("asked")
        time = assertion_time((job.cadence for job in jobs), settings.time_zone)
        self.assertion = BigqueryDataTransferConfig(
            self,
            "Assertion",
            display_name="Ingest: every job ran",
            data_source_id="scheduled_query",
            location=dataset.location,
            schedule=f"every day {time}",
            service_account_name=settings.freshness_service_account,
            params={"query": assertion(settings, jobs)},
        )
        self.assertion.override_logical_id("freshness_assertion")
        page = f"https://console.cloud.google.com/bigquery/scheduled-queries?project={settings.project}"
        notification = Notification(
            title="Ingest: a job did not run",
            labels={"message": "EXTRACT(jsonPayload.message)"},
            subject="Ingest: a job did not succeed for two runs",
            playbook=playbook(settings, time, page),
            links={"Scheduled queries": page, "Cloud Scheduler": jobs_url(settings.project)},
        )
        matches = "\n".join(
            (
                'resource.type="bigquery_dts_config"',
                'log_id("bigquerydatatransfer.googleapis.com/transfer_config")',
                f'resource.labels.config_id="{Fn.element(Fn.split("/", self.assertion.name), _CONFIG_ID)}"',
                "severity>=ERROR",
            )
        )
        LogAlert(self, "job_did_not_run", matches=matches, notification=notification, settings=settings)


def playbook(settings: Settings, time: str, page: str) -> str:
    """What to do. `time` is the assertion's, in UTC; `page` is the console's with its runs."""
    asked, steps = _by_the_log(settings) if settings.run_log else _by_the_tables(settings)
    steps += [
        f"Fix it, then run the job by hand: **gcloud scheduler jobs run** with its name, **--location={settings.region} --project={settings.project}**.",  # noqa: E501
        f"The query itself failed: see its runs on [the page of scheduled queries]({page}). The account {settings.freshness_service_account} needs roles/bigquery.jobUser on the project and roles/bigquery.dataViewer on what it asks.",  # noqa: E501
    ]
    numbered = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    return f"""## A job did not succeed for two runs

{extracted("message")}

Each day at {time} UTC a query asks {asked}. It fails, and names them, when jobs missed two runs (error_after) or never succeeded. An error without the words "ingest freshness" is of the query itself: see the last step.

{numbered}
"""  # noqa: E501


def _missing(settings: Settings) -> str:
    return f"The job is missing, paused or drifted: see [Cloud Scheduler]({jobs_url(settings.project)}); **cdktf deploy** with its stack makes it as declared."  # noqa: E501


def _by_the_log(settings: Settings) -> tuple[str, list[str]]:
    """What is asked, and the steps to take."""
    return f"the service's run log {settings.run_log} for the last success of each job", [
        "**ingest-rollout freshness** shows each job's last success, its last call with the error, and the newest row; **ingest-rollout status** shows all jobs with their last attempts.",  # noqa: E501
        f"The last call is as old as the last success: nothing calls the service for it. {_missing(settings)}",
        "The last call is newer: it failed. There is a notification of its own for that, with a playbook.",
        "The run log is named: the service stopped writing it, or nothing calls the service. If the newest rows are new, the ingest works; see the service's own log for the failed write.",  # noqa: E501
    ]


def _by_the_tables(settings: Settings) -> tuple[str, list[str]]:
    return "every table of the rollout for its newest row, since the service keeps no run log", [
        "**ingest-rollout freshness** shows all tables with their ages and those that are missing, **ingest-rollout status** all jobs with their last attempts.",  # noqa: E501
        _missing(settings),
        "The job ran and failed: there is a notification of its own for that, with a playbook.",
        f"The job succeeded and the table did not grow: {settings.source} may have had nothing new; an entity for which that is usual gets criteria of its own, OVERRIDES in ingest/judging/freshness.py. Otherwise look at the service.",  # noqa: E501
        "The error is that a table or a column was not found: the job never ran, somebody renamed it, or loaded_at_fields in ingest/catalogue.py does not begin with the table's column.",  # noqa: E501
    ]
