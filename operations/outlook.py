"""Before a night: what its shift is worth by the tables, and whether its schedule would have held by the run log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from google.cloud.bigquery import Client

from ingest.entity import Entity
from ingest.judging.replay import Replay, last_nights, replay
from ingest.judging.worth import MODIFIED, NIGHTS, Moved, Worth, add_up, moved, worth_select
from ingest.judging.worth import last_nights as last_read_nights
from ingest.settings import Settings
from operations.cloud import bigquery, run_log, tables
from operations.cloud.errors import Cause, UnansweredError

_COLUMNS = {"entity": "STRING", "night": "STRING", "records": "INTEGER", "amount": "STRING"}


@dataclass(frozen=True)
class Questions:
    """What can be asked about the settings' night as of `now`, and what BigQuery bills for it at most.

    `moves`: it moves jobs to a later time. `moved` are those whose tables can be asked, over `read_nights`; `uncounted`
    says by entity why others cannot.
    `nights` are those to replay; none where the run log cannot be asked. `silent` says what is not known at all.
    """

    settings: Settings
    now: datetime
    moves: bool
    moved: tuple[Moved, ...]
    read_nights: tuple[date, ...]
    nights: tuple[date, ...]
    uncounted: dict[str, str]
    silent: tuple[str, ...]
    billed: int

    @property
    def what(self) -> str:
        """What is asked, for people."""
        log = f"the run log {self.settings.run_log}" if self.nights else ""
        tables = f"{len(self.moved)} table{'s' if len(self.moved) > 1 else ''}" if self.moved else ""
        return " and ".join(filter(None, [tables, log])) or "nothing"


@dataclass(frozen=True)
class Outlook:
    """The answers. `replay` is None where the run log could not be asked; `uncounted` and `silent` as in Questions."""

    questions: Questions
    worth: tuple[Worth, ...]
    replay: Replay | None
    uncounted: dict[str, str]
    silent: tuple[str, ...]


def questions(client: Client, settings: Settings, now: datetime) -> Questions:
    """By dry runs. Raises OperationError (code 2) where BigQuery cannot be reached."""
    before, after = settings.world_before(), settings.world()
    jobs = moved(before, after, settings.time_zone)
    moves, read_nights = bool(jobs), last_read_nights(jobs, now)
    nights = last_nights(settings, before, after, now, NIGHTS) if settings.run_log else []
    uncounted: dict[str, str] = {}
    silent, billed = [], 0
    if jobs:
        try:
            surveyed = tables.survey(client, settings, [job.entity for job in jobs])
            readable, uncounted = tables.having(settings, [job.entity for job in jobs], surveyed, _columns)
            uncounted |= dict.fromkeys(sorted(surveyed.missing), "its table does not exist yet")
            jobs = [job for job in jobs if job.entity in readable]
            billed += tables.bytes_to_be_billed(client, settings, readable, select=_select(jobs, read_nights))
        except UnansweredError as error:
            silent.append(f"What the shift is worth is not known: {_said(error)}")
            jobs = []
    if not settings.run_log:
        silent.append("Whether it would have held is not known: the setting run_log is empty")
    else:
        try:
            billed += run_log.bytes_to_be_billed(client, settings, _since(now))
        except UnansweredError as error:
            silent.append(f"Whether it would have held is not known: {_said(error)}")
            nights = []
    asked = tuple(jobs), tuple(read_nights), tuple(nights)
    return Questions(settings, now, moves, *asked, uncounted, tuple(silent), billed)


def ask(client: Client, asked: Questions, *, max_bytes: int | None) -> Outlook:
    """Asks the tables by one query and the run log by another, each billed `max_bytes` at most.

    One that does not answer hides nothing of the other. Raises OperationError (code 2) where BigQuery cannot be
    reached.
    """
    settings, silent = asked.settings, list(asked.silent)
    worth: dict[str, Worth] = {}
    refused: dict[str, str] = {}
    replayed = None
    by_entity = {job.entity: job for job in asked.moved}

    def some(part: Sequence[Entity]) -> dict[str, Worth]:
        jobs = [by_entity[entity] for entity in part]
        sql = worth_select(settings, jobs, asked.read_nights)
        rows = bigquery.rows(client, sql, _COLUMNS, max_bytes=max_bytes)
        return {worth.moved.entity.name: worth for worth in add_up(jobs, asked.read_nights, rows)}

    try:
        worth, refused = tables.each(settings, list(by_entity), some)
    except UnansweredError as error:
        silent.append(f"What the shift is worth is not known: {_said(error)}")
    if asked.nights:
        try:
            rows = run_log.rows(client, settings, _since(asked.now), max_bytes=max_bytes)
            replayed = replay(settings, settings.world_before(), settings.world(), rows, asked.nights, asked.now)
        except UnansweredError as error:
            silent.append(f"Whether it would have held is not known: {_said(error)}")
    return Outlook(asked, tuple(worth.values()), replayed, asked.uncounted | refused, tuple(silent))


def _columns(entity: Entity) -> list[str]:
    return [*entity.key, *filter(None, [entity.amount]), MODIFIED]


def _select(jobs: Iterable[Moved], nights: Sequence[date]) -> Callable[[Settings, Sequence[Entity]], str]:
    by_entity = {job.entity: job for job in jobs}
    return lambda settings, part: worth_select(settings, [by_entity[entity] for entity in part], nights)


def _since(now: datetime) -> datetime:
    """Before the first night that is replayed, whatever the zone."""
    return now - timedelta(days=NIGHTS + 2)


def _said(error: UnansweredError) -> str:
    """Raises the error where all other questions would be in vain."""
    if error.cause in (Cause.UNREACHABLE, Cause.CREDENTIALS):
        raise error
    return str(error)
