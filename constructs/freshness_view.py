"""FreshnessView: when each job last succeeded, as a view for dashboards."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct
from constructs.bindings import BigqueryTable, BigqueryTableView
from ingest.judging.freshness_sql import VIEW, view_select
from ingest.rollout import Job
from ingest.settings import Settings


class FreshnessView(Construct):
    """The view `ingest_freshness`, beside the tables; a row for each job's entity.

    BigQuery refuses to create a view over a table that does not exist: the service makes the run log with its first
    call, and without a run log each job makes its table, so it has to be deployed after the gate of the night. Nothing
    is lost with it: it may be replaced and destroyed.
    """

    def __init__(self, scope: Construct, *, jobs: Sequence[Job], settings: Settings) -> None:
        super().__init__(scope, "FreshnessView")
        self.view = BigqueryTable(
            self,
            "View",
            dataset_id=settings.dataset,
            table_id=VIEW,
            description="When each ingest last succeeded, and whether that is in time (dbt's criteria)",
            deletion_protection=False,
            view=BigqueryTableView(query=view_select(settings, jobs), use_legacy_sql=False),
        )
        self.view.override_logical_id("freshness")
