"""The ledger: an append-only record of what was done, in a file that a team commits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ingest.judging.verdict import Verdict
from operations.errors import OperationError
from operations.ledger import git as history_git
from operations.ledger.record import START, Record, compose, examine, parse, torn

FILE = "history/ledger.jsonl"
"""The ledger's place below the repository's root."""

WAIT_SECONDS = 30
"""For how long an append waits for others."""


@dataclass(frozen=True)
class Verification:
    """What was found wrong; what was not looked at because it cannot be (`inconclusive`); what is good to know."""

    records: int
    problems: list[str] = field(default_factory=list)
    inconclusive: str | None = None
    note: str | None = None

    @property
    def verdict(self) -> Verdict:
        return Verdict.FAIL if self.problems else Verdict.INCONCLUSIVE if self.inconclusive else Verdict.PASS


class Ledger:
    """The ledger in the file at `path`, which need not exist yet. Several processes may append at the same time.

    `is_kept` is False for a rehearsal's, which is thrown away: git is not asked about it.
    """

    def __init__(self, path: Path, *, is_kept: bool = True) -> None:
        self.path = path
        self._is_kept = is_kept

    def append(
        self,
        kind: str,
        *,
        strategy: str,
        night: int,
        data: Mapping[str, object],
        target: Mapping[str, str] | None = None,
        at: datetime | None = None,
        who: str | None = None,
    ) -> Record:
        """Adds a record and returns when it is on the disk.

        `data` is the TypedDict of `kind`; `target` are the settings that say where (`standing.target_of`); `at` (aware)
        is now and `who` the one at work unless given. Raises OperationError when the file cannot be written, its last
        line is damaged or a text is not UTF-8; ValueError and TypeError for data that is not the kind's.
        """
        author = who or history_git.who(next(parent for parent in self.path.absolute().parents if parent.is_dir()))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock():
                seq, previous = self._end()
                line = compose(
                    seq=seq + 1,
                    at=at or datetime.now(UTC),
                    who=author,
                    kind=kind,
                    strategy=strategy,
                    night=night,
                    data=data,
                    previous=previous,
                    target=target,
                )
                self._write(line + b"\n")
        except UnicodeEncodeError as error:
            text = error.object[max(0, error.start - 30) : error.end]
            raise OperationError(
                f"{self.path}: {text!r} ends in a byte that is not UTF-8; nothing was recorded, say it in UTF-8"
            ) from None
        except OSError as error:
            raise OperationError(f"{self.path} cannot be written ({error.strerror}); nothing was recorded") from None
        return parse(line)

    def records(self) -> list[Record]:
        """All records, oldest first. Raises OperationError for a ledger that is not intact in itself."""
        records, problems = self.readable()
        if problems:
            raise OperationError(f"{self.path} cannot be trusted: {problems[0]}; see `ingest-rollout history --verify`")
        return records

    def readable(self) -> tuple[list[Record], list[str]]:
        """The records that can be read of a ledger that may be damaged, and the problems. Raises OperationError."""
        return examine(self._content())

    def check(self) -> Verification:
        """Examines the chain, and compares it with what git has committed; a problem names its line.

        Raises OperationError.
        """
        content = self._content()
        records, problems = examine(content)
        count = len(records)
        if not self._is_kept:
            return Verification(count, problems)
        try:
            committed = history_git.committed(self.path)
        except history_git.NoGit as error:
            unseen = f"lines cut off at the end cannot be seen without git: {error}"
            return Verification(count, problems, inconclusive=unseen)
        if committed is None:
            note = "not committed yet: until it is, lines cut off at the end cannot be seen" if content else None
            return Verification(count, problems, note=note)
        return Verification(count, problems + _not_as_committed(content, committed))

    def _end(self) -> tuple[int, str]:
        """The last record's seq and hash. Raises OperationError where the next record could not be chained to it."""
        content = self._read()
        *lines, rest = content.split(b"\n")
        refused = "nothing was recorded; then run this again, and `ingest-rollout history --verify`"
        if rest:
            raise OperationError(f"{self.path}: {torn(len(lines) + 1, rest)}; {refused}")
        if not lines:
            return 0, START
        try:
            record = parse(lines[-1])
        except ValueError as error:
            raise OperationError(
                f"{self.path}: line {len(lines)} {error}; restore it, as from `git show HEAD:{FILE}`; {refused}"
            ) from None
        return record.seq, record.hash

    def _content(self) -> bytes:
        try:
            content = self._read()
            if content and not content.endswith(b"\n"):
                content = self._settled(content)
        except OSError as error:
            raise OperationError(f"{self.path} cannot be read ({error.strerror}); fix that first") from None
        return content

    def _settled(self, content: bytes) -> bytes:
        """Read again when nobody writes: what looked torn may have been a line on its way."""
        try:
            with self._lock():
                return self._read()
        except (OSError, OperationError):
            return content

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _write(self, line: bytes) -> None:
        is_new = not self.path.exists()
        with self.path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                written = 0
                while written < len(line):
                    written += file.write(line[written:])
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(size)
                raise
        if is_new and os.name == "posix":
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        lock = FileLock(f"{self.path}.lock", timeout=WAIT_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise OperationError(
                f"another process has held {self.path} for {WAIT_SECONDS} s; wait for it to end, then run this again"
            ) from None
        try:
            yield
        finally:
            lock.release()


def _not_as_committed(content: bytes, committed: bytes) -> list[str]:
    if content.startswith(committed):
        return []
    lines, before = content.split(b"\n"), committed.split(b"\n")
    if committed.startswith(content):
        number = content.count(b"\n") + 1
        return [
            f"line {number} and what follows is missing: git has {committed.count(bytes([10]))} lines in HEAD; "
            f"get them back with `git restore {FILE}`"
        ]
    number = next(n for n, (mine, theirs) in enumerate(zip(lines, before, strict=False), 1) if mine != theirs)
    return [f"line {number} is not what is committed; compare with `git diff HEAD -- {FILE}`"]
