"""One interrupt, and no more, for a command whose starter was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")

SUPERVISOR = ROOT / "operations" / "terraform" / "supervisor.py"
# Ends half a second after the first interrupt, with the number of interrupts.
COUNTS = """
import pathlib, signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
pathlib.Path("up").touch()
end = time.monotonic() + 30
while not seen and time.monotonic() < end: time.sleep(0.01)
time.sleep(0.5)
pathlib.Path("count").write_text(str(len(seen)))
sys.exit(len(seen))
"""


def started(folder: Path, *command: str, parent: int | None = None) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-I", "-S", str(SUPERVISOR), str(parent or os.getpid()), *command]
    return subprocess.Popen(words, cwd=folder, start_new_session=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_the_commands(code: int, tmp_path: Path) -> None:
    assert started(tmp_path, "sh", "-c", f"exit {code}").wait(30) == code


@pytest.mark.parametrize(
    ("number", "times", "pause", "passed_on"),
    [(signal.SIGUSR1, 4, 0.02, 1), (signal.SIGINT, 2, 0.1, 2)],
    ids=["that the parent died, once however often it is said", "each interrupt that is meant"],
)
def test_a_signal_is_passed_on(number: int, times: int, pause: float, passed_on: int, tmp_path: Path) -> None:
    process = started(tmp_path, sys.executable, "-c", COUNTS)
    wait_for(tmp_path / "up")
    for _ in range(times):
        process.send_signal(number)
        time.sleep(pause)

    assert process.wait(30) == passed_on


def test_without_its_parent_nothing_is_started(tmp_path: Path) -> None:
    assert started(tmp_path, "touch", "made", parent=2**22 + 1).wait(30) == 1
    assert not (tmp_path / "made").exists()


def test_when_it_is_killed_itself_the_command_is_interrupted_once(tmp_path: Path) -> None:
    process = started(tmp_path, sys.executable, "-c", COUNTS)
    wait_for(tmp_path / "up")
    process.kill()
    process.wait()
    wait_for(tmp_path / "count")

    assert (tmp_path / "count").read_text() == "1"


def test_what_the_command_prints_arrives_whole_on_both_streams() -> None:
    printed = "import sys; sys.stdout.write('o' * 300_000); sys.stderr.write('e' * 300_000)"
    command = [sys.executable, "-I", "-S", str(SUPERVISOR), str(os.getpid()), sys.executable, "-c", printed]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("o" * 300_000, "e" * 300_000)


def test_a_command_goes_on_to_its_end_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    """As a program in Go, this one dies of a broken pipe."""
    (tmp_path / "prints").write_text(
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "pathlib.Path('up').touch()\n"
        "while not pathlib.Path('deaf').exists(): time.sleep(0.01)\n"
        "for _ in range(9): print('x' * 9999, flush=True)\n"
        "pathlib.Path('saved').touch()\n"
    )
    words = [sys.executable, "-I", "-S", str(SUPERVISOR), str(os.getpid()), sys.executable, "prints"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(tmp_path / "up")
    for stream in (process.stdout, process.stderr):
        assert stream
        stream.close()
    (tmp_path / "deaf").touch()

    assert process.wait(30) == 0
    assert (tmp_path / "saved").exists()
