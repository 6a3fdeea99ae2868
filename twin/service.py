"""The stand-in for the ingest service: answers its routes, and loads what the source holds by then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from ingest.catalogue import CATALOGUE
from ingest.settings import Settings
from twin.clock import Clock
from twin.warehouse import Warehouse

DURATION_HEADER = "X-Duration-Seconds"
"""How long the answer takes by the twin's clock; the answer itself comes at once."""


@dataclass(frozen=True)
class Behaviour:
    """How the service answers for an entity."""

    http_status: int = 200
    duration: timedelta = timedelta(seconds=75)
    loads_rows: bool = True


@dataclass
class Ingestor:
    """A WSGI app. `behaviours` are by entity name; the source's first record is of the moment `began` (aware)."""

    clock: Clock
    warehouse: Warehouse
    settings: Settings
    began: datetime
    behaviours: dict[str, Behaviour] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = self.settings.base_url
        uris = {entity.name: entity.uri(root, self.settings.reference_path) for entity in CATALOGUE}
        self._routes = {uri.removeprefix(root).partition("?")[0]: name for name, uri in uris.items()}

    def records(self, entity: str, moment: datetime) -> int:
        """How many records the source holds at `moment`: the first entities of the catalogue have the most."""
        place = [e.name for e in CATALOGUE].index(entity)
        return int((moment - self.began) / timedelta(hours=1) * (20 - place))

    def load(self, entity: str, moment: datetime) -> None:
        """Puts what the source holds now, and the warehouse lacks, into the warehouse at `moment`."""
        until = self.records(entity, self.clock.now)
        self.clock.at(moment, lambda: self.warehouse.load(entity, range(self.warehouse.count(entity), until), moment))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            return self._answer(request)(environ, start_response)
        except HTTPException as error:
            return error(environ, start_response)

    def _answer(self, request: Request) -> Response:
        entity = self._routes.get(request.path)
        if entity is None:
            raise NotFound
        if request.method == "OPTIONS":
            return Response(headers={"Allow": "GET, HEAD, OPTIONS"})
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(["GET", "HEAD", "OPTIONS"])
        behaviour = self.behaviours.get(entity, Behaviour())
        if behaviour.http_status == 200 and behaviour.loads_rows:
            self.load(entity, self.clock.now + behaviour.duration)
        headers = {DURATION_HEADER: str(behaviour.duration.total_seconds())}
        if behaviour.http_status == 429:
            headers["Retry-After"] = "60"
        body = {"entity": entity, "mode": request.args.get("mode"), "status": behaviour.http_status}
        return Response(json.dumps(body), behaviour.http_status, headers, content_type="application/json")
