"""Settings: the context of cdktf.json, overridden for one command by INGEST_* variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ingest.baseline import Baseline, BaselineJob, load_baseline
from ingest.catalogue import named
from ingest.entity import Entity
from ingest.limits import BACKOFF, DEADLINE, DEFAULTS, RETRIES, Range
from ingest.rollout import FIRST_NIGHT, STRATEGIES, Job, Strategy, World, before_rollout, state_at, with_identity
from ingest.schedule import time_zone
from ingest.text.shapes import ShapeError, Table, hint, read_json

FILE = "cdktf.json"
PREFIX = "INGEST_"

# cdktf's own context keys (cdktf 0.21, lib/features.ts), which pass through to the App.
_CDKTF_KEYS = ("excludeStackIdFromLogicalIds", "allowSepCharsInLogicalIds")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a deployment can set; each is required and has its value in cdktf.json.

    Beside them `found`, which nobody sets: the nights are a function of both.
    """

    project: str
    """Google Cloud project of the jobs, the service and the dataset."""
    region: str
    """Region of the jobs and of the service."""
    time_zone: str
    """Zone that the jobs' crons are in."""
    base_url: str
    """The ingest service's root, https, without a trailing slash."""
    reference_path: str
    """Where the service takes full syncs of reference entities, such as "/ingest/ref"."""
    dataset: str
    """BigQuery dataset with the `raw_<entity>` tables."""
    reference_dataset: str
    """BigQuery dataset with the `dim_<entity>` tables of the reference entities."""
    run_log: str
    """The service's run log, "dataset.table"; "" for a service that keeps none."""
    reconcile_business_units: tuple[str, ...]
    """Ids of the business units whose jobs `reconcile` compares, as in ServiceTitan; none: all."""
    reconcile_statuses: tuple[str, ...]
    """Statuses of the jobs that `reconcile` compares, such as Completed; none: all."""
    job_prefix: str
    """What the names of the jobs begin with; the rollout leaves jobs of other names alone."""
    source: str
    """What is ingested from, in the texts of jobs, alerts and the dashboard."""
    strategy: str
    """How the rollout is cut into nights."""
    night: int
    """Which night of the strategy is deployed."""
    adopt_existing: bool
    """Off for a project without the seven jobs made by hand: they are created instead of imported."""
    backend: str
    """Where Terraform keeps its state: "local" (folder state/) or "gcs"."""
    backend_bucket: str
    """Bucket of the state, for the backend gcs."""
    backend_prefix: str
    """Folder of the state in that bucket; each stack has a file in it."""
    invoker_service_account: str
    """The account whose OIDC token the jobs send, from the night "identity" on; "" for none, and no such night."""
    create_invoker: bool
    """Whether that account is made, in the settings' project; off where somebody else made it."""
    cloud_run_service: str
    """The ingest service's name, on which the account gets roles/run.invoker."""
    notification_channels: tuple[str, ...]
    """Full names of Cloud Monitoring's channels, such as "projects/P/notificationChannels/N"; none: no monitoring."""
    freshness_service_account: str
    """The account that BigQuery's scheduled assertion runs as; "" for no assertion."""
    deployers: tuple[str, ...]
    """IAM members that deploy nights, such as "group:data@example.com"."""
    operators: tuple[str, ...]
    """IAM members that look and gate, and change nothing."""
    github_repository: str
    """The repository, "owner/name", whose workflows may deploy; "" for none."""
    github_repository_id: str
    """GitHub's number of that repository, which a new repository of the same name does not get."""
    github_repository_owner_id: str
    """GitHub's number of the repository's owner."""
    workload_identity_pool: str
    """Id of the pool for the workflows' sign-in; not one that is taken or was deleted in the last 30 days."""
    attempt_deadline_seconds: int
    """How long Cloud Scheduler waits for the service's answer."""
    retry_count: int
    """How often a failed attempt is repeated."""
    min_backoff_seconds: int
    """Pause before the first repetition."""
    max_backoff_seconds: int
    """Longest pause between repetitions."""
    found: Baseline = field(default_factory=dict, hash=False)
    """The live jobs as `ingest-rollout adopt --record` found them, by entity: baseline.json."""

    @property
    def rollout(self) -> Strategy:
        return _rollout(self.strategy, self.invoker_service_account)

    @property
    def has_foundation(self) -> bool:
        """Whether there is something that an administrator has to set up once."""
        return bool(self.deployers or self.operators or self.github_repository)

    @property
    def catalogue(self) -> tuple[Entity, ...]:
        """The entities with the names that these settings give their jobs."""
        return named(self.job_prefix, self.source)

    def dataset_of(self, entity: Entity) -> str:
        return self.reference_dataset if entity.is_reference else self.dataset

    def table(self, entity: Entity) -> str:
        """The full name of the entity's table."""
        return f"{self.project}.{self.dataset_of(entity)}.{entity.table_name}"

    def uri(self, entity: Entity) -> str:
        """Where the service takes the entity's ingest."""
        return entity.uri(self.base_url, self.reference_path)

    def world(self, night: int | None = None) -> World:
        """The jobs that exist once `night` (None: the settings' own) is deployed.

        Raises KeyError for a night that the strategy does not have.
        """
        number = self.night if night is None else night
        return state_at(
            self.rollout,
            number,
            adopt_existing=self.adopt_existing,
            found=self.found,
            planned=self.planned,
            catalogue=self.catalogue,
        )

    def world_before(self, night: int | None = None) -> World:
        """The jobs that exist when `night` is deployed, the nights taken in order."""
        number = self.night if night is None else night
        earlier = [n for n in self.rollout.numbers if n < number]
        return self.world(max(earlier)) if earlier else self.world_at_start()

    def world_at_start(self) -> World:
        """The jobs that exist before the rollout."""
        return before_rollout(adopt_existing=self.adopt_existing, found=self.found, catalogue=self.catalogue)

    def planned(self, job: Job, found: BaselineJob | None = None) -> BaselineJob:
        """What `job` is declared to be at its target: what was `found` of its request stays, but for the token of one
        that is authenticated; the rest is the plan's.
        """
        token = found.token if found else None
        if job.authenticated:
            # Without an audience the whole URI with its query would be it, and Cloud Run would refuse the token.
            token = (self.invoker_service_account, self.base_url)
        return BaselineJob(
            schedule=job.cadence.cron,
            http_method=found.http_method if found else "GET",
            headers=found.headers if found else {},
            body=found.body if found else None,
            oidc_service_account_email=token[0] if token else None,
            oidc_audience=token[1] if token else None,
            description=job.entity.description(job.cadence, self.time_zone),
            attempt_deadline=f"{self.attempt_deadline_seconds}s",
            retry_count=self.retry_count,
            min_backoff_duration=f"{self.min_backoff_seconds}s",
            max_backoff_duration=f"{self.max_backoff_seconds}s",
            # The API's own defaults, declared so that a job adopted with others (gcloud's 16 doublings) gets them.
            max_retry_duration=str(DEFAULTS["max_retry_duration"]),
            max_doublings=int(DEFAULTS["max_doublings"]),
            paused=False,
        )

    def nights(self) -> list[Settings]:
        """These settings once for each night of the strategy, in order."""
        return [replace(self, night=number) for number in self.rollout.numbers]


def load(
    root: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, tuple[str, str]] | None = None,
    *,
    found: Baseline | None = None,
) -> Settings:
    """The settings of the repository at `root`.

    `overrides` maps a setting to (where it came from, its text) and wins over `environ`, which wins over the file.
    `found` is used in place of the committed baseline. Raises ShapeError with every problem of both.
    """
    context = read_context(root)
    given: dict[str, tuple[str, Any]] = {key: (f"{FILE} context", value) for key, value in context.items()}
    given |= {key: (_variable(key), environ[_variable(key)]) for key in NAMES if _variable(key) in environ}
    given |= overrides or {}
    errors = _misspelt(context, environ)
    table = Table(
        {key: value for key, (_, value) in given.items() if key in NAMES},
        "",
        NAMES,
        errors,
        origin=lambda key: f" (from {given[key][0]})",
        absent=f"missing from the context of {FILE}; add it,",
        show=repr,
    )
    values = {key: table.need(key, *_CHECKS[key]) for key in NAMES}
    errors += _together({key: value for key, value in values.items() if value is not None}, given)
    if found is None:
        try:
            found = load_baseline(root)
        except ShapeError as error:
            errors += error.lines
    if errors:
        raise ShapeError(errors)
    return Settings(**values, found=found or {})  # type: ignore[arg-type]


def load_first_night(
    root: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, tuple[str, str]] | None = None,
    *,
    found: Baseline | None = None,
) -> Settings:
    """`load` at the strategy's first night; the committed night may be none of the strategy's."""
    return load(root, environ, {**(overrides or {}), "night": ("ingest/rollout.py", str(FIRST_NIGHT))}, found=found)


def as_environ(settings: Settings) -> dict[str, str]:
    """The variables with which `load` gives these settings, whatever the file says."""
    return {_variable(name): _text(getattr(settings, name)) for name in NAMES}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_context(root: Path) -> dict[str, Any]:
    """The context of the cdktf.json at `root`, as the cdktf CLI passes it on. Raises ShapeError."""
    path = root / FILE
    try:
        content = read_json(path, "correct it")
    except FileNotFoundError as error:
        raise ShapeError([f"{FILE}: cannot be read at {path} ({error.strerror})"]) from None
    context = content.get("context", {}) if isinstance(content, dict) else None
    if not isinstance(context, dict):
        raise ShapeError([f'{FILE}: "context" must be an object that maps settings to values'])
    return context


def _variable(key: str) -> str:
    return PREFIX + key.upper()


def _misspelt(context: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    unknown = [key for key in context if key not in NAMES and key not in _CDKTF_KEYS]
    variables = [_variable(key) for key in NAMES]
    strangers = [name for name in environ if name.startswith(PREFIX) and name not in variables]
    if not unknown and not strangers:
        return []
    from difflib import get_close_matches

    errors = []
    for key in unknown:
        errors.append(f"{key}: not a setting (from {FILE} context); {hint(key, NAMES, 'setting')}")
    for name in strangers:
        # Only what looks like a slip: another program may have variables of this prefix.
        near = get_close_matches(name.upper(), variables, n=1, cutoff=0.85)
        if near:
            errors.append(f"{name}: not a setting (from the environment); did you mean {near[0]}?")
    return errors


def _together(values: Mapping[str, Any], given: Mapping[str, tuple[str, Any]]) -> list[str]:
    """What can only be judged with two settings in hand."""
    errors = []
    if "night" in values and "strategy" in values:
        strategy = _rollout(values["strategy"], values.get("invoker_service_account", ""))
        if values["night"] not in strategy.numbers:
            allowed = ", ".join(map(str, strategy.numbers))
            hint = "" if values.get("invoker_service_account") else "; the night identity needs invoker_service_account"
            errors.append(
                f"night: {values['night']} (from {given['night'][0]}) is not a night of "
                f"strategy {strategy.name}; allowed: {allowed}"
                + (hint if values["night"] == strategy.numbers[-1] + 1 else "")
            )
    errors += _identity(values, given)
    numbers = ("github_repository_id", "github_repository_owner_id")
    if (repository := values.get("github_repository")) and (
        missing := [key for key in numbers if values.get(key) == ""]
    ):
        command = f"gh api repos/{repository} --jq '.id, .owner.id'"
        errors.append(f"{', '.join(missing)}: empty with a github_repository; set both to what `{command}` prints")
    if values.get("freshness_service_account") and values.get("notification_channels") == ():
        errors.append("freshness_service_account: set without notification_channels, whom to tell; set them too")
    if values.get("backend") == "gcs" and values.get("backend_bucket") == "":
        source = given["backend_bucket"][0]
        errors.append(f"backend_bucket: '' (from {source}) is not allowed with backend gcs; allowed: a bucket's name")
    low, high = values.get("min_backoff_seconds"), values.get("max_backoff_seconds")
    if low is not None and high is not None and low > high:
        errors.append(
            f"min_backoff_seconds: {low} (from {given['min_backoff_seconds'][0]}) is over max_backoff_seconds, "
            f"{high}; allowed: {Range(BACKOFF.low, high).text()}"
        )
    return errors


def _identity(values: Mapping[str, Any], given: Mapping[str, tuple[str, Any]]) -> list[str]:
    invoker, project = values.get("invoker_service_account"), values.get("project")
    if not values.get("create_invoker") or invoker is None or project is None:
        return []
    name, _, domain = invoker.partition("@")
    if domain == f"{project}.iam.gserviceaccount.com" and re.fullmatch(_ACCOUNT_ID, name):
        return []
    source = given["invoker_service_account"][0]
    if not invoker:
        return ["create_invoker: true without an account; set invoker_service_account to the email that it is to have"]
    return [
        f"invoker_service_account: {invoker!r} (from {source}) cannot be created; allowed with create_invoker: "
        f"<6 to 30 of a-z, 0-9, ->@{project}.iam.gserviceaccount.com"
    ]


def _rollout(strategy: str, invoker: str) -> Strategy:
    return with_identity(STRATEGIES[strategy]) if invoker else STRATEGIES[strategy]


def _matching(pattern: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError
        return value

    return check


def _several(pattern: str) -> Callable[[Any], tuple[str, ...]]:
    """A list in the file, or a text with commas, as in a variable."""

    check_one = _matching(pattern)

    def check(value: Any) -> tuple[str, ...]:
        parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(parts, list):
            raise ValueError
        return tuple(dict.fromkeys(check_one(part) for part in parts if part != ""))

    return check


def _whole(low: int, high: int | None = None) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII):
            value = int(value)
        if type(value) is not int or value < low or (high is not None and value > high):
            raise ValueError
        return value

    return check


def _within(allowed: Range) -> tuple[Callable[[Any], int], str]:
    return _whole(allowed.low, allowed.high), allowed.text()


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError
    return bool(value == "true")


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    time_zone(value)
    return value


_ACCOUNT_ID = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_ACCOUNT = (_matching(r"|[\w.-]+@[a-z0-9.-]+"), 'a service account\'s email, or "" for none')
_NUMBER = (_matching(r"\d{0,20}"), 'a number in quotes such as "123456789", or "" for none')
_MEMBERS = (
    _several(r"(user|group|serviceAccount):[\w.+-]+@[a-z0-9.-]+"),
    "a list of members such as group:data@example.com; in a variable with commas between",
)

# What is allowed, and in words.
_CHECKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "project": (_matching(r"[a-z][a-z0-9-]{4,28}[a-z0-9]"), "a Google Cloud project id"),
    "region": (_matching(r"[a-z]+-[a-z]+\d+"), "a region such as us-central1"),
    "time_zone": (_zone, "an IANA time zone such as America/Phoenix"),
    "base_url": (
        _matching(r"https://[A-Za-z0-9.-]+(:\d+)?(/[\w.~-]+)*"),
        "an https URL without a trailing slash or a query",
    ),
    "reference_path": (_matching(r"(/[\w.~-]+)+"), "a path such as /ingest/ref"),
    "dataset": (_matching(r"\w{1,1024}"), "a BigQuery dataset's name"),
    "reference_dataset": (_matching(r"\w{1,1024}"), "a BigQuery dataset's name"),
    "run_log": (_matching(r"(\w{1,1024}\.\w{1,1024})?"), "dataset.table, such as st_logs_v2.ingestion_logs, or empty"),
    "reconcile_business_units": (
        _several(r"[1-9]\d{0,17}"),
        'a list of ids in quotes such as "2305"; in a variable with commas between',
    ),
    "reconcile_statuses": (
        _several(r"[A-Za-z]{1,40}"),
        "a list of statuses such as Completed or InProgress; in a variable with commas between",
    ),
    "job_prefix": (_matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"), "letters, digits, _ and -, such as load-"),
    "source": (_matching(r"[A-Za-z0-9][\w .&-]{0,59}"), "a name such as ServiceTitan"),
    "strategy": (_matching("|".join(STRATEGIES)), " or ".join(STRATEGIES)),
    "night": (_whole(0), "a night's number: 0, 1, 2 ..."),
    "adopt_existing": (_boolean, "true or false"),
    "backend": (_matching("local|gcs"), "local or gcs"),
    "backend_bucket": (_matching(r"|[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"), 'a bucket\'s name, or "" for none'),
    "backend_prefix": (_matching(r"[\w.-]+(/[\w.-]+)*"), "a folder in the bucket such as ingest-schedules"),
    "invoker_service_account": _ACCOUNT,
    "create_invoker": (_boolean, "true or false"),
    "cloud_run_service": (_matching(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?"), "a Cloud Run service's name"),
    "notification_channels": (
        _several(r"projects/[a-z0-9-]+/notificationChannels/\d+"),
        "a list of names such as projects/P/notificationChannels/123; in a variable with commas between",
    ),
    "freshness_service_account": _ACCOUNT,
    "deployers": _MEMBERS,
    "operators": _MEMBERS,
    "github_repository": (_matching(r"|[A-Za-z0-9-]+/[\w.-]+"), 'a repository such as owner/name, or "" for none'),
    "github_repository_id": _NUMBER,
    "github_repository_owner_id": _NUMBER,
    "workload_identity_pool": (
        _matching(r"(?!gcp-)[a-z0-9-]{4,32}"),
        "4 to 32 of a-z, 0-9 and -, not beginning with gcp-",
    ),
    "attempt_deadline_seconds": _within(DEADLINE),
    "retry_count": _within(RETRIES),
    "min_backoff_seconds": _within(BACKOFF),
    "max_backoff_seconds": _within(BACKOFF),
}

NAMES = tuple(setting.name for setting in fields(Settings) if setting.name != "found")
