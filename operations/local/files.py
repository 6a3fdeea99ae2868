"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_IMODE, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG
from tempfile import NamedTemporaryFile

from operations.errors import OperationError

MODE = 0o644
"""Of a file that was not there before."""


def write_atomic(path: Path, content: bytes, *, otherwise: str = "name another file", code: int = 1) -> None:
    """Puts `content` into `path` in one step: a reader finds the old file or the new one.

    A symbolic link stays, and the file that it points to is replaced. What is not a regular file never is: a pipe or a
    character device, such as /dev/null, is written to, anything else is refused. `otherwise` ends the error of a file
    that cannot be written. Raises OperationError with exit code `code`.
    """
    write_together({path: content}, otherwise=otherwise, code=code)


def write_together(contents: Mapping[Path, bytes], *, otherwise: str, code: int = 1) -> None:
    """`write_atomic` for several files: none is replaced before all can be."""
    path, prepared = Path(), dict[Path, Path | None]()
    try:
        for path, content in contents.items():
            prepared[path] = None if _is_stream(path) else _beside(_target(path), content)
        for path, new in prepared.items():
            if new:
                new.replace(_target(path))
            else:
                path.write_bytes(contents[path])
    except OSError as error:
        raise OperationError(f"{path} cannot be written ({error.strerror}); {otherwise}", code) from None
    finally:
        for new in prepared.values():
            if new:
                new.unlink(missing_ok=True)


def _target(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_stream(path: Path) -> bool:
    """Whether `path` is a pipe or a character device. Raises OSError where it is no regular file either."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not (S_ISREG(mode) or S_ISCHR(mode) or S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return not S_ISREG(mode)


def _beside(target: Path, content: bytes) -> Path:
    """A new file in the target's folder, on the disk, with the target's permissions."""
    mode = S_IMODE(target.stat().st_mode) if target.exists() else MODE
    with NamedTemporaryFile("wb", dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
            os.chmod(new.name, mode)
        except BaseException:
            os.unlink(new.name)
            raise
    return Path(new.name)
