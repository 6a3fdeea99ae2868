"""A run: what happened for one scheduled time of one job, joined from Cloud Scheduler and the service's run log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingest.attempt import Attempt, LiveJob
from ingest.limits import BACKOFF
from ingest.schedule import Cadence
from ingest.settings import Settings
from ingest.text.shown import printable

START_DELAY = timedelta(minutes=1)
"""How late Cloud Scheduler may begin the first attempt, and the service a call that it got."""

CLOCK_SKEW = timedelta(seconds=BACKOFF.low)
"""Between the clocks of Cloud Scheduler, the service and the one who deploys; no more than the shortest backoff, so
that a try and its retry are told apart."""

SUCCESS = "success"
"""The run log's status of a call that did its work; of one that did not it is "failed"."""

_ERROR_LENGTH = 120


@dataclass(frozen=True)
class LogRow:
    """A row of the run log: one call of the service, written at its end. Times are aware; None: the row has none.

    `entity` is the log's name of it. `status` is "success", "failed" or what the service wrote.
    """

    entity: str
    run_id: str
    started: datetime
    ended: datetime | None
    status: str
    fetched: int | None
    inserted: int | None
    error: str = ""

    @property
    def over(self) -> datetime:
        """When it was over, as far as the log knows."""
        return self.ended or self.started

    @property
    def fault(self) -> str:
        """What went wrong, in one line."""
        if self.status == SUCCESS and self.ended:
            return f"its answer took {(self.ended - self.started) / timedelta(minutes=1):.0f} min"
        return printable(self.error or self.status, _ERROR_LENGTH)

    def answered(self, deadline: timedelta) -> bool:
        """Whether it succeeded before Cloud Scheduler gave it up."""
        took = self.ended - self.started if self.ended else timedelta()
        return self.status == SUCCESS and took <= deadline + CLOCK_SKEW


@dataclass(frozen=True)
class Run:
    """`tries` are the failed ones before the last; `last` is the last one's row, None where the log has none.

    `started` is when the last try began; `attempt` is Cloud Scheduler's word on it, None where only the log has it.
    """

    tries: tuple[LogRow, ...]
    last: LogRow | None
    started: datetime
    attempt: Attempt | None

    @property
    def began(self) -> datetime:
        return min((row.started for row in self.tries), default=self.started)

    @property
    def faults(self) -> str:
        """Of the failed tries, each once."""
        return "; ".join(dict.fromkeys(row.fault for row in self.tries))


def window(settings: Settings) -> timedelta:
    """From a scheduled time to the end of its last retry, each attempt taking as long as it may.

    A pause doubles after each; DEFAULTS' max_doublings, which the jobs declare, is as much as retries may be.
    """
    pauses = (
        min(settings.min_backoff_seconds * 2**number, settings.max_backoff_seconds)
        for number in range(settings.retry_count)
    )
    attempts = (settings.retry_count + 1) * settings.attempt_deadline_seconds
    return START_DELAY + timedelta(seconds=attempts + sum(pauses))


def last_due(cadence: Cadence, zone: str, since: datetime, now: datetime) -> tuple[datetime | None, datetime]:
    """The last scheduled time after `since` and until `now` (None: there is none yet), and the one after; in UTC."""
    fires = (fire.astimezone(UTC) for fire in cadence.next_fires(since, zone))
    due, following = None, next(fires)
    while following <= now:
        due, following = following, next(fires)
    return due, following


def find_run(due: datetime, live: LiveJob, rows: Iterable[LogRow], longest: timedelta, now: datetime) -> Run | None:
    """What Cloud Scheduler began at `due`; None where it did not, or nobody knows. `rows` are the entity's.

    A row that ends in the future proves nothing. Cloud Scheduler keeps its last attempt only, so after a later one, and
    after a run that succeeded at its time or failed as often as it may, the log alone has this run.
    """
    mine = rows_within(due, rows, longest, now)
    begun = live.attempt.started
    if begun is None or not due - CLOCK_SKEW <= begun <= now:
        return None
    punctual = bool(mine) and mine[0].answered(live.deadline) and mine[0].started <= due + START_DELAY
    if begun > due + longest or (punctual and begun > mine[0].started + CLOCK_SKEW):
        return _of_the_log(mine, live)
    tries = [row for row in mine if row.started < begun - CLOCK_SKEW and not row.answered(live.deadline)]
    if len(tries) > live.retries:
        return _of_the_log(mine, live)
    own = [row for row in mine if begun - CLOCK_SKEW <= row.started <= begun + START_DELAY]
    return Run(tuple(tries), own[0] if own else None, begun, live.attempt)


def rows_within(due: datetime, rows: Iterable[LogRow], longest: timedelta, now: datetime) -> list[LogRow]:
    """The calls that began in the window and are over, in order."""
    calls = (row for row in rows if due - CLOCK_SKEW <= row.started <= due + longest and row.over <= now)
    return sorted(calls, key=lambda row: row.started)


def _of_the_log(rows: Sequence[LogRow], live: LiveJob) -> Run | None:
    """Up to the first success: Cloud Scheduler retries what failed, and no more often than the job says."""
    chain: list[LogRow] = []
    for row in rows[: live.retries + 1]:
        chain.append(row)
        if row.answered(live.deadline):
            break
    return Run(tuple(chain[:-1]), chain[-1], chain[-1].started, None) if chain else None
