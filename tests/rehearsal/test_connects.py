"""What a rehearsal connects to, as the kernel sees it, and what it touches: nothing but this machine's addresses."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest

from tests.checkout import ENVIRON, Checkout
from tests.given.synth import once

STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none")
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """The caller's proxy, which hangs up at once, and what it was asked."""
    asked: list[bytes] = []

    class Proxy(StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline())

    with ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def unwatched() -> str:
    """Why nobody watches the connects here; empty: strace does."""
    if shutil.which("strace") is None:
        return "strace is not installed, so nobody watches the connects"
    if subprocess.run([*STRACE, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        return "strace may not watch other processes here"
    return ""


def traced(folder: Path, *command: str) -> tuple[str, ...]:
    return command if unwatched() else (*STRACE, "-o", str(folder / "trace"), *command)


def traced_terraform(folder: Path) -> dict[str, str]:
    """Has each Terraform traced, with its providers."""
    program = folder / "terraform"
    watched = f"{shlex.join(STRACE)} -o {shlex.quote(str(folder))}/trace.$$ terraform"
    program.write_text(f'#!/bin/sh\nexec {watched} "$@"\n')
    program.chmod(0o755)
    return {"TERRAFORM_BINARY_NAME": str(program)}


def addresses(folder: Path) -> list[str]:
    found = [one for file in folder.glob("trace*") for one in ADDRESS.findall(file.read_text(errors="replace"))]
    return [four or six for four, six in found]


def files(folder: Path) -> dict[str, int]:
    """Every file below, with the time of its last change."""
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def rehearse(engine: str, folder: Path) -> dict[str, Any]:
    """How `ingest-rollout rehearse --json` ends for a user with states, a home and a proxy, and what it touches."""
    home, temporary, root = (folder / name for name in ("home", "temporary", "checkout"))
    for made in (home / ".terraform.d", temporary, root):
        made.mkdir(parents=True)
    if (mirror := Path.home() / ".terraform.d" / "plugins").exists():
        (home / ".terraform.d" / "plugins").symlink_to(mirror)
    checkout = Checkout(root)
    (root / "state").mkdir()
    (root / "state" / "phase-core.tfstate").write_text("mine")
    (root / "cdktf.out").mkdir()
    before = files(root), files(home / ".terraform.d")
    with hanging_up() as (proxy, asked):
        environ = dict.fromkeys(("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy)
        environ |= {"HOME": str(home), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        environ |= {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))}
        # Whatever the tester's own environment exempts.
        checkout.environ = {key: value for key, value in checkout.environ.items() if key.lower() != "no_proxy"}
        command: tuple[str, ...] = (sys.executable, "-m", "commands", "rehearse", "--json", "--engine", engine)
        # All but Terraform connects as it does without it, and tracing has its price.
        if engine == "built-in":
            command = traced(folder, *command)
        elif not unwatched():
            environ |= traced_terraform(folder)
        done = checkout.run(*command, environ=environ)
    return {
        "code": done.returncode,
        "printed": done.stdout,
        "said": done.stderr,
        "touched": (files(root), files(home / ".terraform.d")) != before,
        "left": [path.name for path in temporary.iterdir()],
        "asked": len(asked),
    }


@pytest.fixture
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a rehearsal with an engine, played once in a run: told.json is what `rehearse` gives."""

    def by(engine: str) -> Path:
        def play(folder: Path) -> None:
            (folder / "told.json").write_text(json.dumps(rehearse(engine, folder)))

        return once(tmp_path_factory, ("rehearsed", engine), play)

    return by


@pytest.fixture(params=["built-in", pytest.param("terraform", marks=pytest.mark.terraform)])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "terraform":
        request.getfixturevalue("provider")
    return str(request.param)


def told(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "told.json").read_text())
    return content


def test_a_rehearsal_reaches_nothing_but_this_machine(engine: str, rehearsed: Callable[[str], Path]) -> None:
    if why := unwatched():
        pytest.skip(why)
    folder = rehearsed(engine)
    found = addresses(folder)

    assert len(found) > 30
    assert [one for one in found if not ip_address(one).is_loopback] == []
    assert told(folder)["asked"] == 0


def test_it_passes_and_touches_nothing_of_the_users(engine: str, rehearsed: Callable[[str], Path]) -> None:
    it = told(rehearsed(engine))

    assert it["code"] == 0, it["said"]
    assert json.loads(it["printed"])["passed"] is True
    assert (it["touched"], it["left"]) == (False, [])


@pytest.mark.terraform
def test_both_engines_tell_the_same(provider: None, rehearsed: Callable[[str], Path]) -> None:
    ours, theirs = (json.loads(told(rehearsed(engine))["printed"])["steps"] for engine in ("built-in", "terraform"))

    assert [one | {"seconds": 0} for one in ours] == [one | {"seconds": 0} for one in theirs]


def test_the_watch_sees_a_connect_and_a_question_for_a_name(tmp_path: Path) -> None:
    if why := unwatched():
        pytest.skip(why)
    script = (
        "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('192.0.2.1', 80));"
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.2', 53))"
    )
    subprocess.run(traced(tmp_path, sys.executable, "-c", script), env=ENVIRON, check=False)

    assert {"192.0.2.1", "192.0.2.2"} <= set(addresses(tmp_path))
