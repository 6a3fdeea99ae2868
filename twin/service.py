"""The stand-in for the ingest service, as its public source has it: routes, answers, tables, run log, cursors.

What it does: docs/twin.md. tests/contract asks it and the real service the same questions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request, Response

from ingest.settings import Settings
from twin.clock import Clock
from twin.contract import BREAKER_FAILURES, BREAKER_PAUSE, ENTITIES, FIRST_LOOKBACK, SERVED, Served
from twin.source import ServiceTitan, UpstreamError
from twin.warehouse import Warehouse

DURATION_HEADER = "X-Duration-Seconds"
"""How long the answer takes by the twin's clock; the answer itself comes at once."""

Body = dict[str, Any]

_NOT_FOUND = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>Cannot {method} {path}</pre>
</body>
</html>
"""


@dataclass(frozen=True)
class Behaviour:
    """How an entity's runs go. `http_status` is ServiceTitan's answer; for any but 200 the service answers 500.

    Without `loads_rows` a run claims its records and its table does not move; without `logs` its row of the run log
    cannot be written, which the service swallows; if `quiet`, ServiceTitan has no records at all.
    """

    http_status: int = 200
    duration: timedelta = timedelta(seconds=75)
    loads_rows: bool = True
    logs: bool = True
    quiet: bool = False


@dataclass
class Breaker:
    """The one that all entities share. It counts ServiceTitan's failures in a row."""

    failures: int = 0
    opens_again: datetime | None = None

    def refuses(self, now: datetime) -> bool:
        return self.opens_again is not None and now < self.opens_again

    def succeeded(self, now: datetime) -> None:
        self.failures = 0
        # A call that began before it opened does not close it.
        if not self.refuses(now):
            self.opens_again = None

    def failed(self, now: datetime) -> None:
        self.failures += 1
        if self.failures >= BREAKER_FAILURES:
            self.opens_again = now + BREAKER_PAUSE


@dataclass
class Ingestor:
    """A WSGI app. `behaviours` are by entity name; reference entities are served below `reference_path`."""

    clock: Clock
    warehouse: Warehouse
    settings: Settings
    upstream: ServiceTitan
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    reference_path: str = ""
    breaker: Breaker = field(default_factory=Breaker)
    read: dict[str, range] = field(default_factory=dict)
    """By entity: from the first record that a run asked for to the last that a successful one got."""
    _calls: int = 0

    def __post_init__(self) -> None:
        self.reference_path = self.reference_path or self.settings.reference_path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        # Express takes a path in any case and with a slash at its end.
        path = request.path[:-1] if len(request.path) > 1 and request.path.endswith("/") else request.path
        if not (handler := self._handler(path)) or request.method not in ("GET", "HEAD", "OPTIONS"):
            page = _NOT_FOUND.format(method=request.method, path=escape(request.path))
            return Response(page, 404, content_type="text/html; charset=utf-8")
        if request.method == "OPTIONS":
            return Response("GET,HEAD", headers={"Allow": "GET,HEAD"}, content_type="text/html; charset=utf-8")
        status, body, duration = handler(request)
        headers = {DURATION_HEADER: str(duration.total_seconds())}
        return Response(json.dumps(body), status, headers, content_type="application/json; charset=utf-8")

    def _handler(self, path: str) -> Callable[[Request], tuple[int, Body, timedelta]] | None:
        now = timedelta(0)
        names = [entity.name for entity in ENTITIES if not entity.is_reference]
        references = [entity.name for entity in ENTITIES if entity.is_reference]
        match path.lower():
            case "/health":
                about = {"status": "healthy", "service": "st-v2-ingestor", "version": "2.0.0"}
                return lambda _: (200, about | {"timestamp": _iso(self.clock.now)}, now)
            case "/entities":
                return lambda _: (200, {"entities": names, "count": len(names)}, now)
            case "/ref-entities":
                listed = {"refEntities": references, "count": len(references)}
                return lambda _: (200, listed | {"description": "Reference dimensions for ID-to-name lookups"}, now)
            case "/rebuild/dim_jobs":
                # It reads its row count wrong, whatever it has rebuilt.
                error = "Cannot read properties of undefined (reading 'count')"
                return lambda _: (500, {"success": False, "error": error}, timedelta(seconds=5))
        if raw := _below("/ingest", path):
            return lambda request: self._ingest(raw, names, request)
        if reference := _below(self.reference_path, path):
            return lambda _: self._ingest_reference(reference, references)
        return None

    def _ingest(self, name: str, names: list[str], request: Request) -> tuple[int, Body, timedelta]:
        if name not in names:
            return 404, {"error": "Entity not found", "availableEntities": names}, timedelta(0)
        mode = request.args.get("mode") or "incremental"
        return self._run(SERVED[name], mode == "full", {"entity": name, "mode": mode})

    def _ingest_reference(self, name: str, names: list[str]) -> tuple[int, Body, timedelta]:
        if name not in names:
            return 404, {"error": "Reference entity not found", "availableRefEntities": names}, timedelta(0)
        return self._run(SERVED[name], True, {"refEntity": name})

    def _run(self, served: Served, full: bool, about: Body) -> tuple[int, Body, timedelta]:
        """One call: what it answers, and how long that takes; what it does is done when that time is over."""
        behaviour = self.behaviours.get(served.name, Behaviour())
        started, took = self.clock.now, behaviour.duration
        ended = started + took
        self._calls += 1
        run_id = str(uuid5(NAMESPACE_URL, f"{served.name}/{self._calls}"))
        since = None if full else self._since(served, started)
        try:
            if self.breaker.refuses(started):
                ended, took = started, timedelta(0)
                raise _RefusedError(f"Circuit breaker OPEN for {served.endpoint}")
            records = self.upstream.fetch(served.name, since, started)
            if behaviour.http_status != 200:
                raise UpstreamError(behaviour.http_status)
            records = range(0) if behaviour.quiet else records
        except (UpstreamError, _RefusedError) as error:
            text, asked = str(error), isinstance(error, UpstreamError)

            def failed() -> None:
                if asked:
                    self.breaker.failed(ended)
                self._log(served, behaviour, run_id, started, status="failed", error_message=text)

            self._at(ended, failed)
            return 500, {"success": False, **about, "error": text}, took

        def succeeded() -> None:
            self.breaker.succeeded(ended)
            if records:
                if behaviour.loads_rows:
                    # The rows are stamped before they are loaded.
                    stamped = ended - min(timedelta(seconds=1), took / 2)
                    self.warehouse.load(served.name, records, stamped, self.upstream.streams[served.name])
                self.warehouse.set_cursor(served.name, ended, len(records))
                first = min(records.start, self.read.get(served.name, records).start)
                self.read[served.name] = range(first, max(records.stop, self.read.get(served.name, records).stop))
            self._log(served, behaviour, run_id, started, records=len(records))

        self._at(ended, succeeded)
        body = {"success": True, **about, "recordsProcessed": len(records)}
        if records:
            return 200, body | {"runId": run_id, "duration": _milliseconds(took)}, took
        return 200, body | ({"warning": "No records returned from API"} if served.is_reference else {}), took

    def _since(self, served: Served, now: datetime) -> datetime:
        if served.window:
            return now - served.window
        return (self.warehouse.cursor(served.name) or now - FIRST_LOOKBACK) - served.lookback

    def _at(self, moment: datetime, action: Callable[[], None]) -> None:
        if moment > self.clock.now:
            self.clock.at(moment, action)
        else:
            action()

    def _log(
        self,
        served: Served,
        behaviour: Behaviour,
        run_id: str,
        started: datetime,
        *,
        status: str = "success",
        records: int = 0,
        error_message: str | None = None,
    ) -> None:
        """Writes the call's row at its end: now."""
        if behaviour.logs:
            row = log_row(served.name, run_id, started, self.clock.now, records)
            self.warehouse.log(row | {"status": status, "error_message": error_message})


def log_row(entity: str, run_id: str, started: datetime, ended: datetime, records: int) -> dict[str, object]:
    """A row of the run log: a success with all records inserted that were fetched."""
    return {
        "entity_type": entity,
        "run_id": run_id,
        "start_time": started,
        "end_time": ended,
        "status": "success",
        "records_fetched": records,
        "records_inserted": records,
        "duration_ms": _milliseconds(ended - started),
    }


class _RefusedError(Exception):
    """The circuit breaker is open."""


def _below(prefix: str, path: str) -> str | None:
    """The one segment of `path` that follows `prefix`."""
    match = re.fullmatch(f"{re.escape(prefix)}/([^/]+)", path, re.IGNORECASE)
    return match[1] if match else None


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _milliseconds(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
