"""Runs a command that is interrupted, once, when the process that started this one is killed. Run by path, on Linux.

Terraform stops in order at its first interrupt, and without saving its state at the second. Linux tells a child that
its parent died once for each of the parent's threads, so this process takes that word, and passes it on. It also reads
what the command prints: when nobody does any more, a program in Go dies at its next line, with its state unsaved.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType

PR_SET_PDEATHSIG = 1


def main(parent: str, *command: str) -> int:
    """The command's exit code; `parent` is the process id of who started us."""
    prctl = ctypes.CDLL(None).prctl
    seen: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGUSR1 and number in seen:
            return
        seen.append(number)
        for child in running:
            child.send_signal(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, pass_on)
    prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    if seen or os.getppid() != int(parent):
        return 1
    # In a session of its own, where no terminal's interrupt is a second one. We have one thread: the fork is safe.
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT),
    )
    running.append(child)
    if seen:
        child.send_signal(signal.SIGINT)
    copy_output(child)
    code = child.wait()
    return code if code >= 0 else 128 - code


def copy_output(child: subprocess.Popen[bytes]) -> None:
    """To our own output until the command has closed both of its; to nobody where that is closed."""
    with selectors.DefaultSelector() as selector:
        for stream, target in ((child.stdout, 1), (child.stderr, 2)):
            selector.register(stream, selectors.EVENT_READ, target)  # type: ignore[arg-type]
        while selector.get_map():
            for key, _ in selector.select():
                chunk = memoryview(os.read(key.fd, 1 << 16))
                if not chunk:
                    selector.unregister(key.fileobj)
                with suppress(BrokenPipeError):
                    while chunk:
                        chunk = chunk[os.write(key.data, chunk) :]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
