"""What is wrong with the machine is one line, without a traceback, and with the exit code of an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.local.lock import LOCK_FILE, lock
from tests.checkout import Checkout


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("variable", ["HOME", "TMPDIR"])
@pytest.mark.parametrize("command", [("synth",), ("rehearse", "--engine", "built-in")])
def test_a_folder_that_is_a_file(tmp_path: Path, variable: str, command: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "root").mkdir()
    environ = {variable: str(tmp_path / "file")}
    if variable == "HOME":
        environ |= {"XDG_CACHE_HOME": ""}
    done = Checkout(tmp_path / "root").rollout(*command, **environ)

    # Python takes another temporary folder where it finds one.
    if (variable, command[0]) == ("TMPDIR", "rehearse"):
        assert done.returncode == 0, done.stderr
    else:
        one_line(done, 1, "main.py: ", "ENOTDIR", str(tmp_path / "file"))


def test_another_users_lock_that_may_not_be_written_names_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: object, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / LOCK_FILE))

    monkeypatch.setattr("operations.local.lock.FileLock.acquire", refused)
    with pytest.raises(OperationError, match=r"cannot be written \(Permission denied\); it may be another user's"):
        lock(tmp_path).__enter__()


@pytest.mark.parametrize("environ", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}])
def test_a_checkout_with_other_letters_than_ascii_in_its_path_in_the_c_locale(
    environ: dict[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "\u00fcn\u00efcode \u2603"
    root.mkdir()
    done = Checkout(root).rollout("synth", **environ)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_lock_that_cannot_be_written_names_its_file(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(OperationError) as raised, lock(tmp_path):
        pass

    assert str(raised.value).startswith(f"{tmp_path / LOCK_FILE} cannot be written (Is a directory); ")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "commands", "plan"],
            cwd=tmp_path,
            env=checkout.environ | {"PYTHONUNBUFFERED": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    one_line(done, 1, "No space left on device; free the space")


def test_a_ledger_whose_lock_cannot_be_written(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (tmp_path / "history").touch()

    one_line(checkout.rollout("history"), 1, "history")
