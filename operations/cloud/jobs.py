"""A job as Terraform declares it and as the API has it, in one flat form that can be compared.

The keys are those of google_cloud_scheduler_job, with the nested blocks flattened. None: not declared, or not there.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import HttpMethod, Job

from ingest.attempt import NEVER, Attempt, LiveJob
from ingest.baseline import RETRY
from ingest.limits import DEFAULTS
from ingest.text import shown

KIND = "google_cloud_scheduler_job"

Fields = dict[str, Any]

OIDC = ("oidc_service_account_email", "oidc_audience")
OAUTH = ("oauth_service_account_email", "oauth_scope")
TARGET = ("uri", "http_method", "headers", "body", *OIDC, *OAUTH)
"""The fields of http_target."""

HTTP = "HTTP"
"""The value of `target` for a job that has an http_target; for others, what kind they have."""

KEYS = ("schedule", "time_zone", "target", *TARGET, "description", "attempt_deadline", *RETRY, "paused")

_ADDED_HEADERS = (("User-Agent", "Google-Cloud-Scheduler"), ("Content-Type", "application/octet-stream"))
_INTERNAL_HEADERS = ("X-Google-", "X-AppEngine-", "Content-Length")


def declared(resource: Mapping[str, Any]) -> Fields:
    """From the JSON of a google_cloud_scheduler_job resource, or from its attributes in Terraform's state."""
    target = _block(resource.get("http_target"))
    oidc, oauth = _block(target.get("oidc_token")), _block(target.get("oauth_token"))
    topic, app = _block(resource.get("pubsub_target")), _block(resource.get("app_engine_http_target"))
    retry = _block(resource.get("retry_config"))
    texts = {key: resource.get(key) or None for key in ("schedule", "time_zone", "description", "attempt_deadline")}
    return {
        **texts,
        "paused": resource.get("paused"),
        "target": _kind(topic.get("topic_name"), app.get("relative_uri")),
        **{key: target.get(key) or None for key in ("uri", "http_method", "body")},
        "headers": target.get("headers") or {},
        **{f"oidc_{key}": oidc.get(key) or None for key in ("service_account_email", "audience")},
        **{f"oauth_{key}": oauth.get(key) or None for key in ("service_account_email", "scope")},
        **{key: retry.get(key) for key in RETRY},
    }


def _block(value: Any) -> Mapping[str, Any]:
    """A nested block, which is an object in a resource's JSON and a list of one in the state; empty without one."""
    block: Mapping[str, Any] = (value[0] if isinstance(value, list) and value else value) or {}
    return block


def _kind(topic: str | None, path: str | None) -> str:
    """What `target` is, given what the targets of other kinds have."""
    if topic:
        return f"Pub/Sub topic {topic}"
    # A query may carry a key.
    return HTTP if path is None else f"App Engine {path.partition('?')[0] or '/'}"


def target_kind(job: Job) -> str:
    """A live job's `target`."""
    path = job.app_engine_http_target.relative_uri if "app_engine_http_target" in job else None
    return _kind(job.pubsub_target.topic_name, path)


def ignored(resource: Mapping[str, Any]) -> set[str]:
    """The keys that the resource's ignore_changes names."""
    names = (resource.get("lifecycle") or {}).get("ignore_changes") or []
    return {key for name in names for key in (RETRY if name == "retry_config" else (name,))}


def live(job: Job) -> Fields:
    """From the API; what it leaves out because it is the default is filled in."""
    target, retry, kind = job.http_target, job.retry_config, target_kind(job)
    return {
        "schedule": job.schedule,
        "time_zone": job.time_zone,
        "description": job.description or None,
        "attempt_deadline": _text(job.attempt_deadline),
        "paused": job.state == Job.State.PAUSED,
        "target": kind,
        "uri": target.uri if kind == HTTP else None,
        "http_method": HttpMethod(target.http_method).name if kind == HTTP else None,
        "headers": _own_headers(target.headers),
        "body": b64encode(target.body).decode("ascii") or None,
        "oidc_service_account_email": target.oidc_token.service_account_email or None,
        "oidc_audience": target.oidc_token.audience or None,
        "oauth_service_account_email": target.oauth_token.service_account_email or None,
        "oauth_scope": target.oauth_token.scope or None,
        "retry_count": retry.retry_count,
        "min_backoff_duration": _text(retry.min_backoff_duration),
        "max_backoff_duration": _text(retry.max_backoff_duration),
        "max_retry_duration": _text(retry.max_retry_duration),
        "max_doublings": retry.max_doublings,
    }


def attempt(job: Job) -> Attempt:
    """The job's last attempt."""
    started = moment(job.last_attempt_time)
    paused = job.state == Job.State.PAUSED
    return Attempt(started, job.status.code, paused) if started else replace(NEVER, paused=paused)


def live_job(job: Job) -> LiveJob:
    """What a gate compares of it."""
    return LiveJob(
        attempt(job),
        job.schedule,
        job.time_zone,
        job.http_target.uri or target_kind(job),
        job.attempt_deadline,
        job.retry_config.retry_count,
        moment(job.user_update_time),
    )


def moment(stamp: datetime | None) -> datetime | None:
    """A time of the API's, whose class keeps nanoseconds, as a plain one."""
    return datetime.fromisoformat(stamp.isoformat()) if stamp else None


def message(name: str, fields: Mapping[str, Any]) -> Job:
    """For the API; `name` is the full one. A field that is None is left out: the API fills in its default."""
    target: dict[str, Any] = {"uri": fields["uri"], "http_method": fields["http_method"]}
    if fields["headers"]:
        target["headers"] = dict(fields["headers"])
    if fields["body"]:
        target["body"] = b64decode(fields["body"])
    if fields["oidc_service_account_email"]:
        target["oidc_token"] = {
            "service_account_email": fields["oidc_service_account_email"],
            "audience": fields["oidc_audience"] or "",
        }
    if fields["oauth_service_account_email"]:
        target["oauth_token"] = {
            "service_account_email": fields["oauth_service_account_email"],
            "scope": fields["oauth_scope"] or "",
        }
    job: dict[str, Any] = {"name": name, "http_target": target}
    job |= {key: fields[key] for key in ("schedule", "time_zone", "description") if fields[key] is not None}
    if fields["attempt_deadline"] is not None:
        job["attempt_deadline"] = _duration(fields["attempt_deadline"])
    retry = {key: fields[key] for key in RETRY if fields[key] is not None}
    if retry:
        job["retry_config"] = {k: _duration(v) if k.endswith("_duration") else v for k, v in retry.items()}
    return Job(job)


def resources(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The jobs of a stack's cdk.tf.json: Terraform's address, the API's full name, the resource."""
    project = content["provider"]["google"][0]["project"]
    for name, resource in content.get("resource", {}).get(KIND, {}).items():
        yield f"{KIND}.{name}", f"projects/{project}/locations/{resource['region']}/jobs/{resource['name']}", resource


def find(client: CloudSchedulerClient, job: str) -> Fields | None:
    """The live job of that full name, None where there is none. Raises GoogleAPICallError."""
    try:
        return live(client.get_job(name=job))
    except NotFound:
        return None


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any], ignore: Iterable[str] = ()) -> list[str]:
    """The keys in which a live job is not as declared, in the order of KEYS.

    As the google provider 6.50.0 sees it: what is not declared counts as different where the job has it, but for
    `paused` and the deadline's default; a retry block that is not declared is a difference as a whole. Of a target of
    another kind, its kind is the difference.
    """
    left_alone = set(ignore)
    if wanted["target"] != live["target"]:
        left_alone.update(TARGET)
    if wanted["paused"] is None:
        left_alone.add("paused")
    if wanted["attempt_deadline"] is None and live["attempt_deadline"] == DEFAULTS["attempt_deadline"]:
        left_alone.add("attempt_deadline")
    return [key for key in KEYS if key not in left_alone and wanted[key] != live[key]]


def displayed(key: str, wanted: Any, live: Any) -> tuple[Any, Any]:
    """Both values of a field for people's eyes, files and comments: without those that may be a secret."""
    if key == "uri":
        return tuple(shown.uri(value) if isinstance(value, str) else value for value in (wanted, live))  # type: ignore[return-value]
    if key == "body":
        other = f"{shown.HIDDEN[:-1]}, another)" if wanted and wanted != live else shown.HIDDEN
        return wanted and shown.HIDDEN, live and other
    if key == "headers" and isinstance(live, Mapping):
        known = wanted if isinstance(wanted, Mapping) else {}
        others = {name for name in live if name in known and known[name] != live[name]}
        theirs = {name: f"{shown.HIDDEN[:-1]}, another)" if name in others else shown.HIDDEN for name in live}
        return dict.fromkeys(known, shown.HIDDEN) if known else wanted, theirs
    return wanted, live


def _own_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Without those that Cloud Scheduler adds, as google provider 6.50.0 reads a job."""
    return {
        key: value
        for key, value in headers.items()
        if (key, value) not in _ADDED_HEADERS and not key.startswith(_INTERNAL_HEADERS)
    }


def _text(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}s"


def _duration(text: str) -> timedelta:
    return timedelta(seconds=float(text.removesuffix("s")))
