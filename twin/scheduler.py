"""Cloud Scheduler's v1 API as a model: its jobs, its checks, its defaults. What it has and lacks: docs/twin.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from ingest import limits
from ingest.limits import DEFAULTS
from ingest.schedule import ScheduleError, time_zone
from twin.clock import Clock

Fields = dict[str, Any]
"""A job in the API's JSON: camelCase keys, durations such as "180s", times in RFC 3339."""

RETRY_DEFAULTS: dict[str, Any] = {
    "maxRetryDuration": DEFAULTS["max_retry_duration"],
    "minBackoffDuration": DEFAULTS["min_backoff_duration"],
    "maxBackoffDuration": DEFAULTS["max_backoff_duration"],
    "maxDoublings": DEFAULTS["max_doublings"],
}
METHODS = ("HTTP_METHOD_UNSPECIFIED", *limits.METHODS)
STATES = ("STATE_UNSPECIFIED", "ENABLED", "PAUSED", "DISABLED", "UPDATE_FAILED")
USER_AGENT = "Google-Cloud-Scheduler"
SETTABLE: dict[str, Any] = {
    "description": str,
    "httpTarget": {
        "uri": str,
        "httpMethod": (int, str),
        "headers": dict,
        "body": str,
        "oidcToken": {"serviceAccountEmail": str, "audience": str},
        "oauthToken": {"serviceAccountEmail": str, "scope": str},
    },
    "schedule": str,
    "timeZone": str,
    "retryConfig": {"retryCount": int, "maxDoublings": int}
    | dict.fromkeys(("maxRetryDuration", "minBackoffDuration", "maxBackoffDuration"), str),
    "attemptDeadline": str,
}
"""What a client may set, and of which type it is."""

OUTPUT_ONLY = dict.fromkeys(("name", "state", "status", "userUpdateTime", "scheduleTime", "lastAttemptTime"), object)
NEVER_RAN = {"code": -1}


class ApiError(Exception):
    """An error as the API answers it. `status` is the canonical code's name, such as NOT_FOUND."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.body: dict[str, dict[str, Any]] = {"error": {"code": code, "message": message, "status": status}}
        self.code = code


@dataclass
class Scheduler:
    """The jobs of one location, by full name. `writes` are those that were accepted: (method, job's short name)."""

    clock: Clock
    jobs: dict[str, Fields] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)

    def create(self, parent: str, body: Fields) -> Fields:
        name = body.get("name", "")
        if not isinstance(name, str) or not re.fullmatch(re.escape(f"{parent}/jobs/") + limits.NAME, name):
            raise _invalid(f"Job name must be of the form {parent}/jobs/<id> with an id of letters, digits, _ and -.")
        if name in self.jobs:
            raise ApiError(409, "ALREADY_EXISTS", f"Job [{name}] already exists.")
        job = _checked(body) | {"name": name, "state": "ENABLED", "status": NEVER_RAN}
        return self._store("create", job)

    def get(self, name: str) -> Fields:
        if name not in self.jobs:
            raise ApiError(404, "NOT_FOUND", "Job not found.")
        return deepcopy(self.jobs[name])

    def page(self, parent: str, size: int, token: str) -> Fields:
        """At most `size` jobs (0: a page's limit) from the one that `token` names on, in the order of their names."""
        if not 0 <= size <= limits.PAGE_SIZE_LIMIT:
            raise _invalid(f"Page size must be from 0 to {limits.PAGE_SIZE_LIMIT}.")
        size = size or limits.PAGE_SIZE_LIMIT
        names = sorted(name for name in self.jobs if name.startswith(f"{parent}/jobs/") and name >= token)
        page: Fields = {"jobs": [self.get(name) for name in names[:size]]}
        if rest := names[size:]:
            page["nextPageToken"] = rest[0]
        return page

    def patch(self, name: str, body: Fields, mask: Iterable[str] | None) -> Fields:
        """Sets the fields of `mask` (dotted paths in camelCase); without one, replaces the whole object."""
        before = self.get(name)
        _check_types("job", body, SETTABLE | OUTPUT_ONLY)
        wanted = body if mask is None else _masked(before, body, mask)
        kept = {key: value for key, value in before.items() if key not in SETTABLE}
        return self._store("patch", kept | _checked(wanted))

    def delete(self, name: str) -> Fields:
        self.get(name)
        del self.jobs[name]
        self._note("delete", name)
        return {}

    def pause(self, name: str) -> Fields:
        return self._store("pause", self.get(name) | {"state": "PAUSED"})

    def resume(self, name: str) -> Fields:
        return self._store("resume", self.get(name) | {"state": "ENABLED"})

    def next_run(self, name: str) -> datetime | None:
        """When the job runs next; None for one that is gone or not enabled."""
        job = self.jobs.get(name, {})
        return datetime.fromisoformat(job["scheduleTime"]) if job.get("state") == "ENABLED" else None

    def begin_attempt(self, name: str) -> None:
        if job := self.jobs.get(name):
            job["lastAttemptTime"] = stamp(self.clock.now)
            job["scheduleTime"] = self._next(job)

    def skip_run(self, name: str) -> None:
        """Leaves a run out that is due while an attempt is under way."""
        self.jobs[name]["scheduleTime"] = self._next(self.jobs[name])

    def end_attempt(self, name: str, status: Fields) -> None:
        """Notes the outcome of the last attempt: {} for success, else a google.rpc.Status."""
        if job := self.jobs.get(name):
            job["status"] = status

    def take_writes(self) -> list[tuple[str, str]]:
        """The writes since the last call, sorted: clients work on several jobs at once."""
        taken, self.writes = sorted(self.writes), []
        return taken

    def _note(self, method: str, name: str) -> None:
        self.writes.append((method, name.rpartition("/")[2]))

    def _store(self, method: str, job: Fields) -> Fields:
        job["scheduleTime"] = self._next(job)
        job["userUpdateTime"] = stamp(self.clock.now)
        self.jobs[job["name"]] = job
        self._note(method, job["name"])
        return deepcopy(job)

    def _next(self, job: Fields) -> str:
        fires = CronSim(job["schedule"], self.clock.now.astimezone(ZoneInfo(job["timeZone"])))
        return stamp(next(fires))


def seconds(duration: str) -> float:
    """A duration of the API, such as "1.5s", in seconds. Raises ApiError."""
    if not re.fullmatch(r"\d{1,12}(\.\d{1,9})?s", duration, re.ASCII):
        raise _invalid(f"Invalid duration: {duration!r}.")
    return float(duration[:-1])


def _checked(body: Mapping[str, Any]) -> Fields:
    """The settable fields of `body` with the API's defaults filled in. Raises ApiError for what it refuses."""
    _check_types("job", body, SETTABLE | OUTPUT_ONLY)
    job: Fields = {key: deepcopy(body[key]) for key in SETTABLE if body.get(key)}
    zone = job.setdefault("timeZone", "UTC")
    try:
        # cronsim would also take seconds.
        if len(job.get("schedule", "").split()) != limits.CRON_FIELDS:
            raise ScheduleError
        # Any moment will do: only the syntax is asked for.
        CronSim(job["schedule"], datetime(2000, 1, 1, tzinfo=time_zone(zone)))
    except (CronSimError, ScheduleError):
        raise _invalid("Schedule or time zone is invalid.") from None
    if len(job.get("description", "")) > limits.DESCRIPTION_LIMIT:
        raise _invalid(f"Job description must not exceed {limits.DESCRIPTION_LIMIT} characters.")
    _fill_target(job)
    deadline = seconds(job.setdefault("attemptDeadline", DEFAULTS["attempt_deadline"]))
    if deadline not in limits.DEADLINE:
        raise _invalid(f"The deadline for HTTP targets must be from {limits.DEADLINE.text('s')}.")
    _fill_retry(job)
    return job


def _fill_target(job: Fields) -> None:
    target = job.get("httpTarget") or {}
    uri = target.get("uri", "")
    if not re.fullmatch(r"https?://[^/\s?]+\S*", uri) or len(uri) > limits.URI_LIMIT:
        raise _invalid("HttpTarget.uri must be a valid HTTP or HTTPS URL.")
    method = target.get("httpMethod", 0)
    method = METHODS[method] if isinstance(method, int) and method in range(len(METHODS)) else method
    if method not in METHODS:
        raise _invalid(f"Invalid HTTP method: {method}.")
    if method == METHODS[0]:
        method = "POST"
    if target.get("body") and method not in limits.METHODS_WITH_BODY:
        raise _invalid(f"A body is allowed only with {', '.join(limits.METHODS_WITH_BODY)}.")
    headers = target.get("headers") or {}
    if not all(isinstance(value, str) for value in headers.values()):
        raise _invalid("Invalid value at 'job.httpTarget.headers'.")
    job["httpTarget"] = target | {"httpMethod": method, "headers": headers | {"User-Agent": USER_AGENT}}


def _fill_retry(job: Fields) -> None:
    retry = RETRY_DEFAULTS | {key: value for key, value in (job.get("retryConfig") or {}).items() if value}
    if retry.get("retryCount", 0) not in limits.RETRIES:
        raise _invalid(f"retry_count must be from {limits.RETRIES.text()}.")
    if retry["maxDoublings"] not in limits.DOUBLINGS:
        raise _invalid(f"max_doublings must be from {limits.DOUBLINGS.text()}.")
    low, high = (timedelta(seconds=seconds(retry[f"{end}BackoffDuration"])) for end in ("min", "max"))
    seconds(retry["maxRetryDuration"])
    if low > high:
        raise _invalid("min_backoff_duration must not exceed max_backoff_duration.")
    job["retryConfig"] = retry


def _masked(before: Mapping[str, Any], body: Mapping[str, Any], mask: Iterable[str]) -> Fields:
    """The settable fields of `before`; those of `mask` are taken from `body`, or cleared where it lacks them."""
    wanted = {key: deepcopy(before[key]) for key in SETTABLE if key in before}
    for path in mask:
        *parents, leaf = path.split(".")
        known, source, target = SETTABLE, body, wanted
        for parent in parents:
            known = known[parent] if isinstance(known.get(parent), dict) else {}
            source, target = source.get(parent) or {}, target.setdefault(parent, {})
            if not known:
                break
        if leaf not in known:
            raise _invalid(f"Invalid field in update_mask: {path}.")
        target.pop(leaf, None)
        if leaf in source:
            target[leaf] = deepcopy(source[leaf])
    return wanted


def _check_types(place: str, value: Any, known: Mapping[str, Any]) -> None:
    """Raises ApiError for a field that the API does not know, or that is of another type; null counts as not set."""
    if not isinstance(value, Mapping):
        raise _invalid(f"Invalid value at '{place}'.")
    for key, inner in value.items():
        if key not in known:
            raise _invalid(f"Invalid JSON payload received. Unknown name \"{key}\" at '{place}': Cannot find field.")
        kind = known[key]
        if isinstance(kind, dict) and inner is not None:
            _check_types(f"{place}.{key}", inner, kind)
        elif inner is not None and (isinstance(inner, bool) or not isinstance(inner, kind)):
            raise _invalid(f"Invalid value at '{place}.{key}'.")


def _invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_ARGUMENT", message)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
