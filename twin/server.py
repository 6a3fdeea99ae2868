"""Serves the twin over HTTP on 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from socket import SHUT_RDWR
from threading import Lock, Thread
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from twin.scheduler import ApiError, Scheduler

LOOPBACK = "127.0.0.1"

_PARENT = "/v1/projects/<project>/locations/<location>/jobs"
_ROUTES = Map(
    [
        Rule(_PARENT, endpoint="create", methods=["POST"]),
        Rule(_PARENT, endpoint="page", methods=["GET"]),
        Rule(f"{_PARENT}/<job>", endpoint="get", methods=["GET"]),
        Rule(f"{_PARENT}/<job>", endpoint="patch", methods=["PATCH"]),
        Rule(f"{_PARENT}/<job>", endpoint="delete", methods=["DELETE"]),
        *(Rule(f"{_PARENT}/<job>:{verb}", endpoint=verb, methods=["POST"]) for verb in ("pause", "resume", "run")),
    ]
)

Wsgi = Callable[..., Any]


def scheduler_app(scheduler: Scheduler, run: Callable[[str], object], lock: Lock) -> Wsgi:
    """Cloud Scheduler's REST routes on `scheduler`; `run` makes an attempt of a job at once, by full name."""

    def answer(request: Request) -> dict[str, Any]:
        endpoint, values = _ROUTES.bind_to_environ(request.environ).match()
        parent = f"projects/{values['project']}/locations/{values['location']}"
        name = f"{parent}/jobs/{values.get('job')}"
        body = _json(request)
        match endpoint:
            case "create":
                return scheduler.create(parent, body)
            case "page":
                size = request.args.get("pageSize", 0, type=int)
                return scheduler.page(parent, size, request.args.get("pageToken", ""))
            case "patch":
                mask = request.args.get("updateMask")
                return scheduler.patch(name, body, mask.split(",") if mask else None)
            case "run":
                scheduler.get(name)
                run(name)
                return scheduler.get(name)
            case _:
                action: Callable[[str], dict[str, Any]] = getattr(scheduler, endpoint)
                return action(name)

    return json_api(answer, lock)


def json_api(answer: Callable[[Request], dict[str, Any]], lock: AbstractContextManager[Any] | None = None) -> Wsgi:
    """A WSGI app that gives what `answer` returns as JSON, and errors in the form of Google's APIs.

    `lock` is held while it answers.
    """

    @Request.application
    def app(request: Request) -> Response:
        try:
            with lock or nullcontext():
                return _response(200, answer(request))
        except ApiError as error:
            return _response(error.code, error.body)
        except HTTPException as error:
            return _response(error.code or 500, {"error": {"code": error.code, "message": error.description}})

    return app


def _json(request: Request) -> dict[str, Any]:
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ApiError(400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
    return body


def _response(code: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), code, content_type="application/json; charset=UTF-8")


class _Silent(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class _Server(ThreadedWSGIServer):
    """Ends with all its threads: clients keep their connections open, so it closes what is still open itself."""

    def __init__(self, app: Wsgi) -> None:
        self._open: dict[Any, Thread] = {}
        super().__init__(LOOPBACK, 0, app, _Silent)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        self._open.pop(request, None)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for request, thread in list(self._open.items()):
            with suppress(OSError):
                request.shutdown(SHUT_RDWR)
            thread.join()


@contextmanager
def serve(app: Wsgi) -> Iterator[str]:
    """Serves `app` on a free loopback port; yields the address, such as "http://127.0.0.1:40001"."""
    server = _Server(app)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        # Linux wakes the loop by it, which looks every poll_interval whether it should end.
        with suppress(OSError):
            server.socket.shutdown(SHUT_RDWR)
        server.shutdown()
        server.server_close()
        thread.join()
