"""What a line of the ledger is: its keys, the data of each kind, its canonical form, and what is wrong with a chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, TypedDict

from ingest.judging.verdict import Verdict
from ingest.text.shapes import hints_of, misfits

START = "0" * 64
"""`previous` of the first record."""


class Preview(TypedDict):
    """A plan that somebody looked at. `changes` are its JSON objects; `plan_hash` is None where no plan was saved."""

    stacks: list[str]
    changes: list[dict[str, Any]]
    plan_hash: str | None


class Deploy(TypedDict):
    """Recorded twice: as `started` before anything is applied, and with another `outcome` at the end.

    Both have the same `started_at`, ISO 8601 as `ended_at` is, which is None where nobody saw the end. `rows` are each
    table's rows before the deploy, by entity, and `doubled` those beyond one for each natural key; None for what could
    not be counted. `changes` counts what Terraform
    planned; `error` is the first line of what went wrong. Ledgers from before these keys were added have None.
    """

    stacks: list[str]
    plan_hash: str | None
    outcome: Literal["started", "done", "failed", "interrupted"]
    started_at: str
    ended_at: str | None
    rows: dict[str, int | None] | None
    doubled: dict[str, int | None] | None
    changes: int | None
    error: str | None


class Check(TypedDict):
    """One check of a gate. `entity` is None for one that is about the whole night."""

    check: str
    entity: str | None
    verdict: Literal[Verdict.PASS, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.FAIL]
    expected: object
    measured: object
    tolerance: object
    text: str


class Window(TypedDict):
    """What the evidence is bound to, ISO 8601."""

    since: str
    until: str


class Call(TypedDict):
    """A call of the service by its run log, ISO 8601."""

    entity: str
    started_at: str
    ended_at: str
    ok: bool


class Gate(TypedDict):
    """`measured` are the calls of the runs that were judged; None in ledgers from before it was added."""

    verdict: Literal[Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL]
    checks: list[Check]
    window: Window
    measured: list[Call] | None


class Override(TypedDict):
    """Recorded with the night whose gate it overrides; what is about the deploy itself, with the deploy's night.

    `entity` is None for a check that is about no single one. `gate` is the hash of the gate that it overrides; None
    where there is none.
    """

    check: str
    reason: str
    entity: str | None
    gate: str | None


class Rollback(TypedDict):
    """`to` is the night gone back to; the record's own night may be that or the one left."""

    to: int


class Adopt(TypedDict):
    baseline_hash: str


KINDS: Mapping[str, Any] = {
    "preview": Preview,
    "deploy": Deploy,
    "gate": Gate,
    "override": Override,
    "rollback": Rollback,
    "adopt": Adopt,
}


TARGET = ("project", "region", "dataset")
"""The settings that say where a record was made. Lines from before they were recorded lack them."""


class _Line(TypedDict):
    seq: int
    at: str
    who: str
    kind: str
    strategy: str
    night: int
    project: str | None
    region: str | None
    dataset: str | None
    data: dict[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A line of the ledger: `seq` from 1, `at` in UTC, `data` as its kind's TypedDict says, hashes in hexadecimal.

    `project`, `region` and `dataset` are None in a line from before they were recorded.
    """

    seq: int
    at: datetime
    who: str
    kind: str
    strategy: str
    night: int
    data: dict[str, Any]
    previous: str
    hash: str
    project: str | None = None
    region: str | None = None
    dataset: str | None = None

    @property
    def target(self) -> dict[str, str]:
        """The settings of TARGET that the line has."""
        return {key: value for key in TARGET if (value := getattr(self, key)) is not None}

    def as_json(self) -> dict[str, Any]:
        """The object as it is in the file."""
        known = {key: value for key, value in vars(self).items() if key not in TARGET}
        return {**known, **self.target, "at": self.at.isoformat()}


def canonical(value: object) -> bytes:
    """JSON with sorted keys, without spaces, in UTF-8; what is hashed and written.

    Raises ValueError for what JSON or UTF-8 cannot say (NaN, half a surrogate pair), TypeError for other objects.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=True
    ).encode()


def hash_of(line: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical form of everything but `hash`."""
    return hashlib.sha256(canonical({key: value for key, value in line.items() if key != "hash"})).hexdigest()


def compose(
    *,
    seq: int,
    at: datetime,
    who: str,
    kind: str,
    strategy: str,
    night: int,
    data: Mapping[str, Any],
    previous: str,
    target: Mapping[str, str] | None = None,
) -> bytes:
    """The line of a new record, without its line end.

    Keys of `data` that may be None can be left out. `target` has the settings of TARGET, or none. Raises ValueError
    for an unknown kind, data that is not as the kind has it, or a naive `at`; and as `canonical` does.
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    if at.tzinfo is None:
        raise ValueError(f"at: {at} has no UTC offset")
    line: dict[str, Any] = {
        "seq": seq,
        "at": at.astimezone(UTC).isoformat(),
        "who": who,
        "kind": kind,
        "strategy": strategy,
        "night": night,
        **(target or {}),
        "data": json.loads(canonical({**_absent(kind), **data})),
        "previous": previous,
    }
    line["hash"] = hash_of(line)
    written = canonical(line)
    parse(written)
    return written


def parse(line: bytes) -> Record:
    """Raises ValueError, in words that follow "line 3 ", when the line is not one that was written by `compose`."""
    try:
        content = json.loads(line.decode())
    except RecursionError:
        raise ValueError("is not JSON of ours: it is nested too deeply") from None
    except ValueError as error:
        if line[:7] in (b"<" * 7, b"=" * 7, b">" * 7):
            raise ValueError("is the mark of a merge conflict; keep the side that was pushed first") from None
        raise ValueError(f"is not JSON ({error})") from None
    # Lines from before a key was added stay valid.
    line_without = dict.fromkeys(TARGET) | content if isinstance(content, dict) else content
    if wrong := misfits(line_without, _Line, ""):
        raise ValueError("; ".join(wrong))
    if content["kind"] not in KINDS:
        raise ValueError(f"has the unknown kind {content['kind']!r}; known are {', '.join(KINDS)}")
    data = {**_absent(content["kind"]), **content["data"]}
    if wrong := misfits(data, KINDS[content["kind"]], "data"):
        raise ValueError("; ".join(wrong))
    try:
        at = datetime.fromisoformat(content["at"])
    except ValueError:
        at = datetime.min
    if at.utcoffset() != timedelta(0):
        raise ValueError(f"has {content['at']!r} for at, which is not an ISO 8601 time in UTC")
    try:
        as_written, fits = canonical(content) == line, hash_of(content) == content["hash"]
    except (ValueError, RecursionError):
        as_written = fits = False
    if not fits:
        raise ValueError("was changed: its hash does not fit its content")
    if not as_written:
        raise ValueError("was rewritten: spaces, the order of keys or the line end are not the ledger's")
    return Record(**{**content, "at": at, "data": data})


def examine(content: bytes) -> tuple[list[Record], list[str]]:
    """The records of a ledger that can be read, and everything that is wrong with it, each naming its line.

    Lines that were cut off at the end leave no trace in the content.
    """
    *lines, rest = content.split(b"\n")
    parsed: list[Record | str] = []
    for line in lines:
        try:
            parsed.append(parse(line))
        except ValueError as error:
            parsed.append(str(error))
    places: dict[int, int] = {}
    for number, entry in enumerate(parsed, 1):
        if isinstance(entry, Record):
            places.setdefault(entry.seq, number)

    records: list[Record] = []
    problems: list[str] = []
    seq, digest, unread = 0, START, 0
    for number, entry in enumerate(parsed, 1):
        if isinstance(entry, str):
            problems.append(f"line {number} {entry}")
            unread += 1
            continue
        records.append(entry)
        if places[entry.seq] != number:
            problems.append(
                f"line {number} has the seq of line {places[entry.seq]}, {entry.seq}: a copy, or branches were merged"
            )
        elif entry.seq <= seq:
            problems.append(f"line {number} is out of order: seq {entry.seq} comes after seq {seq}")
        elif entry.seq == seq + 1:
            if entry.previous != digest:
                before = f"line {number - 1}" if number > 1 else "the ledger's start"
                problems.append(f"line {number} does not follow {before}: it was written after another line")
        elif entry.seq > seq + 1 + unread:
            problems.append(f"line {number} {_gap(seq + 1, entry.seq, places)}")
        if entry.seq > seq:
            seq, digest, unread = entry.seq, entry.hash, 0
    if rest:
        problems.append(torn(len(lines) + 1, rest))
    return records, problems


def torn(number: int, rest: bytes) -> str:
    """What to say of the bytes after the last line end."""
    return (
        f"line {number} is torn: its {len(rest)} bytes have no line end, so its writing was cut off; delete that line"
    )


def _gap(first: int, seq: int, places: Mapping[int, int]) -> str:
    """What comes before `seq` instead of `first` and the following ones."""
    if first in places:
        return f"is out of order: seq {seq} comes before seq {first}, which is in line {places[first]}"
    span = f"seq {first}" if seq == first + 1 else f"seq {first} to {seq - 1}"
    return f"has seq {seq}: {span} is missing before it"


@cache
def _absent(kind: str) -> Mapping[str, None]:
    """The keys of a kind's data that can be left out, which means None."""
    return {key: None for key, hint in hints_of(KINDS[kind]).items() if not misfits(None, hint, "")}
