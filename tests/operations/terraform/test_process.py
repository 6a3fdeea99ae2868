"""What stops us stops what we started, and only then are we done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.terraform.process import run, side_by_side
from tests.checkout import ROOT

PARENT = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from operations.terraform.process import InterruptedOperationError, run, side_by_side
command = [sys.executable, "-c", Path("child.py").read_text()]
def one(name): return run(command, Path.cwd(), dict(os.environ) | {"NAME": name})
try:
    side_by_side(one, ["a", "b"])
except InterruptedOperationError:
    print("interrupted", sorted(path.name for path in Path.cwd().glob("*.done")))
"""
# Like Terraform, it goes on at the first interrupt until it is in order, and would stop hard at the second.
CHILD = """
import os, pathlib, signal, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
pathlib.Path(os.environ["NAME"] + ".up").touch()
end = time.monotonic() + 30
while not seen and time.monotonic() < end: time.sleep(0.01)
time.sleep(0.3)
if len(seen) == 1: pathlib.Path(os.environ["NAME"] + ".done").touch()
raise SystemExit(1)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_once_and_waited_for(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("*.up"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    # As a terminal does: to the whole group.
    os.killpg(process.pid, number)

    assert process.communicate(timeout=30)[0] == "interrupted ['a.done', 'b.done']\n"


def test_lines_come_as_they_are_printed_and_errors_apart(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; print('one'); print('two'); print('bad', file=sys.stderr); sys.exit(3)"
    ended = run([sys.executable, "-c", code], tmp_path, os.environ, on_line=lines.append)

    assert lines == ["one\n", "two\n"]
    assert (ended.code, ended.stdout, ended.stderr) == (3, "one\ntwo\n", "bad\n")


def test_all_errors_are_said_and_a_fault_of_ours_is_not_hidden() -> None:
    def fail(name: str) -> None:
        raise (OperationError(f"{name} failed") if name != "bug" else KeyError(name))

    with pytest.raises(OperationError, match="a failed\nb failed"):
        side_by_side(fail, ["a", "b"])
    with pytest.raises(KeyError):
        side_by_side(fail, ["a", "bug"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent was killed")
def test_when_we_are_killed_the_process_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(CHILD)
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("*.up"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    while len(list(tmp_path.glob("*.done"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)

    assert sorted(path.name for path in tmp_path.glob("*.done")) == ["a.done", "b.done"]
