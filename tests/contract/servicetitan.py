"""ServiceTitan's API over HTTP, for the real service: what twin.source holds, in pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from twin.contract import ENTITIES
from twin.source import ServiceTitan, Stream, UpstreamError

TOKEN = {"access_token": "of-the-suite", "token_type": "Bearer", "expires_in": 900}


def record(number: int, stream: Stream) -> dict[str, Any]:
    made = stream.made(number).isoformat()
    ids = {"id": number, "sourceEntityId": number}
    return {**ids, "name": f"record {number}", "active": True, "createdOn": made, "modifiedOn": made}


class Api:
    """A WSGI app on `upstream`."""

    def __init__(self, upstream: ServiceTitan) -> None:
        self._upstream = upstream
        self._entities = {entity.endpoint.rpartition("/")[2]: entity.name for entity in ENTITIES}

    def __call__(self, environ: Any, start_response: Any) -> Any:
        status, body = self._answer(Request(environ))
        response = Response(json.dumps(body), status, content_type="application/json")
        return response(environ, start_response)

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.path == "/connect/token":
            return 200, TOKEN
        if "/reporting/" in request.path:
            entity, asked = "collections", request.get_json()["request"]
        else:
            entity, asked = self._entities[request.path.rpartition("/")[2]], request.args
        page, size = int(asked["page"]), int(asked["pageSize"])
        since = request.args.get("modifiedOnOrAfter")
        try:
            numbers = self._upstream.fetch(entity, datetime.fromisoformat(since) if since else None, datetime.now(UTC))
        except UpstreamError:
            return self._upstream.statuses[entity], {"title": "as the test asked"}
        shown = numbers[(page - 1) * size : page * size]
        stream = self._upstream.streams[entity]
        data: list[Any] = [record(number, stream) for number in shown]
        if entity == "collections":
            data = [[one["createdOn"], one["name"], one["id"], one["id"], None, None, None, "PHX"] for one in data]
        return 200, {"data": data, "hasMore": page * size < len(numbers), "page": page, "totalCount": len(numbers)}


@contextmanager
def listening(upstream: ServiceTitan, host: str, port: int) -> Iterator[None]:
    server = make_server(host, port, Api(upstream), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
