"""One command at a time: rollout.out/ has one night in it, and two commands could deploy each other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from operations.errors import OperationError

LOCK_FILE = ".ingest-rollout.lock"


@contextmanager
def lock(root: Path) -> Iterator[None]:
    """Holds the checkout at `root`; the system lets go of it when the process dies.

    Raises OperationError while another command holds it, and where its file cannot be written.
    """
    held = FileLock(root / LOCK_FILE, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise OperationError(
            f"another ingest-rollout is running in {root}; wait until it ends, then run this again"
        ) from None
    except OSError as error:
        raise OperationError(
            f"{root / LOCK_FILE} cannot be written ({error.strerror}); it may be another user's: run this as the owner "
            "of the checkout, or in a checkout of your own"
        ) from None
    try:
        yield
    finally:
        held.release()
