"""What the preflight's tests start from: sources of evidence that all say yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from google.cloud.scheduler_v1.types import Job

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity
from ingest.judging.run import LogRow
from ingest.judging.verdict import Verdict
from ingest.rollout import before_rollout
from ingest.settings import Settings
from operations.cloud.routes import UNKNOWN, Answer
from operations.cloud.tables import Survey
from operations.errors import OperationError
from operations.preflight import ACT_AS, PERMISSIONS, Check, Sources, preflight
from operations.terraform.deployed import Before, assumed
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.status import from_api
from tests.given.twin import BY_HAND, named

ACCOUNT = "invoker@kpi-auto-471020.iam.gserviceaccount.com"


@dataclass
class Caller:
    """Has the permissions that it is given; `trouble` is raised instead of an answer."""

    has: set[str] = field(default_factory=lambda: {*PERMISSIONS, ACT_AS})
    trouble: OperationError | None = None

    def on_project(self, project: str, wanted: Sequence[str]) -> set[str]:
        if self.trouble:
            raise self.trouble
        return self.has & set(wanted)

    def on_service_account(self, email: str, wanted: Sequence[str]) -> set[str]:
        return self.on_project(email, wanted)


@dataclass
class Dataset:
    """Tables with their loaded-at column, but for those that are `missing` or `broken`; asked as tables.survey is."""

    missing: set[str] = field(default_factory=set)
    broken: Mapping[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    trouble: Exception | None = None

    def __call__(self, entities: Sequence[Entity]) -> Survey:
        if self.trouble:
            raise self.trouble
        found = Survey([], {}, {entity.name for entity in entities} & self.missing, doubts=self.doubts)
        for entity in entities:
            if entity.name in (*self.missing, *self.broken):
                found.broken[entity.name] = self.broken.get(entity.name, "does not exist")
            else:
                found.readable.append(entity)
        return found


ENTITIES = [entity.name for entity in CATALOGUE if not entity.is_reference] + ["collections"]
REFERENCES = [entity.name for entity in CATALOGUE if entity.is_reference]


@dataclass
class Service:
    """An ingest service as its public source has it; it knows nothing else, so whatever starts an ingest is an error.

    `says` are other answers, by path; `asked` are the paths.
    """

    reference_path: str = "/ingest/ref"
    entities: Sequence[str] = tuple(ENTITIES)
    references: Sequence[str] = tuple(REFERENCES)
    says: Mapping[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, url: str) -> Answer:
        path = url.removeprefix(SETTINGS.base_url)
        self.asked.append(path)
        known = {
            "/health": Answer(200, {"status": "healthy"}),
            "/entities": Answer(200, {"entities": list(self.entities), "count": len(self.entities)}),
            "/ref-entities": Answer(200, {"refEntities": list(self.references)}),
            f"/ingest/{UNKNOWN}": Answer(404, {"availableEntities": list(self.entities)}),
            f"{self.reference_path}/{UNKNOWN}": Answer(404, {"availableRefEntities": list(self.references)}),
        }
        if path in self.says:
            return self.says[path]
        assert path in known or path.endswith(f"/{UNKNOWN}"), f"{path} may start an ingest"
        return known.get(path, Answer(404))


AT = in_phoenix("2026-10-20T15:00")


def called(entity: str, inserted: int = 5, *, hours_ago: float = 12) -> LogRow:
    """A run that the log has."""
    started = AT - timedelta(hours=hours_ago)
    return LogRow(entity, "a-run", started, started + timedelta(seconds=9), "success", inserted, inserted)


START = Before(before_rollout(), "before the rollout")


def by_hand(name: str, **changed: object) -> Job:
    """A live job as night 0 declares it, but for what is `changed`, in the API's JSON."""
    entity = next(entity for entity in CATALOGUE if entity.job_name == name)
    target = {"uri": SETTINGS.uri(entity), "httpMethod": "GET"}
    job = {"schedule": BY_HAND[name], "timeZone": SETTINGS.time_zone, "httpTarget": target, "attemptDeadline": "180s"}
    return from_api(name=named(name), **{key: one for key, one in {**job, **changed}.items() if one is not None})


YES = Sources(
    list_live=lambda: {name: by_hand(name) for name in BY_HAND},
    granted=Caller(),
    ask=Service(),
    before=lambda: START,
    declared=list,
    survey=Dataset(),
    log=lambda since: [called("jobs"), called("customers", hours_ago=11)],
)


def checks(settings: Settings, **sources: object) -> dict[str, Check]:
    """By name; what `sources` does not say is as in YES, with the nights taken in order."""
    given = {"before": lambda: assumed(settings), **sources}
    return {check.name: check for check in preflight(settings, replace(YES, **given), AT)}  # type: ignore[arg-type]


def failing(error: OperationError) -> object:
    """A source that raises it."""

    def ask(*arguments: object) -> object:
        raise error

    return ask


def verdicts(found: Mapping[str, Check]) -> dict[str, Verdict]:
    return {name: check.verdict for name, check in found.items() if check.verdict is not Verdict.PASS}
