"""Would a night's schedule have held? The runs that the run log has, replayed at the times of that schedule.

A run is moved as it was, with its delay, its failed tries and its length, to the new time of its job on the same day;
then the gate's own rules judge order and overlap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from ingest.attempt import Attempt, Code, LiveJob
from ingest.judging.gate import WARN_SHARE, Check, Evidence, evaluate, minutes
from ingest.judging.run import SUCCESS, LogRow, find_run, window
from ingest.judging.verdict import Verdict
from ingest.rollout import Job, World
from ingest.schedule import DAY_MINUTES, Cadence, time_zone
from ingest.settings import Settings

RULES = ("in-order", "no-overlap")
"""The gate's checks that a replay makes."""

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Past:
    """A run of the run log: the scheduled time that it had, and its calls in the order of their starts.

    The last one has an end; one that Cloud Scheduler gave up may end after it.
    """

    due: datetime
    calls: tuple[LogRow, ...]

    @property
    def took(self) -> timedelta:
        """From its scheduled time to its end."""
        return max(call.over for call in self.calls) - self.due


@dataclass(frozen=True)
class Night:
    """A local day, replayed. `checks` are the gate's; `lacking` are the jobs whose run is not on record."""

    day: date
    checks: tuple[Check, ...]
    lacking: tuple[str, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.verdict is Verdict.FAIL)

    @property
    def verdict(self) -> Verdict:
        """Inconclusive where it held as far as it is known."""
        if self.failed:
            return Verdict.FAIL
        return Verdict.PASS if self.checks and not self.lacking else Verdict.INCONCLUSIVE

    def held(self, rule: str) -> bool | None:
        """None: no job was asked, as of the order of jobs that are not at their target times."""
        asked = [check.verdict for check in self.checks if check.name == rule]
        return Verdict.FAIL not in asked if asked else None


@dataclass(frozen=True)
class Headroom:
    """A job's `runs` by length, the shortest first, against the shortest `gap` to the next job of a day, `following`.

    A run's length counts from its scheduled time. Without a following job there is no gap.
    """

    job: Job
    runs: tuple[timedelta, ...]
    gap: timedelta | None
    following: Job | None

    @property
    def p50(self) -> timedelta | None:
        return percentile(self.runs, 50)

    @property
    def p95(self) -> timedelta | None:
        return percentile(self.runs, 95)

    @property
    def overruns(self) -> int:
        return sum(took > self.gap for took in self.runs) if self.gap is not None else 0

    @property
    def is_tight(self) -> bool:
        """Whether its p95 is over WARN_SHARE of the gap."""
        return self.p95 is not None and self.gap is not None and self.p95 > self.gap * WARN_SHARE

    @property
    def suggestion(self) -> str | None:
        if not self.is_tight or self.p95 is None or self.gap is None or self.following is None:
            return None
        needed = -(-(self.p95 / WARN_SHARE) // _MINUTE)
        start = (self.job.cadence.minute + needed) % DAY_MINUTES
        return (
            f"{self.job.entity.name}: its p95, {minutes(self.p95)} min, is over {WARN_SHARE:.0%} of the "
            f"{minutes(self.gap)} min until {self.following.entity.name}; give it {needed} min: "
            f"{self.following.entity.name} at {start // 60:02}:{start % 60:02} or later"
        )


@dataclass(frozen=True)
class Replay:
    """The nights, oldest first, and the headroom of each job of the schedule.

    `unknown` are the jobs without any run on record: each is taken as one that ends at once, as those in `begins` are
    before that day, their first. `irregular` are those with another schedule than one time a day or a week; they are
    left out.
    """

    nights: tuple[Night, ...]
    headroom: tuple[Headroom, ...]
    unknown: tuple[str, ...]
    begins: Mapping[str, date]
    irregular: tuple[str, ...]

    def held(self, rule: str) -> tuple[int, int]:
        """On how many nights the rule held, of those on which it was asked."""
        asked = [held for night in self.nights if (held := night.held(rule)) is not None]
        return sum(map(bool, asked)), len(asked)

    @property
    def verdict(self) -> Verdict:
        """Fails with any of its nights; inconclusive where none is known in whole."""
        verdicts = {night.verdict for night in self.nights}
        return next(worst for worst in (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE) if worst in verdicts)


def percentile(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """By nearest rank, so always one of `ordered`, which is ascending; None: it is empty."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


def last_nights(settings: Settings, before: World, after: World, now: datetime, count: int) -> list[date]:
    """The last local days on which all runs are over by `now`, oldest first."""
    today, longest = now.astimezone(time_zone(settings.time_zone)).date(), window(settings)
    jobs = [job for job in (*before.values(), *after.values()) if job.cadence.is_regular]
    dues = [due for job in jobs if (due := job.cadence.on(today, settings.time_zone))]
    last = today if all(due + longest < now for due in dues) else today - _DAY
    return [last - back * _DAY for back in range(count - 1, -1, -1)]


def replay(
    settings: Settings, before: World, after: World, rows: Iterable[LogRow], nights: Sequence[date], now: datetime
) -> Replay:
    """Replays the runs that began by the jobs' times in `before` or in `after`, at their times in `after`.

    `rows` are the run log's since before the first of `nights`; `now` (aware) is when it was read.
    """
    calls: dict[str, list[LogRow]] = defaultdict(list)
    for row in rows:
        calls[row.entity].append(row)
    jobs = {name: job for name, job in after.items() if job.cadence.is_regular}
    runs: dict[str, dict[date, Past]] = {}
    for name, job in jobs.items():
        versions = [version for version in (before.get(name), job) if version and version.cadence.is_regular]
        times = {(version.cadence, version.zone or settings.time_zone) for version in versions}
        rows_of_job = calls[job.entity.log_name]
        runs[name] = {day: past for day in nights if (past := _past(times, rows_of_job, settings, day, now))}
    judged = tuple(_night(settings, jobs, runs, day) for day in nights)
    headroom = tuple(_headroom(settings, jobs, job, runs[name].values(), nights[-1]) for name, job in jobs.items())
    unknown = tuple(name for name in jobs if not runs[name])
    begins = {name: min(days) for name, days in runs.items() if days and not jobs[name].cadence.is_weekly}
    later = {name: day for name, day in begins.items() if day > nights[0]}
    return Replay(judged, headroom, unknown, later, tuple(name for name in after if name not in jobs))


def _past(
    times: Iterable[tuple[Cadence, str]], rows: Sequence[LogRow], settings: Settings, day: date, now: datetime
) -> Past | None:
    """The run of the scheduled time that a call of the day follows most closely."""
    longest, deadline = window(settings), timedelta(seconds=settings.attempt_deadline_seconds)
    candidates = []
    for cadence, zone in times:
        if due := cadence.on(day, zone):
            # Cloud Scheduler's last attempt is a later one by now, so the log alone has this run.
            live = LiveJob(Attempt(now, 0), cadence.cron, zone, "", deadline, settings.retry_count)
            run = find_run(due, live, rows, longest, now)
            if run and run.last and run.last.ended:
                candidates.append(Past(due, (*run.tries, run.last)))
    return min(candidates, key=lambda past: abs(past.calls[0].started - past.due), default=None)


def _night(settings: Settings, jobs: World, runs: Mapping[str, Mapping[date, Past]], day: date) -> Night:
    begins, ends = (datetime.combine(local, time(), time_zone(settings.time_zone)) for local in (day, day + _DAY))
    live, log, lacking, measured = {}, [], [], set()
    for name, job in jobs.items():
        due = job.cadence.on(day, settings.time_zone)
        if due is None:
            continue
        past = runs[name].get(day)
        if past:
            measured.add(name)
        elif runs[name] and min(runs[name]) < day:
            lacking.append(name)
        rows = past.calls if past else (LogRow(job.entity.log_name, "", due, due, SUCCESS, 0, 0),)
        by = due - past.due if past else timedelta()
        moved = [replace(row, started=row.started + by, ended=row.ended and row.ended + by) for row in rows]
        log += moved
        live[job.entity.job_name] = _live(settings, job, moved[-1])
    evidence = Evidence(live, log, None, None)
    checks = evaluate(jobs, settings, evidence, begins - _MINUTE, ends - _MINUTE)
    return Night(day, tuple(c for c in checks if c.name in RULES and c.entity in measured), tuple(lacking))


def _live(settings: Settings, job: Job, last: LogRow) -> LiveJob:
    """As the night declares it, with that last attempt."""
    return LiveJob(
        Attempt(last.started, 0 if last.status == SUCCESS else Code.INTERNAL),
        job.cadence.cron,
        settings.time_zone,
        settings.uri(job.entity),
        timedelta(seconds=settings.attempt_deadline_seconds),
        settings.retry_count,
    )


def _headroom(settings: Settings, jobs: World, job: Job, runs: Iterable[Past], last: date) -> Headroom:
    gaps: list[tuple[timedelta, Job]] = []
    for back in range(7):
        day = last - back * _DAY
        timed = [(due, other) for other in jobs.values() if (due := other.cadence.on(day, settings.time_zone))]
        for (due, earlier), (next_due, following) in pairwise(sorted(timed, key=lambda pair: pair[0])):
            gaps += [(next_due - due, following)] if earlier is job else []
    shortest = min(gaps, key=lambda pair: pair[0], default=(None, None))
    return Headroom(job, tuple(sorted(past.took for past in runs)), *shortest)
