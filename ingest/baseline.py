"""The baseline: the jobs made by hand as they were found, in a committed file in the repository's root.

Each is declared exactly so until the night that moves it to its target, and going back restores it. Where a job runs,
in which zone and against which URI is not in it: that is the settings', and `ingest-rollout adopt` records nothing that
differs in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from ingest.catalogue import CATALOGUE
from ingest.limits import DEADLINE, DESCRIPTION_LIMIT, DOUBLINGS, METHODS, RETRIES
from ingest.schedule import Cadence, ScheduleError
from ingest.text.shapes import ShapeError, Table, fitting, hints_of, read_json

FILE = "baseline.json"
RETRY = ("retry_count", "min_backoff_duration", "max_backoff_duration", "max_retry_duration", "max_doublings")
"""The fields of google_cloud_scheduler_job's retry_config."""

DURATIONS = ("attempt_deadline", "min_backoff_duration", "max_backoff_duration", "max_retry_duration")


@dataclass(frozen=True, kw_only=True)
class BaselineJob:
    """A job's fields, named as in google_cloud_scheduler_job with its blocks flattened.

    The schedule is the cron as it was found, which need not be one of ours. Durations are texts in whole seconds, such
    as "180s"; None: the job has none.
    """

    schedule: str
    http_method: str
    attempt_deadline: str
    retry_count: int
    min_backoff_duration: str
    max_backoff_duration: str
    max_retry_duration: str
    max_doublings: int
    paused: bool
    description: str | None = None
    oidc_service_account_email: str | None = None
    oidc_audience: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those set by hand, without those that Cloud Scheduler adds."""
    body: str | None = None
    """In base64, as Terraform has it."""

    @property
    def token(self) -> tuple[str, str | None] | None:
        """Whose OIDC token it sends, and for which audience."""
        return (self.oidc_service_account_email, self.oidc_audience) if self.oidc_service_account_email else None


FIELDS = tuple(field.name for field in fields(BaselineJob))
_OPTIONAL = ("description", "oidc_service_account_email", "oidc_audience", "body")

Baseline = Mapping[str, BaselineJob]
"""By entity name."""


def load_baseline(root: Path) -> Baseline:
    """The baseline of the repository at `root`, empty where there is none. Raises ShapeError with every problem."""
    try:
        content = read_json(root / FILE, _AGAIN)
    except FileNotFoundError:
        return {}
    if not isinstance(content, dict):
        raise ShapeError([f"{FILE}: must be an object that maps entities to their jobs; {_AGAIN}"])
    jobs, problems = {}, list[str]()
    for name, values in content.items():
        before = len(problems)
        if not isinstance(values, dict):
            problems.append(f"{name}: must be an object with the job's fields; {_AGAIN}")
            continue
        table = Table(values, name, FIELDS, problems, entry="field", absent=f"missing; {_AGAIN}; allowed:")
        fields: dict[str, Any] = {
            key: table.need(key, _typed(kind), _in_words(kind)) for key, kind in hints_of(BaselineJob).items()
        }
        if len(problems) == before:
            jobs[name] = BaselineJob(**fields)
            problems += [f"{name}: {problem}" for problem in unrecordable(name, jobs[name])]
    if problems:
        raise ShapeError(f"{FILE}: {problem}" for problem in problems)
    return jobs


def as_text(baseline: Baseline) -> str:
    """The file's content: the same for the same jobs, a field a line."""
    content = {name: asdict(job) for name, job in baseline.items()}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def unrecordable(name: str, job: BaselineJob) -> Iterator[str]:
    """What stands against declaring the job as it was found: the field, its value, what is allowed."""
    known = [entity.name for entity in CATALOGUE]
    if name not in known:
        yield f"no entity of the catalogue; those are {', '.join(known)}"
    try:
        Cadence.verbatim(job.schedule)
    except ScheduleError as error:
        yield f"schedule: {error}"
    if job.http_method not in METHODS:
        yield f"http_method {job.http_method!r} is not allowed; allowed: {', '.join(METHODS)}"
    for key, allowed in (("retry_count", RETRIES), ("max_doublings", DOUBLINGS)):
        if getattr(job, key) not in allowed:
            yield f"{key} {getattr(job, key)} is out of range; allowed: {allowed.text()}"
    bad = [key for key in DURATIONS if not re.fullmatch(r"\d{1,12}s", getattr(job, key), re.ASCII)]
    for key in bad:
        yield f"{key} {getattr(job, key)!r} is not a duration in whole seconds, such as '180s'"
    if "attempt_deadline" not in bad and _seconds(job.attempt_deadline) not in DEADLINE:
        yield f"attempt_deadline {job.attempt_deadline} is out of range; allowed: {DEADLINE.text('s')}"
    if not bad and _seconds(job.min_backoff_duration) > _seconds(job.max_backoff_duration):
        yield f"min_backoff_duration {job.min_backoff_duration} is over max_backoff_duration {job.max_backoff_duration}"
    if job.description and len(job.description) > DESCRIPTION_LIMIT:
        yield f"description has {len(job.description)} characters; allowed: {DESCRIPTION_LIMIT}"
    if job.oidc_audience and not job.oidc_service_account_email:
        yield "oidc_audience stands without oidc_service_account_email"
    texts = {key: getattr(job, key) or "" for key in _OPTIONAL} | {
        f"header {key}": f"{key}{value}" for key, value in job.headers.items()
    }
    for key, text in texts.items():
        if "${" in text or "%{" in text:
            yield f"{key} holds ${{ or %{{, which Terraform would evaluate; reword it in the live job"


_AGAIN = "`ingest-rollout adopt --record` writes it again"
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", Mapping[str, str]: "an object of texts"}


def _typed(kind: Any) -> Callable[[Any], Any]:
    fits = fitting(kind)

    def check(value: Any) -> Any:
        if value == "":
            raise ValueError
        return fits(value)

    return check


def _in_words(kind: Any) -> str:
    return _WORDS.get(kind) or f"{_WORDS[get_args(kind)[0]]}, or null for none"


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))
