"""The gate: whether a night has proved itself, so that the next one may come. Evidence in, checks out; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from ingest.attempt import Attempt, Code
from ingest.catalogue import GROUPS
from ingest.freshness import Loaded
from ingest.rollout import Job, World
from ingest.schedule import first
from ingest.verdict import Verdict, overall

WINDOW = timedelta(hours=2)
"""A run counts when its last attempt began this long after its time at most: three attempts of 30 minutes fit."""

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


NAMES = ("ran", "succeeded", "loaded", "kept", "in-order", "no-overlap")


@dataclass(frozen=True)
class Evidence:
    """What is known. None: it could not be had; `silent` are the reasons of what did not answer.

    `attempts` are by job name; `tables` by entity; `rows_before` are the tables' row counts when the night was
    deployed, by entity.
    """

    attempts: Mapping[str, Attempt] | None
    tables: Mapping[str, Loaded] | None
    rows_before: Mapping[str, int] | None
    silent: tuple[str, ...] = ()


def gate_time(world: World, zone: str, since: datetime) -> datetime:
    """When every job that exists has had a run after `since`, its retries included."""
    return max(first(job.cadence.next_fires(since, zone), 1)[0] for job in world.values()) + WINDOW


def evaluate(world: World, zone: str, evidence: Evidence, since: datetime, now: datetime) -> list[Check]:
    """Every check of every job, of the runs that were due after `since` (the deploy) and until `now`, both aware."""
    runs = [_run(job, zone, evidence, since, now) for job in world.values()]
    checks = [check for run in runs for check in run.checks(evidence)]
    return [*checks, *_order(runs), *_overlap(runs)]


def current_name(name: str) -> str:
    """Of a check in the ledger: older ledgers have "in order" and "no overlap"."""
    return name.replace(" ", "-")


def blocking(checks: Iterable[Check]) -> list[str]:
    """The names of the checks that block the next night, each once."""
    return list(dict.fromkeys(check.name for check in checks if check.verdict.blocks))


def record(checks: list[Check], since: datetime, until: datetime) -> dict[str, Any]:
    """The ledger's data of a gate."""
    return {
        "verdict": str(overall(check.verdict for check in checks)),
        "checks": [check.record() for check in checks],
        "window": {"since": since.astimezone(UTC).isoformat(), "until": until.astimezone(UTC).isoformat()},
    }


@dataclass(frozen=True)
class _Run:
    """A job's last run that was due. `started` and `ended` are None where they are not known."""

    job: Job
    due: datetime | None
    next_due: datetime
    attempt: Attempt | None
    known: bool
    ended: datetime | None

    @property
    def started(self) -> datetime | None:
        """When its last attempt began, if that is the scheduled run."""
        begun = self.attempt.started if self.attempt else None
        return begun if begun and self.due and self.due <= begun <= self.due + WINDOW else None

    @property
    def end_is_missing(self) -> bool:
        """Whether it succeeded and nothing tells when; one that failed or did not run holds by itself."""
        return self.started is not None and self.ended is None and not (self.attempt and self.attempt.code)

    def check(self, name: str, verdict: Verdict, expected: str, measured: str, tolerance: str = "none") -> Check:
        return Check(name, self.job.entity.name, verdict, expected, measured, tolerance)

    def checks(self, evidence: Evidence) -> Iterator[Check]:
        yield self._ran()
        if self.started is None or self.attempt is None:
            return
        yield self._succeeded(self.attempt)
        if not self.attempt.code:
            yield self._loaded(evidence)
            yield self._kept(evidence)

    def _ran(self) -> Check:
        if self.due is None:
            return self.check("ran", Verdict.INCONCLUSIVE, f"a run at {_when(self.next_due)}", "not due yet")
        expected, tolerance = f"a run at {_when(self.due)}", f"began within {WINDOW.seconds // 3600} h"
        if not self.known:
            return self.check("ran", Verdict.INCONCLUSIVE, expected, "Cloud Scheduler did not answer", tolerance)
        if self.attempt is None:
            return self.check("ran", Verdict.FAIL, expected, "the job does not exist", tolerance)
        begun = self.attempt.started
        if self.started:
            return self.check("ran", Verdict.PASS, expected, f"began {_when(self.started, self.due)}", tolerance)
        if begun and begun > self.due:
            measured = f"the last attempt began {_when(begun, self.due)}, which is no scheduled run"
            return self.check("ran", Verdict.INCONCLUSIVE, expected, measured, tolerance)
        measured = f"last began {_when(begun, self.due)}" if begun else "never ran"
        measured += ", the job is paused" if self.attempt.paused else ""
        return self.check("ran", Verdict.FAIL, expected, measured, tolerance)

    def _succeeded(self, attempt: Attempt) -> Check:
        if not attempt.code:
            return self.check("succeeded", Verdict.PASS, "OK", attempt.outcome)
        if attempt.code not in [*Code]:
            # Such as -1, of an attempt that is under way.
            return self.check("succeeded", Verdict.INCONCLUSIVE, "OK", attempt.outcome)
        return self.check("succeeded", Verdict.FAIL, "OK", f"{attempt.outcome} ({attempt.code})")

    def _loaded(self, evidence: Evidence) -> Check:
        expected = f"rows loaded after {_when(self.due, self.due)}"
        if evidence.tables is None or self.job.entity.name not in evidence.tables:
            return self.check("loaded", Verdict.INCONCLUSIVE, expected, "the table could not be asked")
        at = evidence.tables[self.job.entity.name].max_loaded_at
        verdict = Verdict.PASS if at and self.due and at >= self.due else Verdict.FAIL
        return self.check("loaded", verdict, expected, f"last loaded {_when(at, self.due)}" if at else "never loaded")

    def _kept(self, evidence: Evidence) -> Check:
        name = self.job.entity.name
        if evidence.tables is None or evidence.rows_before is None or name not in evidence.tables:
            return self.check("kept", Verdict.INCONCLUSIVE, "as many rows as at the deploy", "no count from then")
        before, rows = evidence.rows_before.get(name, 0), evidence.tables[name].rows
        return self.check("kept", Verdict.PASS if rows >= before else Verdict.FAIL, f"{before} rows or more", str(rows))


def _run(job: Job, zone: str, evidence: Evidence, since: datetime, now: datetime) -> _Run:
    fires = job.cadence.next_fires(since, zone)
    next_due = next(fires)
    due = None
    fire = next_due
    while fire <= now:
        due, fire = fire, next(fires)
    attempt = (evidence.attempts or {}).get(job.entity.job_name)
    loaded = (evidence.tables or {}).get(job.entity.name)
    at = loaded.max_loaded_at if loaded else None
    begun = attempt.started if attempt else None
    ended = at if at and begun and at >= begun else None
    return _Run(job, due, next_due, attempt, evidence.attempts is not None, ended)


def _order(runs: list[_Run]) -> Iterator[Check]:
    """A job at its target time starts after the jobs that its group needs have ended."""
    needs = {group.name: group.after for group in GROUPS}
    latest: dict[str, tuple[datetime, str]] = {}
    unknown: dict[str, str] = {}
    for run in runs:
        group, name = run.job.entity.group, run.job.entity.name
        if run.started and run.ended:
            latest[group] = max(latest.get(group, (run.ended, "")), (run.ended, name))
        elif run.end_is_missing:
            unknown.setdefault(group, name)
    for run in runs:
        if run.started is None or run.job.cadence != run.job.entity.target:
            continue
        for group in needs[run.job.entity.group]:
            expected = f"begins after {group} has ended"
            end, name = latest.get(group, (None, ""))
            if end and end >= run.started:
                measured = f"{name} ended {_when(end, run.due)}, it began {_when(run.started, run.due)}"
                yield run.check("in-order", Verdict.FAIL, expected, measured)
            elif group in unknown:
                measured = f"the end of {unknown[group]} is not known"
                yield run.check("in-order", Verdict.INCONCLUSIVE, expected, measured)
            elif end:
                measured = f"{name} ended {_when(end, run.due)}, it began {_when(run.started, run.due)}"
                yield run.check("in-order", Verdict.PASS, expected, measured)


def _overlap(runs: list[_Run]) -> Iterator[Check]:
    """A run ends before the time of the next job; the end is measured by the table."""
    timed = sorted((run for run in runs if run.due), key=_due_seconds)
    for run, following in pairwise(timed):
        if run.started is None or run.due is None or following.due is None or following.due <= run.due:
            continue
        gap = following.due - run.due
        tolerance = f"{_minutes(gap)} min"
        expected = f"ends before {following.job.entity.name} at {_when(following.due)}"
        if run.end_is_missing:
            yield run.check("no-overlap", Verdict.INCONCLUSIVE, expected, "its end is not known", tolerance)
        if run.ended is None:
            continue
        took = run.ended - run.due
        verdict = Verdict.FAIL if took > gap else Verdict.WARN if took >= gap * WARN_SHARE else Verdict.PASS
        yield run.check("no-overlap", verdict, expected, f"{_minutes(took)} min", tolerance)


def _due_seconds(run: _Run) -> float:
    return run.due.timestamp() if run.due else 0.0


def _when(moment: datetime | None, like: datetime | None = None) -> str:
    if moment is None:
        return "never"
    return f"{moment.astimezone(like.tzinfo if like else moment.tzinfo):%a %H:%M}"


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.1f}"
