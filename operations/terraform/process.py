"""Runs Terraform, Node and main.py so that what stops us stops them, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from operations.errors import OperationError

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if os.name != "nt" else (signal.SIGINT,)

_SUPERVISOR = Path(__file__).with_name("supervisor.py")

_running: set[subprocess.Popen[str]] = set()


class InterruptedOperationError(OperationError):
    """Somebody stopped the command, and its processes have ended."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended, and what it printed."""

    code: int
    stdout: str
    stderr: str


def run(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    *,
    given: str = "",
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Runs a command in `folder` to its end; `on_line` gets each line of its standard output as it comes.

    Raises InterruptedOperationError after SIGINT, SIGTERM or SIGHUP, once the process has ended.
    """
    with interruptible():
        # In a session of its own: Ctrl-C reaches it through us, once, and not a second time through the terminal,
        # which Terraform takes for an order to stop without saving its state.
        child = subprocess.Popen(
            _supervised(command),
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL if on_line else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            # Terraform's states and plans hold all that a job sends: they are for who runs it.
            umask=0o077,
        )
        _running.add(child)
        try:
            if on_line is None:
                stdout, stderr = child.communicate(given)
                return Ended(child.returncode, stdout, stderr)
            return _followed(child, on_line)
        finally:
            _running.discard(child)


def _supervised(command: Sequence[str]) -> list[str]:
    """With a process between us and it that interrupts it when we are killed; Linux alone tells."""
    if sys.platform != "linux":
        return [*command]
    return [sys.executable, "-I", "-S", str(_SUPERVISOR), str(os.getpid()), *command]


def _followed(child: subprocess.Popen[str], on_line: Callable[[str], None]) -> Ended:
    lines = []
    with ThreadPoolExecutor(1) as pool:
        errors = pool.submit(lambda: "".join(child.stderr or ()))
        for line in child.stdout or ():
            lines.append(line)
            on_line(line)
        return Ended(child.wait(), "".join(lines), errors.result())


def side_by_side(action: Callable[[str], T], names: Sequence[str]) -> list[T]:
    """The results for all `names`; when some fail, waits for the others and raises their errors as one."""
    with interruptible(), ThreadPoolExecutor() as pool:
        futures = {name: pool.submit(action, name) for name in names}
        errors = {name: error for name, future in futures.items() if (error := future.exception())}
    if not errors:
        return [future.result() for future in futures.values()]
    ours = {name: error for name, error in errors.items() if isinstance(error, OperationError)}
    if len(ours) < len(errors) or len(errors) == 1:
        raise next(error for name, error in errors.items() if name not in ours or len(errors) == 1)
    first = next(iter(ours.values()))
    raise type(first)("\n".join(_once(ours)), code=first.code)


def _once(errors: Mapping[str, OperationError]) -> Iterator[str]:
    """The errors' lines; names that fail for the same reason share one."""
    alike: dict[str, list[str]] = {}
    for name, error in errors.items():
        alike.setdefault(str(error).removeprefix(f"{name}: "), []).append(name)
    for text, names in alike.items():
        named = str(errors[names[0]]).startswith(f"{names[0]}: ")
        yield f"{', '.join(names)}: {text}" if named else text


@contextmanager
def interruptible() -> Iterator[None]:
    """While it lasts, a signal to stop is passed on to the children instead of ending us between two writes.

    Raises InterruptedOperationError at its end then. Without effect in a thread: the main one has it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        for child in list(_running):
            _interrupt(child)

    previous = {number: signal.signal(number, pass_on) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        if seen:
            raise InterruptedOperationError("interrupted")


def _interrupt(child: subprocess.Popen[str]) -> None:
    try:
        if os.name == "nt":
            child.terminate()
        else:
            child.send_signal(signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        pass  # It has ended by itself.
