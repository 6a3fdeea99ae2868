"""Where Terraform's state is, on this machine or in a bucket, and what it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from ingest.settings import Settings
from ingest.text.shown import printable
from operations.errors import OperationError

if TYPE_CHECKING:
    from google.auth.transport.requests import AuthorizedSession

    from operations.cloud.errors import Failure

# As Terraform's gcs backend reads them, the first one wins (internal/backend/remote-state/gcs/backend.go).
ENDPOINT_VARIABLES = ("GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT", "GOOGLE_STORAGE_CUSTOM_ENDPOINT")
_GOOGLE = "https://storage.googleapis.com/storage/v1/"

MOVED = ".moved"
"""What the name of a local state file ends in once its content is in the bucket."""


class StateError(OperationError):
    """The state is locked, or cannot be read or written; said in our words."""


class UnreachableError(StateError):
    """The bucket of the state cannot be asked."""


class UnreadableError(StateError):
    """What is there is not Terraform's state."""


@dataclass(frozen=True)
class State:
    """A state of Terraform's format version 4; `place` says where it was read, `content` is the whole of it."""

    place: str
    content: dict[str, Any]

    @property
    def lineage(self) -> str:
        return str(self.content.get("lineage", ""))

    @property
    def serial(self) -> int:
        return int(self.content.get("serial", 0))

    @property
    def resources(self) -> list[dict[str, Any]]:
        resources: list[dict[str, Any]] = self.content["resources"]
        return resources

    @property
    def is_empty(self) -> bool:
        """Terraform's init makes such a state where there is none, with a lineage of its own."""
        return not self.resources and not self.content.get("outputs")

    def same_as(self, other: State) -> bool:
        """Whether both are one state: lineage, serial and resources."""
        return self.serial == other.serial and self.continued_by(other)

    def continued_by(self, other: State) -> bool:
        """Whether `other` is this state, or a later serial of it that holds the same."""
        same = (self.lineage, self.resources) == (other.lineage, other.resources)
        return same and other.serial >= self.serial


class Store(Protocol):
    """The states of a backend, by stack."""

    def place(self, stack: str) -> str:
        """Where the stack's state is, in words."""

    def read(self, stack: str) -> State | None:
        """None: the stack has no state. Raises StateError when that is not known."""


class LocalStore:
    """The files in state/ of the checkout at `root`, as stacks/base.py names them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, stack: str) -> Path:
        return self._root / "state" / f"{stack}.tfstate"

    def place(self, stack: str) -> str:
        return f"state/{stack}.tfstate"

    def read(self, stack: str) -> State | None:
        path = self.path(stack)
        try:
            # Terraform killed while it took the first lock leaves an empty file; for it too, that is no state.
            content = path.read_bytes()
            return parse(str(path), content, f"restore it from {path.name}.backup") if content else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{path}: cannot be read ({error.strerror}); fix that, then run this again") from None

    def set_aside(self, stack: str) -> Path:
        """Renames the stack's file, so that no later deploy with the local backend counts from it."""
        path = self.path(stack)
        target = path.with_name(path.name + MOVED)
        number = 2
        while target.exists():
            target = path.with_name(f"{path.name}{MOVED}-{number}")
            number += 1
        return path.rename(target)


class BucketStore:
    """The objects of the settings' bucket, as Terraform's gcs backend names them.

    With the endpoint and the credentials that the backend takes from `environ`.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._bucket = settings.backend_bucket
        self._prefix = settings.backend_prefix
        self._environ = environ
        self._opened: AuthorizedSession | None = None

    def place(self, stack: str) -> str:
        return f"gs://{self._bucket}/{self._name(stack)}"

    def read(self, stack: str) -> State | None:
        content = self._download(self._name(stack))
        if not content:
            return None
        return parse(self.place(stack), content, "restore an older version of it, as docs/state.md says")

    def check(self) -> None:
        """Raises StateError when the bucket cannot be read. Terraform itself tries for ever to reach a bucket."""
        self._download(f"{self._prefix}/of-no-stack")

    def _name(self, stack: str) -> str:
        return f"{self._prefix}/{stack}/default.tfstate"

    def _download(self, name: str) -> bytes | None:
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError

        from operations.cloud.errors import RETRY, failure

        base = next((self._environ[v] for v in ENDPOINT_VARIABLES if self._environ.get(v)), _GOOGLE)
        url = f"{base.rstrip('/')}/b/{quote(self._bucket, safe='')}/o/{quote(name, safe='')}?alt=media"
        try:
            return RETRY.with_predicate(_passes)(self._get)(url)
        except (GoogleAPICallError, GoogleAuthError, OSError) as error:
            raise StateError(_refusal(self._bucket, failure(error))) from None

    def _get(self, url: str) -> bytes | None:
        from google.api_core.exceptions import from_http_response

        from operations.cloud.errors import TIMEOUT

        response = self._session().request(  # type: ignore[no-untyped-call]
            "GET", url, timeout=TIMEOUT, allow_redirects=False
        )
        if response.status_code == 404 and "bucket does not exist" not in response.text:
            return None
        if response.status_code != 200:
            raise from_http_response(response)  # type: ignore[no-untyped-call]
        content: bytes = response.content
        return content

    def _session(self) -> AuthorizedSession:
        from google.auth.transport.requests import AuthorizedSession

        from operations.cloud.credentials import BACKEND, credentials

        if self._opened is None:
            self._opened = AuthorizedSession(credentials(self._environ, variables=BACKEND))  # type: ignore[no-untyped-call]
        return self._opened


def store(root: Path, settings: Settings, environ: Mapping[str, str]) -> LocalStore | BucketStore:
    """The states of the settings' backend."""
    return BucketStore(settings, environ) if settings.backend == "gcs" else LocalStore(root)


def keep_private(root: Path) -> None:
    """Takes our local states away from other users: plain `cdktf deploy` leaves them open."""
    for path in (root / "state", *(root / "state").glob("*.tfstate*")):
        with suppress(OSError):
            path.chmod(path.stat().st_mode & 0o700)


def parse(place: str, content: bytes, remedy: str) -> State:
    """Raises UnreadableError, with the remedy, for what is not a state of format version 4."""
    try:
        state = json.loads(content)
        if not all(isinstance(resource["type"], str) for resource in state["resources"]):
            raise ValueError("a resource has no type")
        int(state.get("serial", 0))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableError(
            f"{place}: cannot be read as Terraform state ({printable(str(error))}); {remedy}, or say --from"
        ) from None
    return State(place, state)


def refuse_left_behind(root: Path, settings: Settings, stacks: Sequence[str]) -> None:
    """Raises StateError where the other backend holds the state of one of `stacks`, as far as this checkout tells.

    Terraform would begin with an empty state there, and create what is live already.
    """
    local = LocalStore(root)
    for stack in stacks:
        state = local.read(stack)
        held = len(state.resources) if state else 0
        if settings.backend == "gcs" and held:
            raise StateError(
                f"{local.place(stack)} holds {held} resources, and backend is gcs, where Terraform would not see them; "
                "move them with `ingest-rollout move-state --to gcs`, or rename the file if it is out of date"
            )
        moved = local.path(stack).with_name(local.path(stack).name + MOVED)
        if settings.backend == "local" and not held and moved.exists():
            raise StateError(
                f"the state of {stack} was moved to a bucket (state/{moved.name}), and backend is local; set "
                '"backend": "gcs" in cdktf.json, or move it back with `ingest-rollout move-state --to local`'
            )


def no_bucket(bucket: str) -> str:
    return (
        f"the bucket {bucket} for Terraform's state does not exist; check backend_bucket in cdktf.json, "
        "or create it once, as docs/state.md says"
    )


def not_yours(bucket: str, verb: str, says: str) -> str:
    """`verb` is "read", "write" or "lock"; `says` is Google's answer."""
    roles = {
        "read": "roles/storage.objectViewer",
        "write": "roles/storage.objectUser",
        "lock": "roles/storage.objectUser, for names that end in .tflock at least",
    }
    whats = {"read": "read Terraform's state", "write": "write Terraform's state", "lock": "lock Terraform's state"}
    return (
        f"you may not {whats[verb]} in the bucket {bucket} ({says}); ask its administrator for {roles[verb]}, which "
        "the settings deployers and operators grant (docs/state.md), or sign in with another account"
    )


def unreachable(bucket: str, says: str) -> str:
    from operations.cloud.errors import unreached

    return f"the bucket {bucket} for Terraform's state {unreached(says)}"


def _refusal(bucket: str, failure: Failure) -> str:
    from operations.cloud.errors import Cause

    # A download is refused in plain text, without the API's status.
    if failure.http_status == 404:
        return no_bucket(bucket)
    if failure.http_status == 403:
        return not_yours(bucket, "read", failure.message)
    if failure.cause is Cause.UNREACHABLE:
        return unreachable(bucket, failure.message)
    if failure.cause is Cause.CREDENTIALS:
        return failure.text
    return f"the bucket {bucket} for Terraform's state cannot be read: {failure.text}"


def _passes(error: Exception) -> bool:
    from google.api_core.exceptions import InternalServerError, ServiceUnavailable, TooManyRequests

    return isinstance(error, TooManyRequests | InternalServerError | ServiceUnavailable)
