"""A minimal Cloud Scheduler v1 endpoint on 127.0.0.1: what the google provider calls, and a record of its writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PARENT = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+)/jobs")
JOB = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+/jobs/[\w-]+)(?::(pause|resume))?")

# What the API fills in where a field is not set: google/cloud/scheduler/v1/job.proto.
RETRY_DEFAULTS = {
    "maxRetryDuration": "0s",
    "minBackoffDuration": "5s",
    "maxBackoffDuration": "3600s",
    "maxDoublings": 5,
}


@dataclass
class Scheduler:
    """Jobs by full name; `writes` are (verb, job's short name) in the order of their arrival."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    lock: Lock = field(default_factory=Lock)

    def put(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        state = self.jobs.get(name, {}).get("state", "ENABLED")
        target = body.get("httpTarget", {})
        headers = {"User-Agent": "Google-Cloud-Scheduler"} | target.get("headers", {})
        self.jobs[name] = {
            "attemptDeadline": "180s",
            **body,
            "name": name,
            "state": state,
            "httpTarget": {**target, "headers": headers},
            "retryConfig": RETRY_DEFAULTS | body.get("retryConfig", {}),
        }
        return self.jobs[name]

    def take_writes(self) -> list[tuple[str, str]]:
        """The writes since the last call, sorted: Terraform works on several jobs at once."""
        with self.lock:
            taken, self.writes = sorted(self.writes), []
        return taken

    @property
    def schedules(self) -> dict[str, str]:
        return {name.rpartition("/")[2]: job["schedule"] for name, job in self.jobs.items()}

    def answer(self, verb: str, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        url = urlsplit(target)
        if verb == "POST" and PARENT.fullmatch(url.path):
            name = body["name"]
            self.writes.append(("create", name.rpartition("/")[2]))
            if name in self.jobs:
                return _error(409, "ALREADY_EXISTS", f"Job [{name}] already exists.")
            return 200, self.put(name, body)
        match = JOB.fullmatch(url.path)
        if not match:
            return _error(404, "NOT_FOUND", f"no route for {verb} {target}")
        name, action = match.groups()
        if name not in self.jobs:
            return _error(404, "NOT_FOUND", "Job not found.")
        if verb == "GET":
            return 200, self.jobs[name]
        self.writes.append((action or verb.lower(), name.rpartition("/")[2]))
        if verb == "DELETE":
            del self.jobs[name]
            return 200, {}
        if action:
            self.jobs[name]["state"] = "PAUSED" if action == "pause" else "ENABLED"
        elif "updateMask" in parse_qs(url.query):
            return _error(400, "INVALID_ARGUMENT", "updateMask is not covered here")
        else:
            self.put(name, body)
        return 200, self.jobs[name]


def _error(code: int, status: str, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "message": message, "status": status}}


@contextmanager
def serve() -> Iterator[Scheduler]:
    scheduler = Scheduler()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            with scheduler.lock:
                code, value = scheduler.answer(self.command, self.path, body)
                content = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = respond  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheduler.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield scheduler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
