"""TAB in the shells that people use."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from commands.cli import COMMANDS, SUMMARIES, cli
from commands.setup.completion import SHELLS
from commands.setup.rehearse import ENGINES
from ingest.judging.gate import NAMES
from ingest.rollout import STRATEGIES
from operations.deploy import PLAN
from operations.ledger.approval import LEDGER, NO_GATE
from rehearsal.faults import KINDS
from tests.checkout import ENVIRON, ROOT, run_in

ON_PATH = ENVIRON | {"PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}", "TERM": "dumb"}

NIGHTS = {name: [*map(str, strategy.numbers)] for name, strategy in STRATEGIES.items()}
# What is typed, the last word unfinished, and what is offered.
CASES = [
    ("ingest-rollout pl", ["plan"]),
    ("ingest-rollout roll", ["rollback"]),
    ("ingest-rollout deploy --ov", ["--override"]),
    ("ingest-rollout plan --night ", NIGHTS["phased"]),
    ("ingest-rollout plan --strategy immediate --night ", NIGHTS["immediate"]),
    ("ingest-rollout plan --at 2026-10-20T21:00 --from ", [*NIGHTS["phased"], "start"]),
    ("ingest-rollout rollback --to ", NIGHTS["phased"]),
    ("ingest-rollout history --night ", NIGHTS["phased"]),
    ("ingest-rollout synth --strategy ", [*STRATEGIES]),
    ("ingest-rollout rehearse --engine ", [*ENGINES]),
    ("ingest-rollout rehearse --fault ", [*KINDS]),
    ("ingest-rollout deploy --override ", [*NAMES, NO_GATE, LEDGER, PLAN]),
    ("ingest-rollout completion ", [*SHELLS]),
    ("ingest-rollout ci pull", ["pull-ledger"]),
]


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on PATH")


def in_bash(typed: str) -> list[str]:
    """What bash gets to offer; it takes a colon for a word of its own."""
    words = " ".join(f"'{word}'" for word in typed.replace(":", " : ").split(" "))
    count = len(typed.replace(":", " : ").split(" ")) - 1
    code = f"""
source <(ingest-rollout completion bash)
complete -p ingest-rollout >&2
COMP_WORDS=({words}); COMP_CWORD={count}
_ingest_rollout_completion ingest-rollout
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = run_in(ROOT, "bash", "--norc", "-c", code, environ=ON_PATH)
    assert "-F _ingest_rollout_completion ingest-rollout" in done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_bash_offers(typed: str, offered: list[str]) -> None:
    needs("bash")

    assert in_bash(typed) == offered


def test_bash_offers_entities_after_the_colon_without_what_stands_before_it() -> None:
    needs("bash")

    assert in_bash("ingest-rollout rehearse --fault slow:pay") == ["payments", "payroll", "payroll_adjustments"]
    assert in_bash("ingest-rollout rehearse --fault post:loc") == [""], "locations is not live: it can be no POST job"


@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_fish_offers(typed: str, offered: list[str]) -> None:
    needs("fish")
    code = f"ingest-rollout completion fish | source; complete -C '{typed}'"
    done = run_in(ROOT, "fish", "--no-config", "-c", code, environ=ON_PATH)

    assert done.returncode == 0, done.stderr
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == sorted(offered)


def test_fish_shows_what_a_value_means() -> None:
    needs("fish")
    code = "ingest-rollout completion fish | source; complete -C 'ingest-rollout plan --night 2'"
    done = run_in(ROOT, "fish", "--no-config", "-c", code, environ=ON_PATH)

    assert done.stdout == "2\tshift\n"


def test_zsh_completes_commands_options_and_values(tmp_path: Path) -> None:
    needs("zsh")
    (tmp_path / ".zshrc").write_text(
        f"PS1='> '; autoload -U compinit; compinit -u -d {tmp_path / 'dump'}\n"
        "source <(ingest-rollout completion zsh)\nprint rea''dy\n"
    )
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-i"],
        cwd=ROOT,
        env=ON_PATH | {"ZDOTDIR": str(tmp_path)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        read_until(ours, "ready")
        os.write(ours, b"ingest-rollout rollb\t")
        read_until(ours, "rollback ")
        os.write(ours, b"--t\t")
        read_until(ours, "--to ")
        os.write(ours, b"\t")
        shown = read_until(ours, "reference")
        assert "critical" in shown, "the nights' titles stand beside their numbers"
        os.write(ours, b"\x15ingest-rollout deploy --override no-o\t")
        read_until(ours, "no-overlap")
    finally:
        shell.kill()
        shell.wait()


def read_until(terminal: int, expected: str) -> str:
    """What a terminal shows until `expected` is part of it."""
    shown = ""
    deadline = time.monotonic() + 60
    while expected not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{expected!r} never came, but {shown!r}"
        shown += os.read(terminal, 4096).decode()
    return shown


def test_completion_outside_the_repository_says_nothing_of_errors(tmp_path: Path) -> None:
    asked = ON_PATH | {
        "_INGEST_ROLLOUT_COMPLETE": "bash_complete",
        "COMP_WORDS": "ingest-rollout plan --night ",
        "COMP_CWORD": "3",
    }
    done = run_in(tmp_path, "ingest-rollout", environ=asked)

    assert (done.stdout, done.stderr) == ("".join(f"plain,{night}\n" for night in NIGHTS["phased"]), "")


def test_offering_what_can_be_overridden_loads_no_google_client() -> None:
    asked = ON_PATH | {
        "_INGEST_ROLLOUT_COMPLETE": "bash_complete",
        "COMP_WORDS": "ingest-rollout deploy --override ",
        "COMP_CWORD": "3",
    }
    code = "import atexit, sys; sys.argv = ['ingest-rollout']; from commands.cli import main; \
atexit.register(lambda: print(*sys.modules)); main()"
    printed = run_in(ROOT, sys.executable, "-c", code, environ=asked).stdout.split()

    assert {f"plain,{name}" for name in (NO_GATE, LEDGER, PLAN)} < set(printed)
    assert "commands.evening.deploy" in printed
    assert not {name for name in printed if name.partition(".")[0] == "google"}


def test_listing_the_commands_imports_none_of_the_further_ones() -> None:
    code = "import sys; from click.testing import CliRunner; from commands.cli import cli; \
print(CliRunner().invoke(cli, ['--help']).output, *sys.modules, sep='\\n')"
    printed = run_in(ROOT, sys.executable, "-c", code).stdout.split()

    assert "timeline" in printed
    further = tuple(f"commands.{folder}." for folder in COMMANDS)
    assert not [name for name in printed if name.startswith((*further, "google.cloud"))]


@pytest.mark.parametrize("name", sorted(SUMMARIES))
def test_a_commands_summary_is_that_of_its_help(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command

    assert SUMMARIES[name] == command.get_short_help_str(limit=200) != ""
