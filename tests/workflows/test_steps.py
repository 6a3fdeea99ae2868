"""The run blocks that hold a decision, run by bash with other programs in the place of ours and GitHub's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.workflows.given import bash, command, step

POSTED = "repos/owner/name/issues/7/comments"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (".venv/bin/ingest-rollout", "bin/gh"):
        command(tmp_path / name, 'printf "%s\\n" "$@" -- >> calls\n[[ -z $SAYS ]] || echo "$SAYS"\nexit "${CODE:-0}"')
    return tmp_path


def calls(folder: Path) -> list[list[str]]:
    text = (folder / "calls").read_text() if (folder / "calls").exists() else ""
    return [call.split("\n") for call in text.removesuffix("\n--\n").split("\n--\n")]


def comment(folder: Path, found: str) -> list[str]:
    script = str(step("pull-request", "comment", "Post")["run"])
    environ = {"SAYS": found, "GITHUB_REPOSITORY": "owner/name", "NUMBER": "7", "OWN": "filter"}
    (folder / "texts").mkdir()
    (folder / "texts" / "comment.md").write_text("a preview")
    assert bash(script, folder, **environ).returncode == 0
    asked, written = calls(folder)
    assert asked == ["api", "--paginate", POSTED, "--jq", "filter"]
    return written


def test_the_first_comment_is_made(folder: Path) -> None:
    assert comment(folder, "") == ["api", "--silent", POSTED, "--field", "body=@texts/comment.md"]


def test_the_next_one_takes_its_place(folder: Path) -> None:
    assert comment(folder, "123\n456") == [
        *("api", "--silent", "--method", "PATCH", "repos/owner/name/issues/comments/123"),
        *("--field", "body=@texts/comment.md"),
    ]


def test_no_link_is_followed_out_of_what_the_pull_request_left(folder: Path) -> None:
    (folder / "texts").mkdir()
    (folder / "texts" / "comment.md").symlink_to("/proc/self/environ")

    assert bash(str(step("pull-request", "comment", "Post")["run"]), folder).returncode == 1
    assert calls(folder) == [[""]]


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (1, 1), (2, 0)])
def test_changes_are_no_error_of_the_preview(folder: Path, code: int, ends: int) -> None:
    plan = str(step("pull-request", "preview", "Plan")["run"])
    command(folder / "bin" / "git", "echo the difference")

    done = bash(plan, folder, TEXTS=str(folder / "texts"), SAYS="the plan", CODE=str(code))

    assert done.returncode == ends
    assert (folder / "texts" / "plan.txt").read_text() == "the plan\n"
    assert (folder / "texts" / "inventories.diff").read_text() == "the difference\n"


@pytest.mark.parametrize(("ready", "diff", "ends"), [(0, 0, 0), (0, 1, 1), (0, 2, 0), (1, 0, 1)])
def test_terraform_is_asked_only_with_a_shared_state(folder: Path, ready: int, diff: int, ends: int) -> None:
    command(folder / ".venv/bin/ingest-rollout", f"echo $1\n[[ $1 == ci ]] && exit {ready}\nexit {diff}")

    done = bash(str(step("pull-request", "preview", "Ask Terraform")["run"]), folder, TEXTS=str(folder))

    assert done.returncode == ends
    assert (folder / "terraform.txt").read_text() == ("ci\n" if ready else "ci\ndiff\n")


@pytest.mark.parametrize(
    ("override", "options"),
    [
        ("", []),
        ("loaded", ["--override", "loaded"]),
        ("in-order, no-overlap", ["--override", "in-order", "--override", "no-overlap"]),
        ("$(touch harm)", ["--override", "$(touch harm)"]),
    ],
)
def test_what_somebody_typed_reaches_the_deploy_as_it_is(folder: Path, override: str, options: list[str]) -> None:
    reason = "it's late; `touch harm` $(touch harm)"
    environ = {"OVERRIDE": override, "REASON": reason, "RUNNER_TEMP": str(folder), "SAYS": "deployed"}

    done = bash(str(step("deploy", "deploy", "Deploy")["run"]), folder, **environ)

    assert (done.returncode, done.stdout) == (0, "deployed\n")
    assert calls(folder) == [["deploy", "--yes", "--reason", reason, *options]]
    assert (folder / "deploy.txt").read_text() == "deployed\n"
    assert not (folder / "harm").exists()


@pytest.mark.parametrize(
    ("workflow", "name", "title"),
    [
        ("deploy", "deploy", "Deploy"),
        ("rollback", "rollback", "Roll back"),
        ("gate", "gate", "Gate"),
        ("drift", "drift", "Compare"),
    ],
)
@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_step_ends_as_its_command_does(folder: Path, workflow: str, name: str, title: str, code: int) -> None:
    environ = {"RUNNER_TEMP": str(folder), "NIGHT": "1", "STRATEGY": "phased", "TO": "1", "SAYS": "words"}

    assert bash(str(step(workflow, name, title)["run"]), folder, CODE=str(code), **environ).returncode == code


def test_a_run_that_main_has_left_behind_is_refused(tmp_path: Path) -> None:
    refuse = str(step("deploy", "deploy", "Refuse what main has left behind")["run"])

    def git(*arguments: str, at: str) -> None:
        done = subprocess.run(["git", *arguments], cwd=tmp_path / at, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def commit(file: str) -> None:
        path = tmp_path / "work" / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.read_text() + "." if path.exists() else ".")
        git("add", file, at="work")
        git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-m", file, at="work")
        git("push", "-q", "origin", "main", at="work")

    for folder in ("main", "work"):
        (tmp_path / folder).mkdir()
        git("init", "-q", "-b", "main", *(["--bare"] if folder == "main" else []), at=folder)
    git("remote", "add", "origin", str(tmp_path / "main"), at="work")
    commit("ingest/catalogue.py")
    git("clone", "-q", "--depth=1", f"file://{tmp_path / 'main'}", "run", at=".")

    assert bash(refuse, tmp_path / "run").returncode == 0
    commit("README.md")
    assert bash(refuse, tmp_path / "run").returncode == 0
    commit("ingest/catalogue.py")
    done = bash(refuse, tmp_path / "run")
    assert (done.returncode, done.stdout[:9]) == (1, "::error::")
