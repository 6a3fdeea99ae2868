"""Live jobs as they may be found."""

from __future__ import annotations

from hypothesis import strategies as st

from ingest.baseline import Baseline, BaselineJob
from ingest.catalogue import CATALOGUE

GCLOUD_JOB = BaselineJob(
    schedule="0 2 * * *",
    http_method="GET",
    attempt_deadline="180s",
    retry_count=0,
    min_backoff_duration="5s",
    max_backoff_duration="3600s",
    max_retry_duration="0s",
    max_doublings=16,
    paused=False,
)
"""As gcloud makes a job."""

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="$%"), min_size=1, max_size=60)
seconds = st.integers(0, 3600).map(lambda number: f"{number}s")


crons = st.sampled_from(
    [*(e.target.cron for e in CATALOGUE), "0 2 * * *", "00 02 * * *", "0 2,14 * * *", "*/20 3-5 * * 1-5", "0 6 * * SUN"]
)
"""Of ours, of the same in other words, and of what is neither daily nor weekly."""


@st.composite
def baselines(draw: st.DrawFn) -> Baseline:
    """Any of the catalogue's jobs, found with anything that can be recorded."""
    names = draw(st.lists(st.sampled_from([entity.name for entity in CATALOGUE]), unique=True))
    jobs = {}
    for name in names:
        low, high = sorted(draw(st.tuples(st.integers(0, 3600), st.integers(0, 3600))))
        account = draw(st.none() | st.just("by-hand@example.iam.gserviceaccount.com"))
        jobs[name] = BaselineJob(
            schedule=draw(crons),
            http_method=draw(st.sampled_from(["GET", "POST", "PUT"])),
            attempt_deadline=f"{draw(st.integers(15, 1800))}s",
            retry_count=draw(st.integers(0, 5)),
            min_backoff_duration=f"{low}s",
            max_backoff_duration=f"{high}s",
            max_retry_duration=draw(seconds),
            max_doublings=draw(st.integers(0, 16)),
            paused=draw(st.booleans()),
            description=draw(st.none() | texts),
            oidc_service_account_email=account,
            oidc_audience=draw(st.none() | texts) if account else None,
            headers=draw(st.dictionaries(texts, texts, max_size=3)),
            body=draw(st.none() | texts),
        )
    return jobs
