"""Runs a command that is interrupted, once, when the process that started this one is killed. Run by path, on Linux.

Terraform stops in order at its first interrupt, and without saving its state at the second. Linux tells a child that
its parent died once for each of the parent's threads, so this process takes that word, and passes it on.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
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
    child = subprocess.Popen(command, start_new_session=True, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGINT))
    running.append(child)
    if seen:
        child.send_signal(signal.SIGINT)
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
