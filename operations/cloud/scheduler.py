"""The live jobs, by list pages only: the number of calls does not grow with the number of jobs that we look at."""

from __future__ import annotations

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job, ListJobsRequest

from ingest.limits import PAGE_SIZE_LIMIT
from ingest.settings import Settings
from operations.cloud import errors as api_errors
from operations.cloud.errors import UnansweredError, asking
from operations.cloud.jobs import Fields, live

MOST_PAGES = 40


def parent(settings: Settings) -> str:
    return f"projects/{settings.project}/locations/{settings.region}"


def live_jobs(client: CloudSchedulerClient, parent: str) -> dict[str, Job]:
    """Every job of the location, by short name. Raises UnansweredError, also for pages without an end."""
    jobs: dict[str, Job] = {}
    seen: set[str] = set()
    question = f"Cloud Scheduler cannot list the jobs of {parent}"
    with asking(question):
        request = ListJobsRequest(parent=parent, page_size=PAGE_SIZE_LIMIT)
        pager = client.list_jobs(request, retry=api_errors.RETRY, timeout=api_errors.TIMEOUT)
        for number, page in enumerate(pager.pages, 1):
            for job in page.jobs:
                if not (name := job.name.rpartition("/")[2]):
                    raise UnansweredError(f"{question}: the answer holds a job without a name; try again")
                jobs[name] = job
            token = page.next_page_token
            if token and (token in seen or number >= MOST_PAGES):
                raise UnansweredError(f"{question}: its pages have no end (after {number}); try again")
            seen.add(token)
    return jobs


def live_fields(client: CloudSchedulerClient, settings: Settings) -> dict[str, Fields]:
    """What the catalogue's jobs are, by short name. Raises UnansweredError."""
    ours = {entity.job_name for entity in settings.catalogue}
    fields = {}
    for name, job in live_jobs(client, parent(settings)).items():
        if name in ours:
            try:
                fields[name] = live(job)
            except (AttributeError, OverflowError, TypeError, ValueError) as error:
                raise UnansweredError(f"{name}: the API's answer for it cannot be read ({error}); look at it") from None
    return fields
