"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from operations.errors import OperationError


def write_whole(path: Path, content: bytes, *, otherwise: str = "name another file") -> None:
    """Puts `content` into `path` in one step: a reader finds the old file or the new one.

    `otherwise` ends the error of a file that cannot be written. Raises OperationError.
    """
    try:
        with NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as new:
            try:
                new.write(content)
                new.flush()
                os.fsync(new.fileno())
                os.chmod(new.name, 0o644)
                os.replace(new.name, path)
            except BaseException:
                os.unlink(new.name)
                raise
    except OSError as error:
        raise OperationError(f"{path} cannot be written ({error.strerror}); {otherwise}") from None
