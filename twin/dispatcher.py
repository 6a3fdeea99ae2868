"""Fires the jobs that are due and sends their requests, with the retries and deadlines that they declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingest.attempt import Code, code_name
from twin.scheduler import Fields, Scheduler, seconds

# What Cloud Scheduler gives for an answer of the target.
_CODES = {
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    429: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
    503: Code.UNAVAILABLE,
}


@dataclass(frozen=True)
class Answer:
    """What the target answers, and how long it takes for it."""

    http_status: int
    duration: timedelta


Send = Callable[[Fields], Answer]
"""Sends the request of a job's httpTarget."""


@dataclass(frozen=True)
class Attempt:
    """One request of a job: `job` is the short name, `number` 0 for the first and more for its retries."""

    job: str
    number: int
    started: datetime
    ended: datetime
    code: int

    @property
    def ok(self) -> bool:
        return self.code == Code.OK

    @property
    def code_name(self) -> str:
        return code_name(self.code)


@dataclass
class Dispatcher:
    scheduler: Scheduler
    send: Send
    attempts: list[Attempt] = field(default_factory=list)
    _runs: dict[str, object] = field(default_factory=dict)
    _at_work: set[str] = field(default_factory=set)
    _delayed: set[str] = field(default_factory=set)

    def advance(self, moment: datetime) -> None:
        """Lets time pass until `moment` (aware) and fires what is due."""
        clock = self.scheduler.clock
        while True:
            runs = [(run, name) for name in self.scheduler.jobs if (run := self.scheduler.next_run(name))]
            run, name = min(runs, default=(None, ""))
            if run is None or run > moment:
                break
            clock.advance(max(run, clock.now))
            # Until then the job may have been paused or taken away.
            if self.scheduler.next_run(name) == run:
                self.fire(name)
        clock.advance(moment)

    def fire(self, name: str) -> None:
        """Starts a run of the job now, or at the end of the attempt under way; retries of the run before end.

        Source: Job.schedule in google/cloud/scheduler/v1/job.proto.
        """
        if name in self._at_work:
            self._delayed.add(name)
            self.scheduler.skip_run(name)
        else:
            self._runs[name] = object()
            self._attempt(name, 0)

    def _attempt(self, name: str, number: int) -> None:
        job = self.scheduler.get(name)
        clock = self.scheduler.clock
        started = clock.now
        self.scheduler.begin_attempt(name)
        deadline = timedelta(seconds=seconds(job["attemptDeadline"]))
        answer = self.send(job)
        code = Code.OK if 200 <= answer.http_status < 300 else _CODES.get(answer.http_status, Code.INVALID_ARGUMENT)
        if answer.duration > deadline:
            code = Code.DEADLINE_EXCEEDED
        ended = started + min(answer.duration, deadline)
        run = self._runs[name]
        self._at_work.add(name)

        def end() -> None:
            self.attempts.append(Attempt(name.rpartition("/")[2], number, started, ended, code))
            self.scheduler.end_attempt(name, {"code": int(code)} if code else {})
            self._at_work.discard(name)
            retry = job["retryConfig"]
            if name in self._delayed:
                self._delayed.discard(name)
                if self.scheduler.next_run(name):
                    self.fire(name)
            elif code and number < retry.get("retryCount", 0):
                clock.at(ended + backoff(retry, number), lambda: self._retry(name, number + 1, run))

        clock.at(ended, end)

    def _retry(self, name: str, number: int, run: object) -> None:
        """Tries again, unless the job is gone or its next run has begun or is due now."""
        due = self.scheduler.next_run(name)
        if name in self.scheduler.jobs and self._runs[name] is run and (due is None or due > self.scheduler.clock.now):
            self._attempt(name, number)


def backoff(retry: Fields, number: int) -> timedelta:
    """The pause after failed attempt `number`: doubled maxDoublings times, then growing by the last step.

    Source: RetryConfig in google/cloud/scheduler/v1/job.proto.
    """
    least, most = seconds(retry["minBackoffDuration"]), seconds(retry["maxBackoffDuration"])
    doublings = retry["maxDoublings"]
    pause = least * 2 ** min(number, doublings)
    if number > doublings:
        pause += (number - doublings) * least * 2**doublings
    return timedelta(seconds=min(pause, most))
