"""What can be known before a night is deployed: one check a function, a verdict, a reason and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from google.cloud.scheduler_v1.types import Job as ApiJob

from ingest.access import DEPLOYER
from ingest.attempt import NEVER, Code
from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.judging.run import LogRow
from ingest.judging.verdict import Verdict
from ingest.neighbours import crossings
from ingest.rollout import Management, World, changes
from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.adopt import compare, other_target
from operations.cloud import jobs, run_log
from operations.cloud.bigquery import bigquery_client
from operations.cloud.credentials import scheduler_client
from operations.cloud.errors import Cause, UnansweredError, asking
from operations.cloud.permissions import Permissions
from operations.cloud.routes import PUBLIC_REFERENCE_PATH, TOKEN_VARIABLE, Ask, below, get, listed
from operations.cloud.scheduler import live_jobs, parent
from operations.cloud.tables import Survey, survey, tried
from operations.errors import OperationError
from operations.neighbours import neighbours_of
from operations.terraform.declared import Declared, declared_jobs
from operations.terraform.deployed import Before, from_state

PERMISSIONS = tuple(
    f"cloudscheduler.jobs.{verb}" for verb in ("create", "update", "delete", "get", "list", "pause", "enable")
)
"""What a deploy needs; `enable` is the permission of jobs.resume, which the provider calls after a create."""

WRONG_DATASET = "compare dataset and reference_dataset in cdktf.json with the service's, or correct the catalogue"

ACT_AS = "iam.serviceAccounts.actAs"


LOG_PERIOD = timedelta(days=3)
"""How far back the run log must have rows where jobs ran."""

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """`reason` is what was found, `details` where, `remedy` what to do; it is "" for a pass."""

    name: str
    verdict: Verdict
    reason: str
    remedy: str = ""
    details: tuple[str, ...] = ()


Live = Mapping[str, ApiJob] | OperationError
"""The location's jobs by short name, or why they could not be listed."""

Log = Sequence[LogRow] | OperationError


class Granted(Protocol):
    """Which of `wanted` the caller has; operations.permissions.Permissions asks Google. Raises OperationError."""

    def on_project(self, project: str, wanted: Sequence[str]) -> set[str]: ...

    def on_service_account(self, email: str, wanted: Sequence[str]) -> set[str]: ...


@dataclass(frozen=True)
class Sources:
    """Where the evidence comes from. Each may raise OperationError, which makes its check inconclusive.

    `list_live` gives the location's jobs by short name, `before` what Terraform holds, `declared` the jobs of the
    night (asked only when a job's name is taken); `ask` sends one GET to the service. `survey` looks at the entities'
    tables, `log` has the run log's rows since a moment.
    """

    list_live: Callable[[], Mapping[str, ApiJob]]
    granted: Granted
    ask: Ask
    before: Callable[[], Before]
    declared: Callable[[], Sequence[Declared]]
    survey: Callable[[Sequence[Entity]], Survey]
    log: Callable[[datetime], Sequence[LogRow]]


def live_sources(root: Path, settings: Settings, environ: Mapping[str, str]) -> Sources:
    """The live systems that `environ` points to, and the checkout at `root`."""
    return Sources(
        list_live=lambda: live_jobs(scheduler_client(environ), parent(settings)),
        granted=Permissions(environ),
        ask=lambda url: get(url, environ.get(TOKEN_VARIABLE, "")),
        before=lambda: from_state(root, settings, environ),
        declared=lambda: declared_jobs(root, settings, environ),
        survey=lambda entities: _survey(entities, settings, environ),
        log=lambda since: run_log.rows(bigquery_client(settings, environ), settings, since),
    )


def _survey(entities: Sequence[Entity], settings: Settings, environ: Mapping[str, str]) -> Survey:
    client = bigquery_client(settings, environ)
    return tried(client, settings, survey(client, settings, entities))


def preflight(settings: Settings, sources: Sources, at: datetime) -> list[Check]:
    """All checks of the settings' night, with the clock at `at` (aware); the failure of one hides no other."""
    world = settings.world()
    since = at - LOG_PERIOD
    live = _asked(sources.list_live)
    log = _asked(lambda: sources.log(since)) if settings.run_log else []
    return [
        scheduler_check(live, settings),
        permissions_check(sources.granted, settings),
        invoker_check(sources.granted, world, settings),
        routes_check(world, sources.ask, settings),
        *jobs_checks(world, live, sources, settings),
        tables_check(world, sources.survey, live, log, settings),
        run_log_check(log, live, since, settings),
        neighbours_check(world, live, sources.before, at, settings),
    ]


def _deployers_role(settings: Settings) -> str:
    """The one that `ingest-foundation` makes, where a team has it; Google's own else."""
    if settings.has_foundation:
        return f"projects/{settings.project}/roles/{DEPLOYER.id} (the setting deployers grants it)"
    return f"roles/cloudscheduler.admin on {settings.project}"


def _asked(question: Callable[[], T]) -> T | OperationError:
    try:
        return question()
    except OperationError as error:
        return error


def scheduler_check(live: Live, settings: Settings) -> Check:
    name = "Cloud Scheduler"
    if not isinstance(live, OperationError):
        return Check(name, Verdict.PASS, f"enabled, {len(live)} jobs can be read in {settings.region}")
    cause = live.cause if isinstance(live, UnansweredError) else Cause.OTHER
    if cause is Cause.DISABLED:
        remedy = f"run `gcloud services enable cloudscheduler.googleapis.com --project {settings.project}`"
        return Check(name, Verdict.FAIL, f"the API is not enabled in {settings.project}. {live}", remedy)
    if cause is Cause.DENIED:
        remedy = f"ask for {_deployers_role(settings)}, or sign in with an account that has it"
        return Check(name, Verdict.FAIL, f"the jobs may not be read by these credentials. {live}", remedy)
    return _inconclusive(name, live)


def permissions_check(granted: Granted, settings: Settings) -> Check:
    name = "permissions"
    try:
        has = granted.on_project(settings.project, PERMISSIONS)
    except OperationError as error:
        return _inconclusive(name, error)
    if missing := [permission for permission in PERMISSIONS if permission not in has]:
        remedy = f"ask for {_deployers_role(settings)}"
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
        if _is_missing(error):
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


def routes_check(world: World, ask: Ask, settings: Settings) -> Check:
    """Whether the service has each job's entity at the path that the job calls; nothing asked starts an ingest."""
    name, base_url = "routes", settings.base_url
    try:
        entities, references = listed(ask, base_url)
    except UnansweredError as error:
        return _unlisted(name, error, world, settings)
    paths = {entity: _path(job.entity, settings) for entity, job in world.items()}
    served: dict[str, tuple[str, ...] | None] = {}
    unanswered: dict[str, UnansweredError] = {}
    for path in dict.fromkeys(paths.values()):
        try:
            served[path] = below(ask, base_url, path)
        except UnansweredError as error:
            unanswered[path] = error
    lacking = [job.entity for e, job in world.items() if paths[e] in served and e not in (served[paths[e]] or ())]
    if lacking:
        reason = f"{len(lacking)} of {len(world)} are not served where the jobs call them"
        details = [_lack(entity, paths[entity.name], served[paths[entity.name]]) for entity in lacking]
        remedies = dict.fromkeys(_remedy(e, entities, references, ask, settings) for e in lacking)
        return Check(name, Verdict.FAIL, reason, "; ".join(remedies), (*details, *map(str, unanswered.values())))
    if unanswered:
        reason = f"what the service has at {', '.join(unanswered)} is not known"
        remedy = "look the routes up in the service's source; never try one with its entity, that starts an ingest"
        return Check(name, Verdict.INCONCLUSIVE, reason, remedy, tuple(map(str, unanswered.values())))
    counts = Counter(paths.values())
    where = ", ".join(f"{count} at {path}" for path, count in counts.items())
    return Check(name, Verdict.PASS, f"the service has all {len(world)}: {where}")


def _path(entity: Entity, settings: Settings) -> str:
    """Such as "/ingest", below which the job calls the entity."""
    return settings.uri(entity).removeprefix(settings.base_url).partition("?")[0].rpartition("/")[0]


def _lack(entity: Entity, path: str, served: Sequence[str] | None) -> str:
    if served is None:
        return f"{entity.name}: the service has no route {path}/<entity>"
    return f"{entity.name}: not among the {len(served)} that the service has at {path}"


def _remedy(entity: Entity, entities: Sequence[str], references: Sequence[str], ask: Ask, settings: Settings) -> str:
    name = entity.name
    if name not in (*entities, *references):
        return f"deploy the service that has {name}, or take {name} out of ingest/catalogue.py"
    if entity.is_reference is not (name in references):
        return f"set is_reference={name in references} for {name} in ingest/catalogue.py"
    if not entity.is_reference:
        return "look up in the service's source where it serves its entities; ingest/entity.py has the path"
    try:
        public = below(ask, settings.base_url, PUBLIC_REFERENCE_PATH)
    except UnansweredError:
        public = None
    if name in (public or ()):
        return f'in cdktf.json set "reference_path": "{PUBLIC_REFERENCE_PATH}"; the service has them there'
    return "look up in the service's source where it serves reference entities, and set reference_path in cdktf.json"


def _unlisted(name: str, error: UnansweredError, world: World, settings: Settings) -> Check:
    """What is known of a service that lists nothing: never that a route does not exist."""
    if error.cause is not Cause.DENIED:
        return _inconclusive(name, error)
    email = settings.invoker_service_account
    if not email:
        known = "jobs without a token are refused too"
    elif all(job.authenticated for job in world.values()):
        known = f"the jobs of this night send one of {email}"
    else:
        known = f'the jobs send one of {email} from the night "identity" on'
    remedy = (
        f"set {TOKEN_VARIABLE} to the token of an account that may call it, such as "
        "`$(gcloud auth print-identity-token)`, and run this again"
    )
    return Check(name, Verdict.INCONCLUSIVE, f"{error}; {known}", remedy)


def jobs_checks(world: World, live: Live, sources: Sources, settings: Settings) -> list[Check]:
    """Whether what the night creates is not there yet, and what it adopts is."""
    names = ("names to create", "jobs to adopt")
    if isinstance(live, OperationError):
        return [_inconclusive(name, OperationError("the live jobs could not be listed")) for name in names]
    try:
        before = sources.before()
    except OperationError as error:
        return [_inconclusive(name, error) for name in names]
    return [_creates(world, before, live, sources), _adopts(world, before, live, settings)]


def _creates(world: World, before: Before, live: Mapping[str, ApiJob], sources: Sources) -> Check:
    name = "names to create"
    creates = [job.entity.job_name for entity, job in world.items() if entity not in before.world]
    taken = [job for job in creates if job in live]
    if not taken:
        reason = f"none of {len(creates)} is taken" if creates else "none is to be created"
        return Check(name, Verdict.PASS, f"{reason} ({before.label})")
    try:
        declared = {job.name: job for job in sources.declared()}
        with asking("the jobs of these names cannot be compared"):
            differing = {job: _differences(declared[job], live[job]) for job in taken}
    except OperationError as error:
        return _inconclusive(name, error)
    if foreign := [_foreign(job, keys, live[job]) for job, keys in differing.items() if keys]:
        reason = f"{len(foreign)} of {len(creates)} are live already and not recorded ({before.label})"
        remedy = (
            "a deploy would end in ALREADY_EXISTS: record them with `ingest-rollout adopt --record` and commit "
            "baseline.json, then the deploy imports them"
        )
        return Check(name, Verdict.FAIL, reason, remedy, tuple(foreign))
    reason = f"{len(taken)} are live already, just as declared: a deploy takes them into the state ({before.label})"
    return Check(name, Verdict.PASS, reason, details=tuple(taken))


def _foreign(name: str, keys: Sequence[str], job: ApiJob) -> str:
    if "target" in keys:
        return f"{name}: {other_target(jobs.target_kind(job))}"
    return f"{name} differs in {', '.join(keys)}"


def _differences(declared: Declared, job: ApiJob) -> list[str]:
    return jobs.differences(declared.fields, jobs.live(job), declared.ignored)


def _adopts(world: World, before: Before, live: Mapping[str, ApiJob], settings: Settings) -> Check:
    name = "jobs to adopt"
    adopts = [
        job.entity.job_name
        for entity, job in world.items()
        if job.imported and entity in before.world and before.world[entity].management is Management.BY_HAND
    ]
    if missing := [job for job in adopts if job not in live]:
        remedy = "Terraform cannot import what does not exist: make them again, or set adopt_existing to false"
        reason = f"{len(missing)} of {len(adopts)} are not live ({before.label})"
        return Check(name, Verdict.FAIL, reason, remedy, tuple(missing))
    held = {entity: job for entity, job in before.world.items() if job.management is not Management.BY_HAND}
    try:
        with asking("the live jobs cannot be compared with what is declared"):
            compared = {a.job: a for a in compare(settings, {job: live[job] for job in adopts}, held)}
    except OperationError as error:
        return _inconclusive(name, error)
    differing = [adoption for job in adopts if (adoption := compared[job]).changed_on_night_0]
    if differing:
        reason = f"{len(differing)} of {len(adopts)} are not as night 0 declares them ({before.label})"
        remedy = "look at them with `ingest-rollout adopt`; a deploy refuses to change them before they are recorded"
        details = tuple(f"{adoption.job}: {text}" for adoption in differing for text in adoption.todo)
        return Check(name, Verdict.FAIL, reason, remedy, details)
    reason = f"all {len(adopts)} are live" if adopts else "none is left to adopt"
    return Check(name, Verdict.PASS, f"{reason} ({before.label})")


def tables_check(
    world: World, survey: Callable[[Sequence[Entity]], Survey], live: Live, log: Log, settings: Settings
) -> Check:
    """Whether each job's table has a column with the time of loading, by the gate's rule.

    The service makes a table on the first run that has records: until then a missing one is no failure.
    """
    name, entities = "tables", [job.entity for job in world.values()]
    loaded = set() if isinstance(log, OperationError) else {row.entity for row in log if row.inserted}
    succeeded = _successes(live, settings)
    try:
        with asking("the tables cannot be listed"):
            surveyed = survey(entities)
    except OperationError as error:
        if _is_missing(error) and not isinstance(live, OperationError):
            if not succeeded:
                return Check(name, Verdict.PASS, "there is no dataset yet; the service makes it on its first run")
            return Check(name, Verdict.FAIL, f"there is no dataset, although jobs have run. {error}", WRONG_DATASET)
        return _inconclusive(name, error)
    problems, waiting = [], []
    for entity in entities:
        table = settings.table(entity)
        if entity.name not in surveyed.missing:
            problems += [surveyed.broken[entity.name]] if entity.name in surveyed.broken else []
        elif entity.log_name in loaded or (entity.name in succeeded and not entity.may_be_quiet):
            problems.append(f"table {table} does not exist, although {entity.job_name} has loaded records")
        else:
            waiting.append(f"table {table} does not exist yet")
    if problems:
        reason = f"{len(problems)} of {len(world)} are not as they should be"
        details = tuple(dict.fromkeys((*problems, *surveyed.doubts.values(), *waiting)))
        return Check(name, Verdict.FAIL, reason, WRONG_DATASET, details)
    later = f"; {len(waiting)} are made by the first run that has records" if waiting else ""
    reason = f"{len(surveyed.readable)} have their loaded-at column, a time{later}"
    if surveyed.doubts:
        reason += f"; of {len(surveyed.doubts)} it may be read wrongly"
        remedy = "correct them in ingest/catalogue.py before a gate judges by them"
        return Check(name, Verdict.WARN, reason, remedy, (*surveyed.doubts.values(), *waiting))
    return Check(name, Verdict.PASS, reason, details=tuple(waiting))


def _successes(live: Live, settings: Settings) -> dict[str, datetime]:
    """When the last attempt of each entity's job began, of those that ended well."""
    if isinstance(live, OperationError):
        return {}
    successes = {}
    for entity in settings.catalogue:
        attempt = jobs.attempt(live[entity.job_name]) if entity.job_name in live else NEVER
        if attempt.started and attempt.code == Code.OK:
            successes[entity.name] = attempt.started
    return successes


def run_log_check(log: Log, live: Live, since: datetime, settings: Settings) -> Check:
    """Whether the service's run log is there, can be read, and was written since `since` where jobs ran since."""
    name, table = "run log", settings.run_log
    if not table:
        return Check(name, Verdict.PASS, "run_log is empty: Cloud Scheduler and the tables are all that a gate asks")
    succeeded = _successes(live, settings)
    if isinstance(log, OperationError):
        if _is_missing(log) and not succeeded and not isinstance(live, OperationError):
            return Check(name, Verdict.PASS, f"{table} does not exist yet; no job has run")
        if _is_missing(log):
            remedy = 'correct run_log in cdktf.json; set it to "" for a service that keeps none'
            return Check(name, Verdict.FAIL, f"{table} does not exist. {log}", remedy)
        if isinstance(log, UnansweredError) and log.cause is Cause.DENIED:
            remedy = f"ask for roles/bigquery.dataViewer on {table.partition('.')[0]}"
            return Check(name, Verdict.FAIL, f"{table} may not be read by these credentials. {log}", remedy)
        return _inconclusive(name, log)
    zone = time_zone(settings.time_zone)
    start = f"{since.astimezone(zone):%a %Y-%m-%d %H:%M}"
    ours = [row for row in log if row.entity in {entity.log_name for entity in CATALOGUE}]
    if ours:
        last = max(ours, key=lambda row: row.started)
        when = f"{last.started.astimezone(zone):%a %Y-%m-%d %H:%M}"
        return Check(
            name, Verdict.PASS, f"{table} has {len(ours)} runs since {start}, the last one of {last.entity}, {when}"
        )
    unlogged = [entity for entity, started in succeeded.items() if started >= since]
    if unlogged:
        reason = f"{table} has no run since {start}, although jobs ended well since: {', '.join(unlogged)}"
        remedy = "look in the service's own log why it writes none, or correct run_log in cdktf.json"
        return Check(name, Verdict.FAIL, reason, remedy)
    if isinstance(live, OperationError):
        return _inconclusive(
            name, OperationError(f"{table} has no run since {start}, and the jobs could not be listed")
        )
    return Check(name, Verdict.PASS, f"{table} is there; no run since {start}, and no job ended well since")


def neighbours_check(world: World, live: Live, before: Callable[[], Before], at: datetime, settings: Settings) -> Check:
    """Which unmanaged jobs call the same service or go by what we load, and which of them the night meets."""
    name = "neighbours"
    if isinstance(live, OperationError):
        return _inconclusive(name, OperationError("the live jobs could not be listed"))
    beside = neighbours_of(live, settings)
    if not beside:
        return Check(name, Verdict.PASS, f"none in {settings.region}")
    details = tuple(map(str, beside))
    try:
        changed = changes(before().world, world)
    except OperationError as error:
        return Check(name, Verdict.INCONCLUSIVE, str(error), _inconclusive(name, error).remedy, details)
    met = [text for _, text in crossings(changed, beside, at, settings.time_zone)]
    reason = f"{len(beside)} in {settings.region}"
    if met:
        remedy = "look whether they may run then; whoever owns them can move them"
        return Check(name, Verdict.WARN, f"{reason}, and the night moves jobs across them", remedy, (*details, *met))
    return Check(name, Verdict.PASS, f"{reason}, and the night moves no job across them", details=details)


def _is_missing(error: OperationError) -> bool:
    return isinstance(error, UnansweredError) and error.cause is Cause.NOT_FOUND


def _inconclusive(name: str, error: OperationError) -> Check:
    return Check(name, Verdict.INCONCLUSIVE, str(error), "fix that and run this again, or check it by hand")
