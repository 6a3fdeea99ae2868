"""A job's last attempt, as Cloud Scheduler knows it, and the codes by which it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum


class Code(IntEnum):
    """The canonical codes, from google/rpc/code.proto: here so that no Google client is needed for their names."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


def code_name(code: int) -> str:
    """Such as "DEADLINE_EXCEEDED"; "code 99" for one that is not canonical."""
    try:
        return Code(code).name
    except ValueError:
        return f"code {code}"


@dataclass(frozen=True)
class Attempt:
    """`started` is aware. `code` is a canonical one, 0 for success; both are None for a job that never ran."""

    started: datetime | None
    code: int | None
    paused: bool = False

    @property
    def outcome(self) -> str:
        return "never ran" if self.code is None else code_name(self.code)


NEVER = Attempt(None, None)


@dataclass(frozen=True)
class LiveJob:
    """What a gate compares of a live job. `uri` is what it calls; for a target of another kind, which that is.

    `updated` (aware; None: not known) is when somebody last changed it.
    """

    attempt: Attempt
    schedule: str
    time_zone: str
    uri: str
    deadline: timedelta
    retries: int
    updated: datetime | None = None
