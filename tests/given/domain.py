"""What the unit tests start from: the design's settings, written out, and a clock in Phoenix."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.rollout import STRATEGIES
from ingest.schedule import Cadence
from ingest.settings import NAMES, Settings

PHOENIX = "America/Phoenix"

SETTINGS = Settings(
    project="kpi-auto-471020",
    region="us-central1",
    time_zone=PHOENIX,
    base_url="https://st-v2-ingestor-999875365235.us-central1.run.app",
    reference_path="/ingest/ref",
    dataset="st_raw_v2",
    reference_dataset="st_ref_v2",
    run_log="st_logs_v2.ingestion_logs",
    reconcile_business_units=(),
    reconcile_statuses=(),
    job_prefix="v2-sync-",
    source="ServiceTitan",
    strategy="phased",
    night=0,
    adopt_existing=True,
    backend="local",
    backend_bucket="",
    backend_prefix="ingest-schedules",
    invoker_service_account="",
    create_invoker=False,
    cloud_run_service="st-v2-ingestor",
    notification_channels=(),
    freshness_service_account="",
    deployers=(),
    operators=(),
    github_repository="",
    github_repository_id="",
    github_repository_owner_id="",
    workload_identity_pool="github",
    attempt_deadline_seconds=1800,
    retry_count=2,
    min_backoff_seconds=60,
    max_backoff_seconds=600,
)

AT = {entity.name: entity.target.clock for entity in CATALOGUE}
"""Each job's final time, such as "04:30", for tests that are about something else."""

CONTEXT = {name: getattr(SETTINGS, name) for name in NAMES}
"""The settings as cdktf.json has them."""

EMAIL = "ingest-invoker@kpi-auto-471020.iam.gserviceaccount.com"
LAST = STRATEGIES["phased"].numbers[-1]
"""The last night without an invoker account; with one, `identity` follows."""
IDENTITY = LAST + 1

WITH_INVOKER = replace(SETTINGS, invoker_service_account=EMAIL, create_invoker=True)


def night(number: int, strategy: str = "phased", *, adopt_existing: bool = True) -> Settings:
    return replace(SETTINGS, night=number, strategy=strategy, adopt_existing=adopt_existing)


def in_phoenix(text: str) -> datetime:
    """ "2026-10-20T03:00" in Phoenix; 2026-10-20 is a Tuesday, 2026-10-18 a Sunday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PHOENIX))


whole_minutes = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
daily = st.builds(Cadence, whole_minutes)
weekly = st.builds(Cadence, whole_minutes, st.integers(0, 6))
cadences = st.one_of(daily, weekly)
