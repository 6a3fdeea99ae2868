"""What a rehearsal connects to, as the kernel sees it: this machine's own addresses and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from tests.checkout import ENVIRON, Checkout

STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none")
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
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


def traced(folder: Path, *command: str) -> tuple[str, ...]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed, so nobody watches the connects")
    if subprocess.run([*STRACE, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not watch other processes here")
    return (*STRACE, "-o", str(folder / "trace"), *command)


def addresses(folder: Path) -> list[str]:
    found = ADDRESS.findall((folder / "trace").read_text(errors="replace"))
    return [four or six for four, six in found]


@pytest.mark.parametrize("engine", ["built-in", pytest.param("terraform", marks=pytest.mark.terraform)])
def test_a_rehearsal_reaches_nothing_but_this_machine(
    engine: str, tmp_path: Path, proxy: tuple[str, list[bytes]], request: pytest.FixtureRequest
) -> None:
    if engine == "terraform":
        request.getfixturevalue("provider")
    root = tmp_path / "checkout"
    root.mkdir()
    address, asked = proxy
    names = ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    checkout = Checkout(root, dict.fromkeys(names, address))
    # Whatever the tester's own environment exempts.
    checkout.environ = {key: value for key, value in checkout.environ.items() if key.lower() != "no_proxy"}

    done = checkout.run(*traced(tmp_path, sys.executable, "-m", "commands", "rehearse", "--engine", engine))

    assert done.returncode == 0, done.stdout + done.stderr
    found = addresses(tmp_path)
    assert len(found) > 30
    assert [one for one in found if not ip_address(one).is_loopback] == []
    assert asked == []


def test_the_watch_sees_a_connect_and_a_question_for_a_name(tmp_path: Path) -> None:
    script = (
        "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('192.0.2.1', 80));"
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.2', 53))"
    )
    subprocess.run(traced(tmp_path, sys.executable, "-c", script), env=ENVIRON, check=False)

    assert {"192.0.2.1", "192.0.2.2"} <= set(addresses(tmp_path))
