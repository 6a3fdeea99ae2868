"""What can be known before a night is deployed: one check a function, a verdict, a reason and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.rollout import Hold, World
from ingest.settings import Settings
from ingest.verdict import Verdict
from operations.cloud import jobs
from operations.cloud import tables as freshness
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import scheduler_client
from operations.cloud.errors import Cause, UnansweredError, asking
from operations.cloud.permissions import Permissions
from operations.cloud.routes import RouteAnswer, probe
from operations.cloud.scheduler import live_jobs, parent
from operations.errors import OperationError
from operations.terraform.declared import Declared, declared_jobs
from operations.terraform.deployed import Before, from_state

PERMISSIONS = tuple(
    f"cloudscheduler.jobs.{verb}" for verb in ("create", "update", "delete", "get", "list", "pause", "enable")
)
"""What a deploy needs; `enable` is the permission of jobs.resume, which the provider calls after a create."""

CLOSED = "is closed to requests without a token"

ACT_AS = "iam.serviceAccounts.actAs"


@dataclass(frozen=True)
class Check:
    """`reason` says what was found, `details` where, `remedy` what to do; it is "" for a pass."""

    name: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    details: tuple[str, ...] = ()


class Tables(Protocol):
    """The dataset's tables. `columns` are column names by table name ("raw_jobs"); it may raise OperationError."""

    def columns(self) -> Mapping[str, set[str]]: ...


class Granted(Protocol):
    """Which of `wanted` the caller has; operations.permissions.Permissions asks Google. Raises OperationError."""

    def on_project(self, project: str, wanted: Sequence[str]) -> set[str]: ...

    def on_service_account(self, email: str, wanted: Sequence[str]) -> set[str]: ...


@dataclass(frozen=True)
class Sources:
    """Where the evidence comes from. Each may raise OperationError, which makes its check inconclusive.

    `list_live` gives the location's jobs by short name, `before` what Terraform holds, `declared` the jobs of the
    night (asked only when a job's name is taken); `probe` sends one OPTIONS to a URL. `tables` is None without access.
    """

    list_live: Callable[[], Mapping[str, ApiJob]]
    granted: Granted
    probe: Callable[[str], RouteAnswer]
    before: Callable[[], Before]
    declared: Callable[[], Sequence[Declared]]
    tables: Tables | None = None


class _BigQueryTables:
    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._settings, self._environ = settings, environ

    def columns(self) -> dict[str, set[str]]:
        return freshness.columns(bigquery_client(self._settings, self._environ), self._settings)


def live_sources(root: Path, settings: Settings, environ: Mapping[str, str]) -> Sources:
    """The live systems that `environ` points to, and the checkout at `root`."""
    return Sources(
        list_live=lambda: live_jobs(scheduler_client(environ), parent(settings)),
        granted=Permissions(environ),
        probe=probe,
        before=lambda: from_state(root, settings, environ),
        declared=lambda: declared_jobs(root, settings, environ),
        tables=_BigQueryTables(settings, environ),
    )


def preflight(settings: Settings, sources: Sources) -> list[Check]:
    """All checks of the settings' night; the failure of one hides no other."""
    world = settings.world()
    try:
        live: Mapping[str, ApiJob] | OperationError = sources.list_live()
    except OperationError as error:
        live = error
    return [
        scheduler_check(live, settings),
        permissions_check(sources.granted, settings),
        invoker_check(sources.granted, world, settings),
        routes_check(world, sources.probe, settings),
        *jobs_checks(world, live, sources),
        tables_check(world, sources.tables, settings),
    ]


def scheduler_check(live: Mapping[str, ApiJob] | OperationError, settings: Settings) -> Check:
    name = "Cloud Scheduler"
    if not isinstance(live, OperationError):
        return Check(name, Verdict.PASS, f"enabled, {len(live)} jobs can be read in {settings.region}")
    cause = live.cause if isinstance(live, UnansweredError) else Cause.OTHER
    if cause is Cause.DISABLED:
        remedy = f"run `gcloud services enable cloudscheduler.googleapis.com --project {settings.project}`"
        return Check(name, Verdict.FAIL, f"the API is not enabled in {settings.project}. {live}", remedy)
    if cause is Cause.DENIED:
        remedy = f"ask for roles/cloudscheduler.admin on {settings.project}, or sign in as somebody who has it"
        return Check(name, Verdict.FAIL, f"the jobs may not be read by these credentials. {live}", remedy)
    return _inconclusive(name, live)


def permissions_check(granted: Granted, settings: Settings) -> Check:
    name = "permissions"
    try:
        has = granted.on_project(settings.project, PERMISSIONS)
    except OperationError as error:
        return _inconclusive(name, error)
    if missing := [permission for permission in PERMISSIONS if permission not in has]:
        remedy = f"ask for roles/cloudscheduler.admin on {settings.project}"
        reason = f"{len(missing)} of {len(PERMISSIONS)} are missing on {settings.project}"
        return Check(name, Verdict.FAIL, reason, remedy, tuple(missing))
    return Check(name, Verdict.PASS, f"all {len(PERMISSIONS)} that a deploy needs are granted")


def invoker_check(granted: Granted, world: World, settings: Settings) -> Check:
    name, email = "invoker", settings.invoker_service_account
    if not email:
        return Check(name, Verdict.PASS, "not set: the service is called without an identity")
    try:
        has = granted.on_service_account(email, [ACT_AS])
    except OperationError as error:
        if isinstance(error, UnansweredError) and error.cause is Cause.NOT_FOUND:
            remedy = "create it, or correct invoker_service_account"
            if settings.create_invoker:
                if not any(job.authenticated for job in world.values()):
                    return Check(name, Verdict.PASS, f"{email} is not needed yet; ingest-identity makes it")
                remedy = "an administrator runs `cdktf deploy ingest-identity` (docs/identity.md)"
            return Check(name, Verdict.FAIL, f"{email} does not exist. {error}", remedy)
        return _inconclusive(name, error)
    if ACT_AS not in has:
        remedy = "ask for roles/iam.serviceAccountUser on it"
        return Check(name, Verdict.FAIL, f"{ACT_AS} is missing on {email}", remedy)
    return Check(name, Verdict.PASS, f"{email} can be given to jobs")


def routes_check(world: World, probe: Callable[[str], RouteAnswer], settings: Settings) -> Check:
    """Whether the service has a route for each job of the night. Asks side by side, a path without its query."""
    name = "routes"
    uris = {settings.uri(job.entity).partition("?")[0] for job in world.values()}
    urls = sorted(uris)
    # Cloud Run asks for the token before the service sees the request; ours are Cloud Scheduler's to sign.
    closed = all(job.authenticated for job in world.values())
    with ThreadPoolExecutor(max_workers=8) as pool:
        judged = [_route(url, answer, closed=closed) for url, answer in zip(urls, pool.map(probe, urls), strict=True)]
    failed = [text for verdict, text in judged if verdict is Verdict.FAIL]
    open_ = [text for verdict, text in judged if verdict is Verdict.INCONCLUSIVE]
    if failed:
        remedy = "deploy the service that has them, or correct base_url and reference_path in cdktf.json"
        reason = f"{len(failed)} of {len(urls)} do not exist"
        return Check(name, Verdict.FAIL, reason, remedy, (*failed, *open_))
    if open_:
        remedy = "look the routes up in the service's source; never try them with GET or HEAD, that starts an ingest"
        reason = f"{len(open_)} of {len(urls)} cannot be told"
        return Check(name, Verdict.INCONCLUSIVE, reason, remedy, tuple(open_))
    if shut := [text for _, text in judged if text.endswith(CLOSED)]:
        return Check(name, Verdict.PASS, f"not asked: the service {CLOSED}, {len(shut)} of {len(urls)}")
    return Check(name, Verdict.PASS, f"the service takes GET on all {len(urls)}")


def _route(url: str, answer: RouteAnswer, *, closed: bool) -> tuple[Verdict, str]:
    if closed and answer.http_status in (401, 403):
        return Verdict.PASS, f"{url} {CLOSED}"
    if answer.http_status in (200, 204) and "GET" in answer.allow:
        return Verdict.PASS, url
    if answer.http_status == 404:
        return Verdict.FAIL, f"{url} answers OPTIONS with 404"
    if answer.http_status is None:
        return Verdict.INCONCLUSIVE, f"{url} gave no answer ({answer.text})"
    allow = f"Allow: {', '.join(sorted(answer.allow))}" if answer.allow else "without Allow"
    return Verdict.INCONCLUSIVE, f"{url} answers OPTIONS with {answer.http_status} {allow}"


def jobs_checks(world: World, live: Mapping[str, ApiJob] | OperationError, sources: Sources) -> list[Check]:
    """Whether what the night creates is not there yet, and what it adopts is."""
    names = ("names to create", "jobs to adopt")
    if isinstance(live, OperationError):
        return [_inconclusive(name, OperationError("the live jobs could not be listed")) for name in names]
    try:
        before = sources.before()
    except OperationError as error:
        return [_inconclusive(name, error) for name in names]
    return [_creates(world, before, live, sources), _adopts(world, before, live)]


def _creates(world: World, before: Before, live: Mapping[str, ApiJob], sources: Sources) -> Check:
    name = "names to create"
    creates = [job.entity.job_name for entity, job in world.items() if entity not in before.world]
    taken = [job for job in creates if job in live]
    if not taken:
        found = f"none of {len(creates)} is taken" if creates else "none is to be created"
        return Check(name, Verdict.PASS, f"{found} ({before.label})")
    try:
        declared = {one.name: one for one in sources.declared()}
        with asking("the jobs of these names cannot be compared"):
            differing = {job: _differences(declared[job], live[job]) for job in taken}
    except OperationError as error:
        return _inconclusive(name, error)
    if foreign := [f"{job} differs in {', '.join(keys)}" for job, keys in differing.items() if keys]:
        reason = f"{len(foreign)} of {len(creates)} are live already and not recorded ({before.label})"
        remedy = (
            "a deploy would end in ALREADY_EXISTS: record them with `ingest-rollout adopt --record` and commit "
            "baseline.json, then the deploy imports them"
        )
        return Check(name, Verdict.FAIL, reason, remedy, tuple(foreign))
    reason = f"{len(taken)} are live already, just as declared: a deploy takes them into the state ({before.label})"
    return Check(name, Verdict.PASS, reason, details=tuple(taken))


def _differences(declared: Declared, job: ApiJob) -> list[str]:
    return jobs.differences(declared.fields, jobs.live(job), declared.ignored)


def _adopts(world: World, before: Before, live: Mapping[str, ApiJob]) -> Check:
    name = "jobs to adopt"
    adopts = [
        job.entity.job_name
        for entity, job in world.items()
        if job.imported and entity in before.world and before.world[entity].hold is Hold.BY_HAND
    ]
    if missing := [job for job in adopts if job not in live]:
        remedy = "Terraform cannot import what does not exist: make them again, or set adopt_existing to false"
        reason = f"{len(missing)} of {len(adopts)} are not live ({before.label})"
        return Check(name, Verdict.FAIL, reason, remedy, tuple(missing))
    found = f"all {len(adopts)} are live" if adopts else "none is left to adopt"
    return Check(name, Verdict.PASS, f"{found} ({before.label})")


def tables_check(world: World, tables: Tables | None, settings: Settings) -> Check:
    """Whether each job of the night has its table, with the column that tells when a row was loaded."""
    name = "tables"
    if tables is None:
        return _inconclusive(name, OperationError("there is no access to BigQuery in this command"))
    try:
        with asking(f"the tables of {settings.dataset} cannot be listed"):
            columns = tables.columns()
    except OperationError as error:
        return _inconclusive(name, error)
    problems = []
    for job in world.values():
        table, column = job.entity.table_name, job.entity.loaded_at_fields[0]
        if table not in columns:
            problems.append(f"{table} does not exist")
        elif column not in columns[table]:
            problems.append(f"{table} has no column {column}")
    if problems:
        remedy = "let the service create the table, or correct loaded_at_field in ingest/catalogue.py"
        reason = f"{len(problems)} of {len(world)} of {settings.dataset} are not as they should be"
        return Check(name, Verdict.FAIL, reason, remedy, tuple(problems))
    return Check(name, Verdict.PASS, f"{len(world)} tables of {settings.dataset} have their loaded-at column")


def _inconclusive(name: str, error: OperationError) -> Check:
    return Check(name, Verdict.INCONCLUSIVE, str(error), "mend that and run this again, or check it by hand")
