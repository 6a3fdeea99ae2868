"""The gate: whether a night has proved itself, so that the next one may come. Evidence in, checks out; no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from ingest.attempt import Attempt, Code, LiveJob
from ingest.catalogue import GROUPS
from ingest.entity import Entity
from ingest.judging.duplicates import Keys, doubled_verdict
from ingest.judging.freshness import Loaded
from ingest.judging.run import CLOCK_SKEW, START_DELAY, SUCCESS, LogRow, Run, find_run, last_due, rows_within, window
from ingest.judging.verdict import Verdict, overall
from ingest.rollout import Job, Management, World
from ingest.schedule import Cadence, ScheduleError, time_zone
from ingest.settings import Settings
from ingest.text import shown

WARN_SHARE = 0.8
"""A run that takes this share of the time until the next job's is close to running into it."""


@dataclass(frozen=True)
class Check:
    """One question to one job. `name` is one of NAMES."""

    name: str
    entity: str
    verdict: Verdict
    expected: str
    measured: str
    tolerance: str = "none"

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Check:
        """A check of a gate in the ledger."""
        return cls(
            current_name(data["check"]),
            str(data["entity"] or ""),
            Verdict(data["verdict"]),
            *(str(data[key]) for key in ("expected", "measured", "tolerance")),
        )

    def record(self) -> dict[str, str]:
        """For the ledger."""
        return {
            "check": self.name,
            "entity": self.entity,
            "verdict": str(self.verdict),
            "expected": self.expected,
            "measured": self.measured,
            "tolerance": self.tolerance,
            "text": str(self),
        }

    def __str__(self) -> str:
        return f"{self.entity}: {self.name} is {self.verdict}: expected {self.expected}, measured {self.measured}"


NAMES = ("as-deployed", "ran", "succeeded", "loaded", "kept", "no-duplicates", "in-order", "no-overlap")


@dataclass(frozen=True)
class Evidence:
    """What is known. None: it could not be had; `silent` are the reasons of what did not answer.

    `jobs` are by job name, `log` the run log's rows since the deploy, `tables` by entity; `broken` says by entity why
    a table could not be read. `rows_before` are the row counts when the night was deployed, by entity; None for a table
    that could not be counted then. `keys` are the tables' natural keys, `uncounted` says why some were not counted;
    `doubled_before` are the rows beyond one for each key when the night was deployed, as `rows_before`.
    """

    jobs: Mapping[str, LiveJob] | None
    log: Sequence[LogRow] | None
    tables: Mapping[str, Loaded] | None
    rows_before: Mapping[str, int | None] | None
    broken: Mapping[str, str] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    keys: Mapping[str, Keys] | None = None
    doubled_before: Mapping[str, int | None] | None = None
    uncounted: Mapping[str, str] = field(default_factory=dict)


def gate_time(world: World, settings: Settings, since: datetime) -> datetime:
    """When every job that exists has had a run after `since`, its retries included; in the settings' zone."""
    zone = settings.time_zone
    last = max(next(job.cadence.next_fires(since, zone)).astimezone(UTC) for job in world.values())
    return (last + window(settings)).astimezone(time_zone(zone))


def came_due(world: World, settings: Settings, since: datetime, now: datetime) -> datetime | None:
    """The first run of a job that was due after `since` and until `now` (both aware), in the settings' zone, if any.

    A gate that was asked at `since` does not know it.
    """
    zone = settings.time_zone
    earliest = min(next(job.cadence.next_fires(since, zone)).astimezone(UTC) for job in world.values())
    return earliest.astimezone(time_zone(zone)) if earliest <= now else None


def unlike(world: World, settings: Settings, live: Mapping[str, LiveJob], catalogue: Iterable[Entity]) -> list[str]:
    """Why the live jobs, by job name, are not those of the night that has `world`; empty: they are."""
    lines = []
    for name, job in world.items():
        live_job = live.get(job.entity.job_name)
        differs = _differs(job, live_job, settings) if live_job else ["it does not exist"]
        lines += [f"{name}: {', '.join(differs)}"] if differs else []
    return lines + [f"{e.name}: is live" for e in catalogue if e.name not in world and e.job_name in live]


def evaluate(world: World, settings: Settings, evidence: Evidence, since: datetime, now: datetime) -> list[Check]:
    """Every check of every job, of the runs that were due after `since` (the deploy) and until `now`, both aware."""
    return _checks(_judged(world, settings, evidence, since, now))


def judge(
    world: World, settings: Settings, evidence: Evidence, since: datetime, now: datetime
) -> tuple[list[Check], dict[str, Any]]:
    """What `evaluate` gives, and the ledger's data of it with the calls that the run log knows, in the jobs' order."""
    judged = _judged(world, settings, evidence, since, now)
    checks = _checks(judged)
    runs = [(case.entity.name, case.run) for case in judged if case.run]
    calls = [(name, row) for name, run in runs for row in (*run.tries, run.last) if row and row.ended]
    return checks, record(checks, since, now, calls)


def _checks(judged: Sequence[_Judged]) -> list[Check]:
    return [*(check for case in judged for check in case.checks), *_order(judged), *_overlap(judged)]


def _judged(world: World, settings: Settings, evidence: Evidence, since: datetime, now: datetime) -> list[_Judged]:
    rows: dict[str, list[LogRow]] = defaultdict(list)
    for row in evidence.log or ():
        rows[row.entity].append(row)
    return [_Judged(job, settings, evidence, rows[job.entity.log_name], since, now) for job in world.values()]


def current_name(name: str) -> str:
    """Of a check in the ledger: older ledgers have "in order" and "no overlap"."""
    return name.replace(" ", "-")


def blocking(checks: Iterable[Check]) -> list[str]:
    """The names of the checks that block the next night, each once."""
    return list(dict.fromkeys(check.name for check in checks if check.verdict.blocks))


def record(
    checks: list[Check], since: datetime, until: datetime, calls: Iterable[tuple[str, LogRow]] = ()
) -> dict[str, Any]:
    """The ledger's data of a gate; `calls` are those of its runs that the run log has whole, with their entities."""
    return {
        "verdict": str(overall(check.verdict for check in checks)),
        "checks": [check.record() for check in checks],
        "window": {"since": since.astimezone(UTC).isoformat(), "until": until.astimezone(UTC).isoformat()},
        "measured": [
            {
                "entity": entity,
                "started_at": call.started.astimezone(UTC).isoformat(),
                "ended_at": call.over.astimezone(UTC).isoformat(),
                "ok": call.status == SUCCESS,
            }
            for entity, call in calls
        ],
    }


class _Judged:
    """A job's last run that was due, with its own checks. A check that blocks is the last that is made of the run.

    `ended` is None where it is not known; `exact` says that the run log has it. The table's newest row is a time at
    which the run was still at work. `good`: nothing that blocks is known of its success.
    """

    def __init__(
        self,
        job: Job,
        settings: Settings,
        evidence: Evidence,
        rows: Sequence[LogRow],
        since: datetime,
        now: datetime,
    ) -> None:
        self.job, self.entity, self._settings, self._evidence = job, job.entity, settings, evidence
        self._rows, self._since, self._now = rows, since, now
        self._zone = time_zone(settings.time_zone)
        self._longest = window(settings)
        self._table = (evidence.tables or {}).get(job.entity.name)
        self.due, self._next_due = last_due(job.cadence, settings.time_zone, since, now)
        self.run: Run | None = None
        self.ended: datetime | None = None
        self.exact = self.good = False
        self.checks = list(self._checks())

    def when(self, moment: datetime | None) -> str:
        return f"{moment.astimezone(self._zone):%a %Y-%m-%d %H:%M}" if moment else "never"

    def check(self, name: str, verdict: Verdict, expected: str, measured: str, tolerance: str = "none") -> Check:
        return Check(name, self.entity.name, verdict, expected, measured, tolerance)

    def _checks(self) -> Iterator[Check]:
        if self.due is None:
            yield self.check("ran", Verdict.INCONCLUSIVE, f"a run at {self.when(self._next_due)}", "not due yet")
            return
        live = (self._evidence.jobs or {}).get(self.entity.job_name)
        if live is None or live.attempt.paused:
            yield self._no_run(self.due, live)
            return
        as_deployed = self._as_deployed(self.due, live)
        yield as_deployed
        if as_deployed.verdict.blocks:
            return
        run = find_run(self.due, live, self._rows, self._longest, self._now)
        if run is None:
            yield self._no_run(self.due, live)
            return
        yield self._ran(self.due, Verdict.PASS, f"began {self.when(run.began)}")
        self.run = run
        self.ended, self.exact = self._end(run, live.deadline)
        succeeded = self._succeeded(run, live, self.due)
        yield succeeded
        self.good = not succeeded.verdict.blocks
        if self.good:
            yield self._loaded(run, live.deadline)
            yield self._kept()
            if self.entity.key:
                yield self._no_duplicates()

    def _end(self, run: Run, deadline: timedelta) -> tuple[datetime | None, bool]:
        if run.last and run.last.ended:
            return max(row.ended for row in (*run.tries, run.last) if row.ended), True
        newest = self._table.max_loaded_at if self._table else None
        inside = newest is not None and run.started <= newest <= min(run.started + deadline, self._now)
        return (newest if inside else None), False

    def _as_deployed(self, due: datetime, live: LiveJob) -> Check:
        job, zone = self.job, self._settings.time_zone
        expected = f"{job.cadence.cron} {zone}, as deployed {self.when(self._since)}"
        differs = _differs(job, live, self._settings)
        changed = live.updated is not None and live.updated > self._since + CLOCK_SKEW
        by_hand = f"changed by hand {self.when(live.updated)}" if changed else ""
        if differs:
            return self.check("as-deployed", Verdict.FAIL, expected, ", ".join([*differs, *filter(None, [by_hand])]))
        if live.updated and changed:
            after = live.updated > due
            verdict = Verdict.INCONCLUSIVE if after else Verdict.WARN
            measured = by_hand + (", after its time" if after else ", before its time")
            return self.check("as-deployed", verdict, expected, measured)
        return self.check("as-deployed", Verdict.PASS, expected, "the same")

    def _ran(self, due: datetime, verdict: Verdict, measured: str) -> Check:
        tolerance = f"began within {self._longest // timedelta(minutes=1)} min"
        return self.check("ran", verdict, f"a run at {self.when(due)}", measured, tolerance)

    def _no_run(self, due: datetime, live: LiveJob | None) -> Check:
        """Why there is none that could be judged."""
        if self._evidence.jobs is None:
            return self._ran(due, Verdict.INCONCLUSIVE, "Cloud Scheduler did not answer")
        if live is None:
            return self._ran(due, Verdict.FAIL, "the job does not exist")
        begun = live.attempt.started
        measured = f"last began {self.when(begun)}" if begun else "never ran"
        if live.attempt.paused:
            return self._ran(due, Verdict.FAIL, f"{measured}, the job is paused")
        if begun and begun > self._now:
            return self._ran(due, Verdict.INCONCLUSIVE, f"{measured}, which is in the future")
        if begun and begun > due:
            measured = f"the last attempt began {self.when(begun)}, which is no scheduled run"
            if self._evidence.log is not None:
                measured += ", and the run log has none"
            return self._ran(due, Verdict.INCONCLUSIVE, measured)
        if self._now < due + START_DELAY:
            return self._ran(due, Verdict.INCONCLUSIVE, f"{measured}, it is due just now")
        if others := rows_within(due, self._rows, self._longest, self._now):
            measured += f"; the call of {self.when(others[0].started)} in the run log is not Cloud Scheduler's"
        return self._ran(due, Verdict.FAIL, measured)

    def _succeeded(self, run: Run, live: LiveJob, due: datetime) -> Check:
        def check(verdict: Verdict, measured: str) -> Check:
            return self.check("succeeded", verdict, "OK", measured)

        last, failed = run.last, len(run.tries)
        answered = last is not None and last.answered(live.deadline)
        after = f" after {failed} failed tr{'ies' if failed > 1 else 'y'}: {run.faults}" if failed else ""
        if run.attempt is None:
            if not answered and failed < live.retries:
                return check(Verdict.INCONCLUSIVE, f"failed ({_fault(last)}); its retries are not in the run log")
            if not answered:
                return check(Verdict.FAIL, f"{_fault(last)}{after}")
        else:
            blocked = self._attempt(run.attempt, last, run.started + live.deadline, answered)
            if blocked:
                return check(*blocked)
        if failed:
            return check(Verdict.WARN, f"OK{after}")
        if run.started > due + START_DELAY:
            late = (run.started - due) / timedelta(minutes=1)
            return check(Verdict.WARN, f"OK, {late:.0f} min after its time; no earlier try is in the run log")
        return check(Verdict.PASS, "OK")

    def _attempt(
        self, attempt: Attempt, last: LogRow | None, deadline: datetime, answered: bool
    ) -> tuple[Verdict, str] | None:
        """What Cloud Scheduler's word on the last try comes to, where that is no success."""
        if attempt.code not in [*Code]:
            return Verdict.INCONCLUSIVE, attempt.outcome
        # Until an attempt ends, the code may be the one of the attempt before.
        if (last is None or last.ended is None) and self._now < deadline:
            return Verdict.INCONCLUSIVE, f"may be under way; ask again after {self.when(deadline)}"
        if attempt.code:
            fault = f": {last.fault}" if last and not answered else ""
            return Verdict.FAIL, f"{attempt.outcome} ({attempt.code}){fault}"
        if last and not answered:
            return Verdict.INCONCLUSIVE, f"OK, but the run log has {last.status}: {last.fault}"
        return None

    def _loaded(self, run: Run, deadline: timedelta) -> Check:
        def check(verdict: Verdict, measured: str) -> Check:
            return self.check("loaded", verdict, f"what the run of {self.when(run.started)} fetched", measured)

        row, table, earliest = run.last, self._table, run.started - CLOCK_SKEW
        newest = table.max_loaded_at if table else None
        shown = f"newest row {self.when(newest)}" if newest else "no row"
        inside = newest is not None and earliest <= newest <= run.started + deadline
        if row and row.fetched == 0:
            if self.entity.may_be_quiet:
                return check(Verdict.PASS, "no new records")
            if inside:
                return check(Verdict.INCONCLUSIVE, f"no records in the run log, {shown}")
            return check(Verdict.FAIL, f"no records, but {self.entity.name} always has some")
        if table is None:
            why = self._evidence.broken.get(self.entity.name, "the table could not be asked")
            return check(Verdict.INCONCLUSIVE, why)
        if newest and newest > self._now:
            return check(Verdict.INCONCLUSIVE, f"{shown}, which is in the future")
        if row and row.fetched:
            claim = f"{row.fetched} records, "
            if newest and newest >= earliest:
                return check(Verdict.PASS, claim + shown)
            return check(Verdict.FAIL, claim + (shown if table.exists else "and the table does not exist"))
        # The table alone speaks.
        without = "the run log does not have it, " if self._evidence.log is not None else "no run log, "
        if inside:
            return check(Verdict.PASS if self._evidence.log is None else Verdict.WARN, without + shown)
        late = " may be of a later run" if newest and newest > earliest else ""
        return check(Verdict.INCONCLUSIVE, without + shown + late)

    def _kept(self) -> Check:
        before = (self._evidence.rows_before or {}).get(self.entity.name)
        if before is None:
            return self.check("kept", Verdict.INCONCLUSIVE, "as many rows as at the deploy", "no count from then")
        expected = f"{before} rows or more"
        if self._table is None:
            why = self._evidence.broken.get(self.entity.name, "the table could not be asked")
            return self.check("kept", Verdict.INCONCLUSIVE, expected, why)
        measured = str(self._table.rows) if self._table.exists else "the table does not exist"
        return self.check("kept", Verdict.PASS if self._table.rows >= before else Verdict.FAIL, expected, measured)

    def _no_duplicates(self) -> Check:
        """What was doubled before the deploy is not this night's doing."""
        name, before = self.entity.name, (self._evidence.doubled_before or {}).get(self.entity.name)
        expected = f"{before or 0} doubled rows at most"
        keys = (self._evidence.keys or {}).get(name)
        if keys is None:
            why = self._evidence.uncounted.get(name, "the table could not be asked")
            return self.check("no-duplicates", Verdict.INCONCLUSIVE, expected, why)
        measured = f"{keys.doubled} of {keys.rows} rows"
        if keys.doubled <= (before or 0):
            return self.check("no-duplicates", Verdict.PASS, expected, measured)
        if before is None:
            return self.check("no-duplicates", Verdict.INCONCLUSIVE, expected, f"{measured}, no count from the deploy")
        return self.check("no-duplicates", doubled_verdict(self.entity), expected, measured)


def _order(judged: Sequence[_Judged]) -> Iterator[Check]:
    """A job at its target time starts after the jobs that its group needs have ended, those of the same day."""
    needs = {group.name: group.after for group in GROUPS}
    members: dict[str, list[_Judged]] = defaultdict(list)
    for case in judged:
        members[case.entity.group].append(case)
    for case in judged:
        if case.run is None or case.due is None or case.job.cadence != case.entity.target:
            continue
        for group in needs[case.entity.group]:
            day = timedelta(days=1)
            before = [other for other in members[group] if other.due and case.due - day < other.due <= case.due]
            if before and (check := _after(case, case.run.started, group, before)):
                yield check


def _after(case: _Judged, started: datetime, group: str, before: Sequence[_Judged]) -> Check | None:
    """None: a run before it has no known end and is blocked by a check of its own."""
    expected = f"begins after {group} has ended"
    ended = [(other.ended, other) for other in before if other.ended]
    end, last = max(ended, key=lambda pair: pair[0], default=(None, None))
    if end and last:
        measured = f"{last.entity.name} ended {case.when(end)}, it began {case.when(started)}"
        if end >= started:
            return case.check("in-order", Verdict.FAIL, expected, measured)
    if unknown := [other for other in before if other.good and other.ended is None]:
        measured = f"the end of {unknown[0].entity.name} is not known"
        return case.check("in-order", Verdict.INCONCLUSIVE, expected, measured)
    if not (end and last) or len(ended) < len(before):
        return None
    if all(other.exact for other in before):
        return case.check("in-order", Verdict.PASS, expected, measured)
    return case.check("in-order", Verdict.WARN, expected, f"{measured}; some ends are not in the run log")


def _overlap(judged: Sequence[_Judged]) -> Iterator[Check]:
    """A run ends before the time of the next job."""
    timed = sorted(((case.due, case) for case in judged if case.due), key=lambda pair: pair[0])
    for (due, case), (next_due, following) in pairwise(timed):
        gap = next_due - due
        tolerance = f"{minutes(gap)} min"
        expected = f"ends before {following.entity.name} at {case.when(next_due)}"
        if case.good and case.ended is None:
            yield case.check("no-overlap", Verdict.INCONCLUSIVE, expected, "its end is not known", tolerance)
        if case.ended is None:
            continue
        took = case.ended - due
        verdict = Verdict.FAIL if took > gap else Verdict.WARN if took >= gap * WARN_SHARE else Verdict.PASS
        measured = f"{minutes(took)} min"
        if not case.exact:
            verdict = max(verdict, Verdict.WARN, key=[*Verdict].index)
            measured += " at least; its end is not in the run log"
        yield case.check("no-overlap", verdict, expected, measured, tolerance)


def _differs(job: Job, live: LiveJob, settings: Settings) -> list[str]:
    """What of the live job is not as the night has it."""
    differences = []
    if not _runs_at(live.schedule, job.cadence) or live.time_zone != settings.time_zone:
        differences.append(shown.printable(f"schedule {live.schedule} {live.time_zone}"))
    # An adopted job keeps the address that was found, until its night.
    if job.management is Management.DECLARED and live.uri != settings.uri(job.entity):
        differences.append(f"URL {shown.uri(live.uri)}")
    return differences


def _runs_at(schedule: str, cadence: Cadence) -> bool:
    if schedule == cadence.cron:
        return True
    try:
        return cadence.is_regular and Cadence.parse(schedule) == replace(cadence, text=None)
    except ScheduleError:
        return False


def _fault(row: LogRow | None) -> str:
    return row.fault if row else "no row"


def minutes(span: timedelta) -> str:
    """With one decimal, such as "4.5"."""
    return f"{span.total_seconds() / 60:.1f}"
