"""The live jobs against what night 0 expects of them, and their recording in the baseline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.baseline import FIELDS, FILE, Baseline, BaselineJob, as_text, unrecordable
from ingest.entity import Entity
from ingest.limits import DEFAULTS
from ingest.rollout import Job
from ingest.settings import Settings
from ingest.text import shown
from operations.cloud import jobs
from operations.cloud import scheduler as listing
from operations.errors import FailedError, OperationError
from operations.ledger.ledger import Ledger
from operations.ledger.standing import target_of
from operations.local.files import write_atomic

UNDECLARED = "not declared"
# What a job has by default; without a baseline only what differs from it is worth a line.
_DEFAULTS: Mapping[str, Any] = {"description": None, **DEFAULTS, "paused": False}
_STATED: Mapping[str, Any] = {
    "http_method": "GET",
    "oidc_service_account_email": None,
    "oidc_audience": None,
    "headers": {},
    "body": None,
}
"""What night 0 declares of every live job without a baseline."""


_GONE = "was recorded and is not live any more: record again with --record, which leaves it out, or make it again"


class Verdict(StrEnum):
    EXPECTED = "as expected"
    DIFFERS = "differs"
    """Night 0 would change it; recording covers that."""
    UNRECORDED = "not recorded"
    """A later night would create it; recording makes night 0 import it."""
    GONE = "gone"
    """It was recorded and is not live any more; recording again leaves it out."""
    MANAGED = "managed"
    """Terraform holds it, and a night has made or moved it: what was recorded of it stays."""
    FIX_FIRST = "fix first"
    """Recording cannot cover it."""
    MISSING = "missing"
    TAKEN = "name taken"
    UNMANAGED = "unmanaged"


BLOCKING = (Verdict.FIX_FIRST, Verdict.MISSING, Verdict.TAKEN)
"""What has to be fixed before anything is recorded."""

TO_RECORD = (Verdict.DIFFERS, Verdict.UNRECORDED, Verdict.GONE)
"""What recording settles."""


@dataclass(frozen=True)
class Difference:
    """`expected` is what night 0 declares, or UNDECLARED for what it leaves alone."""

    field: str
    expected: Any
    live: Any


@dataclass(frozen=True)
class Adoption:
    """One job: `entity` is None for an unmanaged one, `found` what can be recorded of it, `todo` lines for people."""

    job: str
    entity: str | None
    verdict: Verdict
    differences: list[Difference]
    todo: list[str]
    found: BaselineJob | None = None

    @property
    def changed_on_night_0(self) -> bool:
        """Whether night 0 declares something else than what is live."""
        return any(difference.expected != UNDECLARED for difference in self.differences)


def live_jobs(make_client: Callable[[], CloudSchedulerClient], settings: Settings) -> dict[str, ApiJob]:
    """The location's jobs whose names begin with the settings' prefix, by short name, sorted.

    Raises OperationError when they cannot be listed.
    """
    live = listing.live_jobs(make_client(), listing.parent(settings))
    return {name: live[name] for name in sorted(live) if name.startswith(settings.job_prefix)}


def as_found(job: ApiJob) -> BaselineJob:
    """A live job as the baseline has it."""
    return BaselineJob(**{key: value for key, value in jobs.live(job).items() if key in FIELDS})


def compare(
    settings: Settings,
    live: Mapping[str, ApiJob],
    held: Mapping[str, Job] | None = None,
    *,
    not_secret: Collection[str] = (),
) -> list[Adoption]:
    """Each live job, and each that night 0 expects, in the order of their names.

    `held` are the jobs in Terraform's state, by entity: what a night made or moved is not what was found. `not_secret`
    are the headers and bodies that may be recorded although they look like secrets, such as "returns:X-Api-Key".
    """
    held = held or {}
    entities = {entity.job_name: entity for entity in settings.catalogue}
    imported = {job.entity.job_name for job in settings.world_at_start().values()}
    adoptions = []
    for name in sorted({*imported, *live}):
        entity, job = entities.get(name), live.get(name)
        if entity is None:
            adoptions.append(Adoption(name, None, Verdict.UNMANAGED, [], [_foreign(name, settings)]))
        elif _was_moved(held.get(entity.name), entity, settings):
            recorded = settings.found.get(entity.name)
            adoptions.append(Adoption(name, entity.name, Verdict.MANAGED, [], [], recorded))
        elif not settings.adopt_existing:
            adoptions.append(Adoption(name, entity.name, Verdict.TAKEN, [], [_taken(entity, settings)]))
        elif job is None and entity.live:
            adoptions.append(Adoption(name, entity.name, Verdict.MISSING, [], [_missing(name, settings)]))
        elif job is None:
            adoptions.append(Adoption(name, entity.name, Verdict.GONE, [], [_GONE]))
        else:
            adoptions.append(_adoptable(entity, job, settings, not_secret))
    return adoptions


def _was_moved(held: Job | None, entity: Entity, settings: Settings) -> bool:
    """Whether Terraform's state has the job otherwise than it was found, or than the catalogue says it was live."""
    if held is None:
        return False
    if recorded := settings.found.get(entity.name):
        return held.declared != recorded if held.declared else held.cadence.cron != recorded.schedule
    return held.cadence != entity.live


def recordable(adoptions: Iterable[Adoption]) -> Baseline:
    """The baseline of what was found. Raises FailedError for what recording cannot cover."""
    adoptions = list(adoptions)
    if bad := [adoption for adoption in adoptions if adoption.verdict in BLOCKING]:
        lines = [f"{adoption.job}: {adoption.verdict}" for adoption in bad]
        raise FailedError("\n".join(["nothing was recorded; fix first what is said above:", *lines]))
    baseline = {adoption.entity: adoption.found for adoption in adoptions if adoption.entity and adoption.found}
    if not baseline:
        raise FailedError("nothing was recorded: adopt_existing is false, so night 0 imports no job")
    return baseline


def write(root: Path, baseline: Baseline) -> bool:
    """Puts the baseline into its file in `root`, in one step; whether that changed it. Raises OperationError."""
    path, content = root / FILE, as_text(baseline).encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    write_atomic(path, content, otherwise="nothing was recorded")
    return True


def record_adoption(ledger: Ledger, settings: Settings, baseline: Baseline, at: datetime) -> None:
    """Puts into the ledger that the baseline was written, with its file's SHA-256. Raises OperationError."""
    data = {"baseline_hash": sha256(as_text(baseline).encode()).hexdigest()}
    where = target_of(settings)
    try:
        ledger.append("adopt", strategy=settings.strategy, night=settings.night, data=data, target=where, at=at)
    except OperationError as error:
        raise OperationError(f"{FILE} is written, and that is not in the ledger: {error}") from None


def as_json(adoptions: Iterable[Adoption], *, recorded: bool) -> dict[str, Any]:
    listed = [
        {
            "job": adoption.job,
            "entity": adoption.entity,
            "verdict": adoption.verdict,
            "differences": [asdict(difference) for difference in adoption.differences],
            "todo": adoption.todo,
        }
        for adoption in adoptions
    ]
    return {"jobs": listed, "recorded": recorded}


def _adoptable(entity: Entity, job: ApiJob, settings: Settings, not_secret: Collection[str]) -> Adoption:
    before, there = settings.found.get(entity.name), jobs.live(job)
    if there["target"] != jobs.HTTP:
        differences = [Difference("target", jobs.HTTP, there["target"])]
        return Adoption(entity.job_name, entity.name, Verdict.FIX_FIRST, differences, [other_target(there["target"])])
    found = as_found(job)
    settled: dict[str, Any] = {"time_zone": settings.time_zone, "uri": settings.uri(entity)}
    none = dict.fromkeys(jobs.OAUTH)
    stated = {"schedule": entity.live.cron, **_STATED} if entity.live else {}
    declared = {**settled, **none, **(asdict(before) if before else stated)}
    differing = [key for key in declared if declared[key] != there[key]]
    differences = [Difference(key, *jobs.displayed(key, declared[key], there[key])) for key in differing]
    if not before and entity.live:
        differences += [
            Difference(key, UNDECLARED, there[key]) for key, usual in _DEFAULTS.items() if there[key] != usual
        ]
    todo = [_settled(key, there[key], settled[key], entity, job, settings) for key in settled if key in differing]
    todo += [f"{problem}; change the live job" for problem in unrecordable(entity.name, found)]
    todo += _inexpressible(job)
    todo += _secrets(found, before, entity, not_secret)
    if todo:
        verdict = Verdict.FIX_FIRST
    elif not before and not entity.live:
        verdict = Verdict.UNRECORDED
        todo.append(not_recorded(entity, settings))
    elif differing:
        verdict = Verdict.DIFFERS
        todo.append(_to_record(differing, before))
    else:
        verdict = Verdict.EXPECTED
    todo += _advice(found, job, settings)
    return Adoption(entity.job_name, entity.name, verdict, differences, todo, found)


def _inexpressible(job: ApiJob) -> Iterator[str]:
    """What a live job may have that the baseline cannot say."""
    if job.http_target.oauth_token.service_account_email:
        yield "sends an OAuth token, which is for Google's own APIs; give it an OIDC token or none"
    if job.state not in (ApiJob.State.STATE_UNSPECIFIED, ApiJob.State.ENABLED, ApiJob.State.PAUSED):
        yield f"is in state {ApiJob.State(job.state).name}; look at it in the console and bring it to ENABLED"


def other_target(kind: str) -> str:
    """About a job of ours that calls no URL."""
    return (
        f"its target is {kind}, and the rollout's jobs call the service over HTTP: find out what answers there; if it "
        "is the same ingest, give the job an HTTP target in the console, else take its entity out of the catalogue"
    )


def _secrets(
    found: BaselineJob, before: BaselineJob | None, entity: Entity, not_secret: Collection[str]
) -> Iterator[str]:
    """What may be a secret in a request that would be recorded; what is recorded already is not asked about again."""
    headers = {
        name: f"--remove-headers={name}"
        for name, value in found.headers.items()
        if shown.may_be_secret(name, value) and (before is None or before.headers.get(name) != value)
    }
    body = found.body and shown.body_may_be_secret(found.body) and (before is None or before.body != found.body)
    for name, flag in {**headers, **({"body": "--clear-message-body"} if body else {})}.items():
        if f"{entity.name}:{name}" not in not_secret:
            what = "its body" if name == "body" else f"its header {name}"
            yield (
                f"{what} may hold a secret, and {FILE} is committed: let it send an OIDC token instead and take it off "
                f"the job ({flag}), or say that it is none: --not-secret {entity.name}:{name}"
            )


def _settled(key: str, live: str, expected: str, entity: Entity, job: ApiJob, settings: Settings) -> str:
    """What recording cannot cover: the settings say it."""
    setting, flag = ("time_zone", "time-zone") if key == "time_zone" else ("base_url", "uri")
    if key == "uri" and entity.is_reference and live.startswith(f"{settings.base_url}/"):
        setting = "reference_path"
    return (
        f"{key} is {shown.uri(live)!r}, night 0 declares {expected!r}: correct {setting} in cdktf.json, or change the "
        f"job: {_gcloud('update http', job.name, settings)} --{flag}={expected!r}"
    )


def _to_record(differing: list[str], before: BaselineJob | None) -> str:
    what = ", ".join(differing)
    if before:
        return f"{what} changed since it was recorded: record it again with --record, or change it back"
    return f"night 0 would change {what}: record it as it is with --record, or change the job"


def _advice(found: BaselineJob, job: ApiJob, settings: Settings) -> Iterator[str]:
    if found.paused:
        yield (
            "is paused, and stays so until the night that moves it to its target time; ask who paused it and why. "
            f"To let it run: {_gcloud('resume', job.name, settings)}"
        )


def _missing(name: str, settings: Settings) -> str:
    return (
        f"night 0 imports it and it is not in {settings.project}, {settings.region}: make it again, correct project "
        "and region, or set adopt_existing to false in a project without the jobs made by hand"
    )


def not_recorded(entity: Entity, settings: Settings) -> str:
    """About a live job that a night of the settings' rollout would create."""
    return (
        f"night {_enters_on(entity, settings)} would create it, which ends in 409 ALREADY_EXISTS: record it with "
        "`ingest-rollout adopt --record`, so that night 0 imports it as it is"
    )


def _taken(entity: Entity, settings: Settings) -> str:
    return (
        f"adopt_existing is false, so night {_enters_on(entity, settings)} would create it, which ends in 409 "
        "ALREADY_EXISTS: set adopt_existing to true in cdktf.json, then record it with `ingest-rollout adopt --record`"
    )


def _enters_on(entity: Entity, settings: Settings) -> int:
    return next(n.number for n in settings.rollout.nights if entity.name in (*n.creates, *n.adopts))


def _foreign(name: str, settings: Settings) -> str:
    return (
        "nobody declares it and the rollout leaves it alone. If it does what a declared job does, data is loaded "
        f"twice: {_gcloud('pause', name, settings)}"
    )


def _gcloud(verb: str, job: str, settings: Settings) -> str:
    name = job.rpartition("/")[2]
    return f"gcloud scheduler jobs {verb} {name} --project={settings.project} --location={settings.region}"
