"""Writing files: whole or not at all, through links, and never in the place of what is no file."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from operations.errors import OperationError
from operations.local.files import write_atomic, write_together


def everything_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_is_made_readable_for_all(tmp_path: Path) -> None:
    write_atomic(tmp_path / "f", b"new")

    assert everything_in(tmp_path) == {"f": b"new"}
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o644


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a longer old one")
    path.chmod(0o600)
    write_atomic(path, b"new")

    assert everything_in(tmp_path) == {"f": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomic(path, b"new")
        assert reader.read() == b"old"


@pytest.mark.parametrize("failing", ["fsync", "chmod", "replace"])
@pytest.mark.parametrize(
    "problem", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"]
)
def test_a_write_that_fails_or_is_interrupted_leaves_the_old_file_alone(
    problem: BaseException, failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise problem

    monkeypatch.setattr(os, failing, fail)
    monkeypatch.setattr(Path, failing, fail, raising=False)
    with pytest.raises((OperationError, KeyboardInterrupt)) as caught:
        write_atomic(path, b"new", otherwise="nothing was recorded", code=2)
    monkeypatch.undo()

    assert everything_in(tmp_path) == {"f": b"old"}
    if isinstance(problem, OSError):
        error = caught.value
        assert isinstance(error, OperationError)
        assert error.code == 2
        assert str(error) == f"{path} cannot be written (No space left on device); nothing was recorded"


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_a_link_stays_and_what_it_points_to_is_written(there: bool, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if there:
        (tmp_path / "b" / "file").write_bytes(b"old")
    link = tmp_path / "a" / "link"
    link.symlink_to("../b/file")
    write_atomic(link, b"new")

    assert os.readlink(link) == "../b/file"
    assert everything_in(tmp_path / "b") == {"file": b"new"}
    assert os.listdir(tmp_path / "a") == ["link"]


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OperationError, match=r"a cannot be written \(Too many levels of symbolic links\)"):
        write_atomic(tmp_path / "a", b"new")


def device(folder: Path, name: str) -> Path:
    """The system's device of that name; for root, who could replace it, one of the same numbers in `folder`."""
    real = Path("/dev", name)
    if os.geteuid():
        return real
    copy = folder / name
    try:
        os.mknod(copy, stat.S_IFCHR | 0o666, real.stat().st_rdev)
        copy.write_bytes(b"")
    except PermissionError:
        pytest.skip("no devices can be made in the temporary folder")
    return copy


@pytest.mark.parametrize("linked", [False, True])
def test_a_device_is_written_to_and_stays(linked: bool, tmp_path: Path) -> None:
    null = device(tmp_path, "null")
    before = null.stat()
    path = null
    if linked:
        path = tmp_path / "link"
        path.symlink_to(null)
    write_atomic(path, b"new")

    after = null.stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_rdev) == (before.st_ino, before.st_rdev)


def test_a_full_device_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"full cannot be written \(No space left on device\); name another"):
        write_atomic(device(tmp_path, "full"), b"new")


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"new")
    reader.join(timeout=10)

    assert read == [b"new"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_descriptor_of_a_pipe_is_written_to() -> None:
    reading, writing = os.pipe()
    write_atomic(Path(f"/dev/fd/{writing}"), b"new")
    os.close(writing)

    assert os.read(reading, 10) == b"new"
    os.close(reading)


def test_a_socket_and_a_folder_are_refused_and_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(OperationError, match=r"socket cannot be written \(it is not a regular file\)"):
            write_atomic(Path("socket"), b"new")
    with pytest.raises(OperationError, match=r"folder cannot be written \(Is a directory\)"):
        write_atomic(Path("folder"), b"new")

    assert sorted(os.listdir()) == ["folder", "socket"]
    assert stat.S_ISSOCK(Path("socket").stat().st_mode)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"f cannot be written \(No such file or directory\); name another file"):
        write_atomic(tmp_path / "nowhere" / "f", b"new")
    assert os.listdir(tmp_path) == []


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that the process may not write to; root may write to any, so it is somebody else meanwhile."""
    folder = Path(tempfile.mkdtemp())
    (folder / "old").write_bytes(b"old")
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    (folder / "old").unlink()
    folder.rmdir()


@pytest.mark.parametrize("name", ["old", "new"])
def test_a_folder_that_is_read_only_is_an_error(read_only: Path, name: str) -> None:
    with pytest.raises(OperationError, match=rf"{name} cannot be written \(Permission denied\); name another file"):
        write_atomic(read_only / name, b"new")
    assert everything_in(read_only) == {"old": b"old"}


def test_several_files_are_all_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OperationError, match=r"b cannot be written .*; nothing was recorded"):
        write_together({tmp_path / "a": b"1", tmp_path / "no" / "b": b"2"}, otherwise="nothing was recorded")
    assert everything_in(tmp_path) == {"a": b"old"}

    write_together({tmp_path / "a": b"1", tmp_path / "b": b"2"}, otherwise="nothing was recorded")
    assert everything_in(tmp_path) == {"a": b"1", "b": b"2"}
