"""A Cloud Storage on 127.0.0.1, as much of it as Terraform's gcs backend uses: objects, versions, preconditions.

Routes, fields and errors are those of the JSON API (https://cloud.google.com/storage/docs/json_api); a download comes
by the XML API's path, as Google's Go client asks for it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from twin.server import serve

OPERATOR_MAY = ("read", "lock")
DEPLOYER_MAY = ("read", "lock", "write")


BUCKET = "team-state"


class StorageError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Storage:
    """The buckets' objects by name, each a list of (generation, content), the live one last; empty once deleted.

    `may` holds what the caller may do: "read", "write", and "lock", which is to write names ending in .tflock.
    `before` is called with the method and the object's name before each request takes effect.
    """

    buckets: dict[str, dict[str, list[tuple[int, bytes]]]]
    may: set[str] = field(default_factory=lambda: set(DEPLOYER_MAY))
    seen: list[tuple[str, str]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda method, name: None
    address: str = ""
    _generations: Iterator[int] = field(default_factory=lambda: count(1_700_000_000_000_001))
    _lock: RLock = field(default_factory=RLock)

    @property
    def environ(self) -> dict[str, str]:
        """What leads Terraform's gcs backend here."""
        return {"GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": f"{self.address}/storage/v1/"}

    def live(self, bucket: str, name: str) -> bytes | None:
        found = self.buckets[bucket].get(name)
        return found[-1][1] if found else None

    def put(self, bucket: str, name: str, content: bytes) -> int:
        generation = next(self._generations)
        self.buckets[bucket].setdefault(name, []).append((generation, content))
        return generation

    def respond(self, request: Request) -> Response:
        parts = [unquote(part) for part in request.environ["RAW_URI"].partition("?")[0].strip("/").split("/")]
        try:
            if parts[:3] == ["storage", "v1", "b"] or parts[:4] == ["upload", "storage", "v1", "b"]:
                return self._json_api(request, parts[parts.index("b") + 1], parts[parts.index("b") + 2 :])
            self._note("GET", "/".join(parts[1:]))
            return self._download(parts[0], "/".join(parts[1:]))
        except StorageError as error:
            content = {"error": {"code": error.code, "message": str(error)}}
            return Response(json.dumps(content), error.code, content_type="application/json")

    def _json_api(self, request: Request, bucket: str, rest: list[str]) -> Response:
        if request.method == "POST":
            meta, content = _multipart(request)
            self._note("POST", meta["name"])
            return self._insert(bucket, meta["name"], content, request.args.get("ifGenerationMatch"))
        if len(rest) == 1:
            return self._list(bucket, request.args.get("prefix", ""))
        self._note(request.method, rest[1])
        if request.method == "DELETE":
            return self._delete(bucket, rest[1], request.args.get("ifGenerationMatch"))
        if request.args.get("alt") == "media":
            return self._download(bucket, rest[1])
        generation, content = self._get(bucket, rest[1])
        return _answer(_resource(bucket, rest[1], generation, content))

    def _note(self, method: str, name: str) -> None:
        self.seen.append((method, name))
        self.before(method, name)

    def _objects(self, bucket: str, right: str, name: str = "") -> dict[str, list[tuple[int, bytes]]]:
        if bucket not in self.buckets:
            raise StorageError(404, "The specified bucket does not exist.")
        if right not in self.may and not (right == "write" and "lock" in self.may and name.endswith(".tflock")):
            verb = {"read": "get", "write": "create"}[right]
            raise StorageError(
                403,
                f"someone@example.com does not have storage.objects.{verb} access to the Google Cloud Storage object.",
            )
        return self.buckets[bucket]

    def _get(self, bucket: str, name: str) -> tuple[int, bytes]:
        versions = self._objects(bucket, "read").get(name)
        if not versions:
            raise StorageError(404, f"No such object: {bucket}/{name}")
        return versions[-1]

    def _insert(self, bucket: str, name: str, content: bytes, match: str | None) -> Response:
        with self._lock:
            self._check(self._objects(bucket, "write", name).get(name), match)
            return _answer(_resource(bucket, name, self.put(bucket, name, content), content))

    def _delete(self, bucket: str, name: str, match: str | None) -> Response:
        with self._lock:
            versions = self._objects(bucket, "write", name).get(name)
            if not versions:
                raise StorageError(404, f"No such object: {bucket}/{name}")
            self._check(versions, match)
            versions.clear()
            return Response(status=204)

    @staticmethod
    def _check(versions: list[tuple[int, bytes]] | None, match: str | None) -> None:
        if match is not None and int(match) != (versions[-1][0] if versions else 0):
            raise StorageError(412, "At least one of the pre-conditions you specified did not hold.")

    def _list(self, bucket: str, prefix: str) -> Response:
        found = {n: v for n, v in self._objects(bucket, "read").items() if v and n.startswith(prefix)}
        return _answer({"kind": "storage#objects", "items": [_resource(bucket, n, *v[-1]) for n, v in found.items()]})

    def _download(self, bucket: str, name: str) -> Response:
        generation, content = self._get(bucket, name)
        headers = {"X-Goog-Generation": str(generation), "X-Goog-Metageneration": "1"}
        return Response(content, headers=headers, content_type="application/octet-stream")


def _multipart(request: Request) -> tuple[dict[str, Any], bytes]:
    """The metadata and the content of a multipart/related upload."""
    boundary = request.mimetype_params["boundary"].encode()
    parts = [part.strip(b"\r\n").partition(b"\r\n\r\n")[2] for part in request.get_data().split(b"--" + boundary)[1:3]]
    return json.loads(parts[0]), parts[1]


def _resource(bucket: str, name: str, generation: int, content: bytes) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": str(generation),
        "metageneration": "1",
        "size": str(len(content)),
        "md5Hash": base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode(),
        "timeCreated": now,
        "updated": now,
    }


def _answer(content: dict[str, Any]) -> Response:
    return Response(json.dumps(content), content_type="application/json; charset=UTF-8")


@contextmanager
def running(*buckets: str) -> Iterator[Storage]:
    """A storage with empty buckets; it ends with the block."""
    storage = Storage({bucket: {} for bucket in buckets})
    with serve(Request.application(storage.respond)) as address:
        storage.address = address
        yield storage
