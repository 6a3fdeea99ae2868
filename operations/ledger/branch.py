"""The ledger on a branch of its own, where the runs of a CI and the team's machines meet."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from operations.errors import OperationError
from operations.ledger.ledger import FILE, WAIT_SECONDS
from operations.ledger.record import START, Record, compose, examine, parse
from operations.local.files import write_atomic

BRANCH = "ledger"
REMOTE = "origin"
ATTEMPTS = 5
PAUSE_SECONDS = 1.0

_DEPLOYS = {"deploy", "rollback"}


class LedgerBranch:
    """The branch `ledger` of the checkout's `origin`: it holds history/ledger.jsonl and nothing else.

    It is never forced: a push adds a commit to the branch's newest or fails. The work tree, the index and the checked
    out branch are left alone.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / FILE

    def pull(self) -> str:
        """Brings the branch's newer records here; the result in words. Raises OperationError.

        Where this ledger has records of its own and the branch has others, nothing is changed.
        """
        with self._lock():
            mine, (tip, theirs) = self._mine(), self._theirs()
            if tip is None:
                return f"{REMOTE} has no branch {BRANCH} yet; the first push makes it"
            if mine.startswith(theirs):
                return f"{FILE}: nothing new on {BRANCH}, {_count(theirs)} records there, {_count(mine)} here"
            if not theirs.startswith(mine):
                raise OperationError(
                    f"{FILE}: here and on {BRANCH} of {REMOTE} others were recorded from line {_parting(mine, theirs)} "
                    "on; run `ingest-rollout ci push-ledger` first, it puts yours behind theirs where that is sound"
                )
            self._write(theirs)
            return f"{FILE}: {_count(theirs) - _count(mine)} records from {BRANCH}, {_count(theirs)} in all"

    def push(self, *, remark: str = "") -> str:
        """Publishes the records that the branch lacks; the result in words. `remark` ends the commit's message.

        Records that others published meanwhile stay before ours, which are chained anew behind them. A gate is not
        moved so, and an override not behind a deploy, because they judge what was recorded before them. Raises
        OperationError with the records that are not published.
        """
        with self._lock():
            mine, why = self._mine(), ""
            for attempt in range(ATTEMPTS):
                time.sleep(PAUSE_SECONDS * attempt)
                tip, theirs = self._theirs()
                if theirs.startswith(mine):
                    return f"{FILE}: nothing to publish"
                chained = mine if mine.startswith(theirs) else _behind(mine, theirs)
                why = self._publish(tip, chained, _message(chained[len(theirs) :], remark))
                if not why:
                    if chained != mine:
                        self._write(chained)
                    return f"{FILE}: {_count(chained) - _count(theirs)} records published on {BRANCH} of {REMOTE}"
            raise OperationError(
                f"the ledger could not be pushed to {BRANCH} of {REMOTE}: {why}. Run `ingest-rollout ci push-ledger` "
                f"where these records are, or put them there:\n{_tail(mine, theirs)}"
            )

    def _theirs(self) -> tuple[str | None, bytes]:
        """The branch's newest commit and the ledger in it; None and nothing where there is no branch."""
        if not self._asked("ls-remote", REMOTE, f"refs/heads/{BRANCH}"):
            return None, b""
        tracking = f"refs/remotes/{REMOTE}/{BRANCH}"
        self._asked("fetch", "--quiet", "--no-tags", REMOTE, f"+refs/heads/{BRANCH}:{tracking}")
        tip = self._asked("rev-parse", tracking).decode().strip()
        listed = self._asked("ls-tree", tip, "--", FILE)
        content = self._asked("cat-file", "blob", listed.split()[2].decode()) if listed else b""
        return tip, _intact(content, f"{BRANCH} of {REMOTE}")

    def _mine(self) -> bytes:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise OperationError(f"{self._path} cannot be read ({error.strerror}); fix that first") from None
        return _intact(content, FILE)

    def _publish(self, tip: str | None, content: bytes, message: str) -> str:
        """Git's reason when the push is refused; nothing when it is done."""
        tree = ""
        for kind, name in zip(("blob", "tree"), reversed(FILE.split("/")), strict=True):
            made = tree or self._asked("hash-object", "-w", "--stdin", given=content).decode().strip()
            entry = f"{'040000' if kind == 'tree' else '100644'} {kind} {made}\t{name}\n"
            tree = self._asked("mktree", given=entry.encode()).decode().strip()
        parent = ["-p", tip] if tip else []
        commit = self._asked("commit-tree", tree, *parent, "-m", message).decode().strip()
        done = self._git(("push", "--quiet", REMOTE, f"{commit}:refs/heads/{BRANCH}"))
        return _reason(done) if done.returncode else ""

    def _write(self, content: bytes) -> None:
        write_atomic(self._path, content, otherwise="nothing was changed")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """The ledger's own lock: nothing is appended meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(f"{self._path}.lock", timeout=WAIT_SECONDS):
                yield
        except Timeout:
            raise OperationError(
                f"another process holds {self._path}; wait for it to end, then run this again"
            ) from None

    def _asked(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._git(arguments, given)
        if done.returncode:
            raise OperationError(f"the branch {BRANCH}: `git {arguments[0]}` failed: {_reason(done)}")
        return done.stdout

    def _git(self, arguments: Sequence[str], given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        # In a hook, these name another repository. A question for a password would never end.
        named = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
        environ = {key: value for key, value in os.environ.items() if key not in named} | {"GIT_TERMINAL_PROMPT": "0"}
        try:
            return subprocess.run(
                ["git", *arguments], cwd=self._root, env=environ, input=given, capture_output=True, check=False
            )
        except OSError as error:
            raise OperationError(f"git cannot be run ({error.strerror}); install it") from None


def _behind(mine: bytes, theirs: bytes) -> bytes:
    """`theirs` followed by the records that only `mine` has. Raises OperationError where that would mean more."""
    parting = _parting(mine, theirs)
    ours, foreign = _records(mine)[parting - 1 :], _records(theirs)[parting - 1 :]
    kinds = {record.kind for record in ours}
    if "gate" in kinds or ("override" in kinds and _DEPLOYS & {record.kind for record in foreign}):
        raise OperationError(
            f"{FILE}: others recorded {len(foreign)} lines from line {parting} on, and a gate or override counts only "
            f"for what was recorded before it. Look at both; then `git show {REMOTE}/{BRANCH}:{FILE} > {FILE}` and "
            f"gate again. Not published:\n{_tail(mine, theirs)}"
        )
    before = _records(theirs)
    previous, content = before[-1].hash if before else START, theirs
    for number, record in enumerate(ours, len(before) + 1):
        line = compose(
            seq=number,
            at=record.at,
            who=record.who,
            kind=record.kind,
            strategy=record.strategy,
            night=record.night,
            data=record.data,
            previous=previous,
            target=record.target,
        )
        content, previous = content + line + b"\n", parse(line).hash
    return content


def _intact(content: bytes, where: str) -> bytes:
    if problems := examine(content)[1]:
        raise OperationError(f"the ledger of {where} cannot be trusted: {problems[0]}; see docs/ledger.md")
    return content


def _records(content: bytes) -> list[Record]:
    return examine(content)[0]


def _parting(mine: bytes, theirs: bytes) -> int:
    """The number of the first line in which they differ, which may be one that only one of them has."""
    pairs = zip(mine.splitlines(), theirs.splitlines(), strict=False)
    same = [a == b for a, b in pairs]
    return (same.index(False) if False in same else len(same)) + 1


def _tail(mine: bytes, theirs: bytes) -> str:
    return b"\n".join(mine.splitlines()[_parting(mine, theirs) - 1 :]).decode()


def _count(content: bytes) -> int:
    return content.count(b"\n")


def _message(new: bytes, remark: str) -> str:
    """One line for the newest record; the chain's other lines are in the file."""
    last = examine(new)[0][-1]
    return f"{last.kind}, night {last.night} ({last.strategy})" + (f"\n\n{remark}" if remark else "")


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"
