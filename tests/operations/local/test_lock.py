"""Only one command at a time works in a checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.local.lock import lock
from tests.checkout import ROOT

HOLDER = """
import sys
from pathlib import Path
from operations.local.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_one_is_refused_while_the_first_is_inside(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(OperationError, match="another ingest-rollout"), lock(tmp_path):
        pass
    with lock(tmp_path):
        pass


def test_an_error_inside_lets_go_of_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock(tmp_path):
        raise ZeroDivisionError
    with lock(tmp_path):
        pass


def test_the_death_of_a_process_lets_go_of_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OperationError), lock(tmp_path):
            pass
        holder.kill()
    with lock(tmp_path):
        pass
