"""What git knows of the ledger: who works here, and what is committed."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path


class NoGit(Exception):  # noqa: N818
    """Git cannot be asked: it is not installed, the folder is in no checkout, or git refuses. Says which."""


def who(folder: Path | None = None) -> str:
    """git's user.email in `folder` (else the current one); the system's user where there is none."""
    try:
        if email := _git(folder or Path.cwd(), "config", "user.email").stdout.decode(errors="replace").strip():
            return email
    except NoGit:
        pass
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"


def committed(path: Path) -> bytes | None:
    """The content of `path` in HEAD; None where HEAD, or a checkout without commits, has no such file. Raises NoGit."""
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    head = _git(folder, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
    if head.returncode == 1:
        return None
    listed = _checked(head) and _checked(
        _git(folder, "ls-tree", "HEAD", "--", path.absolute().relative_to(folder).as_posix())
    )
    return _checked(_git(folder, "cat-file", "blob", listed.split()[2].decode())) if listed else None


def _checked(done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode:
        raise NoGit((done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"])[0])
    return done.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # In a hook, GIT_DIR and its like name the repository by a path relative to another folder.
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        return subprocess.run(
            ["git", *arguments], cwd=folder, env=environ, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise NoGit(f"git cannot be run ({error.strerror})") from None
