"""Runs that were measured, read from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ingest.catalogue import CATALOGUE
from ingest.judging.run import SUCCESS, LogRow
from ingest.schedule import time_zone
from operations.errors import OperationError

LONGEST = timedelta(hours=24)
TOLD = 10
"""So many of a file's mistakes are shown at once."""

SHAPE = '[{"entity": "jobs", "started_at": "2026-10-20T11:00:00Z", "ended_at": "2026-10-20T11:01:15Z"}]'
_NAMES = [entity.name for entity in CATALOGUE]
_LOGGED = {entity.log_name: entity.name for entity in CATALOGUE}
"""The entities by what the run log calls them."""


@dataclass(frozen=True)
class Measurement:
    """One attempt of an entity's job. Times are aware; `ok` is whether it succeeded."""

    entity: str
    started: datetime
    ended: datetime
    ok: bool = True

    def as_json(self) -> dict[str, object]:
        """An entry of the file that `read` takes."""
        times = {"started_at": self.started.isoformat(), "ended_at": self.ended.isoformat()}
        return {"entity": self.entity, **times, "ok": self.ok}


def read(path: Path) -> list[Measurement]:
    """The measurements in a file: a JSON list as in SHAPE, an object that has it under "measured", or the ledger.

    Rows of the service's run log, as BigQuery exports them, are entries too; those of other callers are left out. Times
    are ISO 8601 with an offset, in such a row UTC without one; an entry of an attempt that failed has `"ok": false`.
    Raises OperationError, which tells the first mistakes together.
    """
    try:
        text = path.read_bytes()
        # The ledger and BigQuery's exports have an object a line.
        lines = [json.loads(line) for line in text.splitlines() if line] if text.count(b"\n{") else [json.loads(text)]
    except OSError as error:
        raise OperationError(f"--measured: {path} cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise OperationError(f"--measured: {path} is not JSON ({error}); it has to be like {SHAPE}") from None
    entries = [entry for line in lines for entry in _entries(line)]
    if not entries and lines != [[]]:
        raise OperationError(f"--measured: {path} holds no list of runs; it has to be like {SHAPE}")
    measurements, wrong = [], []
    for number, entry in enumerate(entries, 1):
        try:
            measurements.append(_measurement(entry))
        except ValueError as error:
            wrong.append(f"--measured: {path}: entry {number}: {error}")
    if wrong:
        more = [f"and {len(wrong) - TOLD} more"] if len(wrong) > TOLD else []
        raise OperationError("\n".join([*wrong[:TOLD], *more]))
    return measurements


def of_log(rows: Iterable[LogRow]) -> list[Measurement]:
    """The calls of our entities that the service's run log has whole."""
    return [
        Measurement(_LOGGED[row.entity], row.started, row.ended, row.status == SUCCESS)
        for row in rows
        if row.ended and row.entity in _LOGGED
    ]


def _entries(line: Any) -> list[Any]:
    """Those of a list, an object with one, a record of the ledger, or a row of the run log, in the shape of SHAPE."""
    if isinstance(line, list):
        return [entry for item in line for entry in (_entries(item) if _is_log_row(item) else [item])]
    if not isinstance(line, dict):
        return []
    if _is_log_row(line):
        if line["entity_type"] not in _LOGGED or not line.get("end_time"):
            return []
        times = {f"{key}ed_at": _in_utc(line[f"{key}_time"]) for key in ("start", "end")}
        return [{"entity": _LOGGED[line["entity_type"]], **times, "ok": line.get("status") == SUCCESS}]
    data = line.get("data")
    inner = line.get("measured") or (data.get("measured") if isinstance(data, dict) else None)
    return inner if isinstance(inner, list) else []


def _is_log_row(entry: Any) -> bool:
    return isinstance(entry, dict) and {"entity_type", "start_time"} <= entry.keys()


def _in_utc(text: Any) -> Any:
    """BigQuery's "2026-10-20 11:00:00.5 UTC", with or without the zone, as ISO 8601."""
    if not isinstance(text, str):
        return text
    bare = text.removesuffix(" UTC")
    return bare if bare.endswith("Z") or "+" in bare else f"{bare}+00:00"


def last_nights(measured: Iterable[Measurement], zone: str) -> dict[str, tuple[Measurement, ...]]:
    """By entity, the attempts of the last day in `zone` on which it has any, in the order of their starts."""
    by_entity: dict[str, list[Measurement]] = {}
    for attempt in sorted(measured, key=lambda attempt: attempt.started):
        by_entity.setdefault(attempt.entity, []).append(attempt)
    return {name: _last_night(attempts, zone) for name, attempts in by_entity.items()}


def last_midnight(measured: Sequence[Measurement], zone: str) -> datetime:
    """The moment at which the last day in `zone` with a measurement begins, of one or more."""
    day = max(attempt.started for attempt in measured).astimezone(time_zone(zone)).date()
    return datetime.combine(day, time(), time_zone(zone))


def _last_night(attempts: Sequence[Measurement], zone: str) -> tuple[Measurement, ...]:
    days = [attempt.started.astimezone(time_zone(zone)).date() for attempt in attempts]
    return tuple(attempt for attempt, day in zip(attempts, days, strict=True) if day == max(days))


def _measurement(entry: Any) -> Measurement:
    if not isinstance(entry, dict):
        raise ValueError("is not an object with entity, started_at and ended_at")
    entity, ok = entry.get("entity"), entry.get("ok", True)
    if entity not in _NAMES:
        near = get_close_matches(str(entity), _NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(_NAMES)}"
        raise ValueError(f"entity {entity!r} is not in the catalogue; {hint}")
    if not isinstance(ok, bool):
        raise ValueError(f"ok {ok!r} is neither true nor false")
    started, ended = _moment(entry, "started_at"), _moment(entry, "ended_at")
    if not timedelta(0) <= ended - started <= LONGEST:
        raise ValueError(f"ended_at {entry['ended_at']} is not within 24 hours after started_at {entry['started_at']}")
    return Measurement(entity, started, ended, ok)


def _moment(entry: dict[str, Any], key: str) -> datetime:
    text = entry.get(key)
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{key} {text!r} is not an ISO 8601 time with an offset, such as 2026-10-20T04:00:00-07:00")
    return moment
