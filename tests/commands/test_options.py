"""What several commands share: the exit code of what could not be evaluated, the clock, JSON."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.cli import main
from commands.options import clock, echo_json, judges
from operations.errors import FailedError, OperationError
from tests.checkout import ENVIRON, ROOT
from tests.given.domain import SETTINGS, in_phoenix

JUDGING = ["adopt", "ci preflight", "freshness", "gate", "history --verify", "policy", "preflight"]
OTHERS = ["catalogue", "ci ready", "deploy --yes", "diff", "history", "nights", "plan", "rollback --to 0"]
OTHERS += ["move-state --to gcs", "rehearse", "status", "synth", "timeline"]


def exit_code(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ingest-rollout", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("command", "code"), [*((command, 2) for command in JUDGING), *((command, 1) for command in OTHERS)]
)
def test_a_bad_cdktf_json_is_2_for_a_command_that_judges_and_1_for_another(
    command: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cdktf.json").write_text("{")
    monkeypatch.setattr("operations.local.repository.find_root", lambda folder: tmp_path)

    assert exit_code(monkeypatch, *command.split()) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "cdktf.json" in printed.err


@pytest.mark.parametrize(("error", "code"), [(OperationError("no answer"), 2), (FailedError("it is wrong"), 1)])
def test_what_keeps_a_command_from_its_verdict_is_not_a_failure(error: OperationError, code: int) -> None:
    @judges
    def command() -> int:
        raise error

    with pytest.raises(OperationError, match=str(error)) as caught:
        command()
    assert caught.value.code == code


def test_a_verdicts_exit_code_goes_through_with_the_options() -> None:
    @judges
    def command(first: int, *, second: int) -> int:
        """Help."""
        return first + second

    assert (command(1, second=1), command.__doc__) == (2, "Help.")


def test_the_clock_is_now_without_at() -> None:
    assert abs(datetime.now(UTC) - clock(SETTINGS, None)) < timedelta(minutes=1)


@pytest.mark.parametrize("at", ["2026-10-20T21:00", "2026-10-20T21:00-07:00", "2026-10-21T04:00Z"])
def test_a_time_without_an_offset_is_local(at: str) -> None:
    assert clock(SETTINGS, at) == in_phoenix("2026-10-20T21:00")


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(OperationError, match="--at: 'tonight' is not an ISO 8601 time"):
        clock(SETTINGS, "tonight")


def test_json_is_printed_to_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"a": [1]})

    assert capsys.readouterr().out == '{\n  "a": [\n    1\n  ]\n}\n'


@pytest.mark.parametrize("at", ["0001-01-01T00:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "9999-12-25"])
def test_a_clock_at_an_end_of_the_calendar_is_one_line(at: str) -> None:
    with pytest.raises(OperationError) as error:
        clock(SETTINGS, at, "--since")

    assert str(error.value) == f"--since: {at!r} is too far away; allowed: 1970 to 2100"


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("latin-1", b"\\u2603 s\xed\n"),
        ("cp437:strict", b"\\u2603 s\xa1\n"),
        # click takes ASCII for a mistake and prints UTF-8.
        ("ascii", "\u2603 s\u00ed\n".encode()),
    ],
)
def test_a_letter_that_the_encoding_lacks_is_escaped(encoding: str, printed: bytes) -> None:
    code = "import sys, click, commands.cli as c; c.cli = lambda **_: click.echo('\u2603 s\u00ed'); c.main()"
    environ = ENVIRON | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, printed, b"")
