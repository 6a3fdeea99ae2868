"""FreshnessAssertion: a notification when a job did not run, which leaves no log that could be matched."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct
from constructs.bindings import BigqueryDataTransferConfig, DataGoogleBigqueryDataset, Fn
from constructs.failed_attempts import jobs_url
from constructs.log_alert import LogAlert, Notification, extracted
from ingest.freshness_sql import Place, assertion_script
from ingest.rollout import Job
from ingest.settings import Settings
from ingest.utc import assertion_time

_CONFIG_ID = 5
"""The part of projects/P/locations/L/transferConfigs/ID that the log has as config_id."""


class FreshnessAssertion(Construct):
    """A scheduled query that fails when tables are in error, and the policy that notifies of its failure.

    Scheduled queries are of BigQuery's Data Transfer Service and know UTC only. A script has no destination. It runs
    where the dataset is, which is read from the dataset, since that may be a multi-region such as US.
    (Sources: cloud.google.com/bigquery/docs/scheduling-queries and, for the log, docs/dts-monitor beside it.)
    """

    def __init__(self, scope: Construct, *, jobs: Sequence[Job], settings: Settings) -> None:
        super().__init__(scope, "FreshnessAssertion")
        dataset = DataGoogleBigqueryDataset(self, "Dataset", dataset_id=settings.dataset)
        dataset.override_logical_id("tables")
        time = assertion_time((job.cadence for job in jobs), settings.time_zone)
        self.assertion = BigqueryDataTransferConfig(
            self,
            "Assertion",
            display_name="Ingest: every job ran",
            data_source_id="scheduled_query",
            location=dataset.location,
            schedule=f"every day {time}",
            service_account_name=settings.freshness_service_account,
            params={"query": assertion_script(Place(settings.project, settings.dataset), jobs)},
        )
        self.assertion.override_logical_id("freshness_assertion")
        page = f"https://console.cloud.google.com/bigquery/scheduled-queries?project={settings.project}"
        notification = Notification(
            title="Ingest: a job did not run",
            labels={"message": "EXTRACT(jsonPayload.message)"},
            subject="Ingest: a job did not run, or its table is not as expected",
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
    return f"""## A job did not run, or its table is not as expected

{extracted("message")}

Each day at {time} UTC a query of BigQuery asks every table of the rollout for its newest row. It fails, and names them, when entities missed two runs (error_after), never loaded, or have no such table or column. An error without the words "ingest freshness" is of the query itself: see the last step.

1. **ingest-rollout freshness** shows all tables with their ages, **ingest-rollout status** all jobs with their last attempts.
2. The job is missing, paused or drifted: somebody changed it. See [Cloud Scheduler]({jobs_url(settings.project)}); **cdktf deploy** with its stack makes it as declared.
3. The job ran and failed: there is a notification of its own for that, with a playbook.
4. The job succeeded and the table did not grow: the service loaded nothing. ServiceTitan may have had nothing new, on a holiday say; an entity for which that is usual gets criteria of its own, OVERRIDES in ingest/freshness.py. Otherwise look at the service.
5. The table or the column is missing: somebody renamed it, or loaded_at_field in ingest/catalogue.py is not the table's.
6. Mend it, then run the job by hand: **gcloud scheduler jobs run** with its name, **--location={settings.region} --project={settings.project}**.
7. The query itself failed: see its runs on [the page of scheduled queries]({page}). The account {settings.freshness_service_account} needs roles/bigquery.jobUser on the project and roles/bigquery.dataViewer on the dataset {settings.dataset}.
"""  # noqa: E501
