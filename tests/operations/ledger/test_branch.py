"""On bare repositories in a temporary folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.ledger import branch as ledger_branch
from operations.ledger.branch import BRANCH, LedgerBranch
from operations.ledger.ledger import FILE, Ledger
from operations.ledger.record import examine
from tests.given.ledger import DEPLOY, OVERRIDE, PREVIEW, add, gate


class Place:
    """A checkout of `main`, as a workflow's run or somebody's machine has one."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self.root = folder
        folder.mkdir()
        git(folder, "init", "-q", "-b", "main")
        git(folder, "remote", "add", "origin", str(shared))
        git(folder, "config", "user.name", "Ana")
        git(folder, "config", "user.email", "ana@example.com")
        self.ledger = Ledger(folder / FILE)
        self.branch = LedgerBranch(folder)

    @property
    def content(self) -> bytes:
        return self.ledger.path.read_bytes() if self.ledger.path.exists() else b""

    @property
    def kinds(self) -> list[str]:
        return [record.kind for record in self.ledger.records()]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main")
    return folder


@pytest.fixture
def ana(tmp_path: Path, shared: Path) -> Place:
    return Place(tmp_path / "ana", shared)


@pytest.fixture
def run(tmp_path: Path, shared: Path) -> Place:
    return Place(tmp_path / "run", shared)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_branch, "PAUSE_SECONDS", 0.0)


def on_branch(shared: Path) -> bytes:
    return git(shared, "show", f"{BRANCH}:{FILE}").encode()


def test_records_go_from_one_checkout_to_another(ana: Place, run: Place, shared: Path) -> None:
    assert ana.branch.pull() == "origin has no branch ledger yet; the first push makes it"
    assert ana.branch.push() == f"{FILE}: nothing to publish"
    add(ana.ledger, "deploy", DEPLOY)

    assert ana.branch.push(remark="https://example.com/run/1") == f"{FILE}: 1 records published on ledger of origin"
    assert run.branch.pull() == f"{FILE}: 1 records from ledger, 1 in all"
    add(run.ledger, "gate", gate())
    add(run.ledger, "deploy", DEPLOY, night=1)
    assert run.branch.push() == f"{FILE}: 2 records published on ledger of origin"
    assert ana.branch.pull() == f"{FILE}: 2 records from ledger, 3 in all"

    assert ana.content == run.content == on_branch(shared)
    assert ana.branch.pull() == f"{FILE}: nothing new on ledger, 3 records there, 3 here"
    log = git(shared, "log", "--format=%an <%ae> %B%x00", BRANCH).split("\0")
    assert [entry.strip() for entry in log if entry.strip()] == [
        "Ana <ana@example.com> deploy, night 1 (phased)",
        "Ana <ana@example.com> deploy, night 0 (phased)\n\nhttps://example.com/run/1",
    ]
    assert git(shared, "ls-tree", "-r", "--name-only", BRANCH).split() == [FILE]


def test_work_tree_index_and_branch_are_left_alone(ana: Place) -> None:
    (ana.root / "file").write_text("text")
    git(ana.root, "add", "file")
    add(ana.ledger, "deploy", DEPLOY)

    ana.branch.push()

    assert git(ana.root, "status", "--porcelain", "--untracked-files=no") == "A  file\n"
    assert git(ana.root, "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(ana.root, "branch", "--list") == ""


def test_a_deploy_goes_behind_a_gate_that_was_published_while_it_ran(ana: Place, run: Place, shared: Path) -> None:
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    run.branch.pull()
    add(run.ledger, "gate", gate())
    run.branch.push()
    add(ana.ledger, "override", OVERRIDE)
    mine = add(ana.ledger, "deploy", DEPLOY, night=1, target={"project": "staging"})

    ana.branch.push()

    assert ana.kinds == ["deploy", "gate", "override", "deploy"]
    moved = ana.ledger.records()[-1]
    assert (moved.at, moved.who, moved.data, moved.target) == (mine.at, mine.who, mine.data, mine.target)
    assert (moved.seq, mine.seq) == (4, 3)
    assert ana.content == on_branch(shared)
    assert examine(ana.content)[1] == []


@pytest.mark.parametrize(
    ("theirs", "mine"), [("deploy", "gate"), ("gate", "gate"), ("deploy", "override"), ("preview", "gate")]
)
def test_a_judgement_is_not_put_behind_what_it_did_not_see(
    ana: Place, run: Place, shared: Path, theirs: str, mine: str
) -> None:
    data = {"deploy": DEPLOY, "gate": gate(), "override": OVERRIDE, "preview": PREVIEW}
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    run.branch.pull()
    add(run.ledger, theirs, gate("fail") if theirs == "gate" else data[theirs])
    run.branch.push()
    before = on_branch(shared)
    add(ana.ledger, mine, data[mine])
    own = ana.content

    with pytest.raises(OperationError, match="others recorded 1 lines from line 2 on") as error:
        ana.branch.push()

    assert own.splitlines()[1].decode() in str(error.value)
    assert (ana.content, on_branch(shared)) == (own, before)


def test_a_pull_never_drops_a_record(ana: Place, run: Place) -> None:
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    add(run.ledger, "preview", PREVIEW)
    own = run.content

    with pytest.raises(
        OperationError, match="others were recorded from line 1 on; run `ingest-rollout ci push-ledger`"
    ):
        run.branch.pull()

    assert run.content == own
    run.branch.push()
    assert run.kinds == ["deploy", "preview"]


def test_two_pushes_at_once_are_both_kept(
    ana: Place, run: Place, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    run.branch.pull()
    add(run.ledger, "deploy", DEPLOY, night=1)
    add(ana.ledger, "preview", PREVIEW)
    publish = ana.branch._publish

    def late(tip: str | None, content: bytes, message: str) -> str:
        if b"preview" not in on_branch(shared) and on_branch(shared).count(b"\n") == 1:
            run.branch.push()
        return publish(tip, content, message)

    monkeypatch.setattr(ana.branch, "_publish", late)
    ana.branch.push()

    assert ana.kinds == ["deploy", "deploy", "preview"]
    assert ana.content == on_branch(shared)


def test_records_that_cannot_be_pushed_are_told(ana: Place, shared: Path) -> None:
    add(ana.ledger, "deploy", DEPLOY)
    hook = shared / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(OperationError, match=r"could not be pushed to ledger of origin: .*protected") as error:
        ana.branch.push()

    assert ana.content.decode().strip() in str(error.value)


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_damaged_ledger_is_neither_taken_nor_published(ana: Place, run: Place, shared: Path, where: str) -> None:
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    if where == "here":
        ana.ledger.path.write_bytes(ana.content.replace(b"900", b"901"))
        with pytest.raises(OperationError, match=f"the ledger of {FILE} cannot be trusted: line 1 was changed"):
            ana.branch.push()
        return
    git(run.root, "fetch", "-q", "origin", BRANCH)
    git(run.root, "switch", "-q", "-c", "x", "FETCH_HEAD")
    run.ledger.path.write_bytes(run.content.replace(b"900", b"901"))
    git(run.root, "commit", "-q", "-a", "-m", "changed")
    git(run.root, "push", "-q", "origin", f"x:{BRANCH}")
    own = ana.content

    with pytest.raises(OperationError, match="the ledger of ledger of origin cannot be trusted: line 1 was changed"):
        ana.branch.pull()
    assert ana.content == own


def test_git_says_why_it_cannot(tmp_path: Path, ana: Place) -> None:
    git(ana.root, "remote", "set-url", "origin", str(tmp_path / "nowhere"))

    with pytest.raises(OperationError, match=r"the branch ledger: `git ls-remote` failed: .*nowhere"):
        ana.branch.pull()


def test_a_shallow_checkout_as_a_workflow_has_it(tmp_path: Path, ana: Place, shared: Path) -> None:
    for number in range(2):
        git(ana.root, "commit", "-q", "--allow-empty", "-m", str(number))
    git(ana.root, "push", "-q", "origin", "main")
    add(ana.ledger, "deploy", DEPLOY)
    ana.branch.push()
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{shared}", "shallow")
    git(tmp_path / "shallow", "config", "user.name", "Run")
    git(tmp_path / "shallow", "config", "user.email", "run@example.com")
    branch, book = LedgerBranch(tmp_path / "shallow"), Ledger(tmp_path / "shallow" / FILE)

    branch.pull()
    add(book, "gate", gate())
    branch.push()

    ana.branch.pull()
    assert ana.kinds == ["deploy", "gate"]
    assert git(shared, "rev-list", "--count", BRANCH) == "2\n"
