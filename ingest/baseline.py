"""The baseline: the jobs made by hand as they were found, in a committed file in the repository's root.

Each is declared exactly so until the night that moves it to its target, and going back restores it. Where a job runs,
in which zone and against which URI is not in it: that is the settings', and `ingest-rollout adopt` records nothing that
differs in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ingest.catalogue import CATALOGUE
from ingest.limits import DEADLINE, DESCRIPTION_LIMIT, DOUBLINGS, METHODS, RETRIES
from ingest.schedule import Cadence, ScheduleError

FILE = "baseline.json"
RETRY = ("retry_count", "min_backoff_duration", "max_backoff_duration", "max_retry_duration", "max_doublings")
"""The fields of google_cloud_scheduler_job's retry_config."""

DURATIONS = ("attempt_deadline", "min_backoff_duration", "max_backoff_duration", "max_retry_duration")


class BaselineError(ValueError):
    """A bad baseline; one line for each problem in `lines`: the entity, the field, the value, what is allowed."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


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


FIELDS = tuple(one.name for one in fields(BaselineJob))
_NUMBERS = ("retry_count", "max_doublings")
_OPTIONAL = ("description", "oidc_service_account_email", "oidc_audience", "body")

Baseline = Mapping[str, BaselineJob]
"""By entity name."""


def load_baseline(root: Path) -> Baseline:
    """The baseline of the repository at `root`, empty where there is none. Raises BaselineError with every problem."""
    path = root / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BaselineError([f"{FILE}: cannot be read at {path} ({error.strerror})"]) from None
    except json.JSONDecodeError as error:
        raise BaselineError([f"{FILE}: line {error.lineno} is not JSON ({error.msg}); {_ANEW}"]) from None
    except (ValueError, RecursionError) as error:
        raise BaselineError([f"{FILE}: {error}; {_ANEW}"]) from None
    if not isinstance(content, dict):
        raise BaselineError([f"{FILE}: must be an object that maps entities to their jobs; {_ANEW}"])
    found, lines = {}, []
    for name, values in content.items():
        problems = list(_shape(values))
        if not problems:
            found[name] = BaselineJob(**values)
            problems = list(unrecordable(name, found[name]))
        lines += [f"{FILE}: {name}: {problem}" for problem in problems]
    if lines:
        raise BaselineError(lines)
    return found


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


_ANEW = "`ingest-rollout adopt --record` writes it anew"


def _shape(values: Any) -> Iterator[str]:
    if not isinstance(values, dict):
        yield "must be an object with the job's fields"
        return
    for key in values.keys() - set(FIELDS):
        yield f"{key} is not a field; known: {', '.join(FIELDS)}"
    for key in FIELDS:
        if key not in values:
            yield f"{key} is missing; {_ANEW}"
        elif not _is_typed(key, values[key]):
            yield f"{key}: {values[key]!r} is not allowed; allowed: {_wanted(key)}"


def _is_typed(key: str, value: Any) -> bool:
    if key == "paused":
        return isinstance(value, bool)
    if key in _NUMBERS:
        return type(value) is int
    if key == "headers":
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    return (isinstance(value, str) and value != "") or (key in _OPTIONAL and value is None)


def _wanted(key: str) -> str:
    if key == "paused":
        return "true or false"
    if key == "headers":
        return "an object of texts"
    return "a whole number" if key in _NUMBERS else "a text" + (", or null for none" if key in _OPTIONAL else "")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"{key!r} stands there more than once")
    return dict(pairs)


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))
