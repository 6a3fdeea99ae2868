"""The command `policy`, from its options to its exit code."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from commands.setup import policy as policy_command
from commands.setup.policy import policy
from operations.errors import OperationError
from operations.policy.evaluate import Exemption, Stack
from operations.policy.rules import RULES
from tests.given.policy import JOB, SAMPLES, changed, stack

WITH_AGENT = stack(JOB, changed(SAMPLES[JOB], http_target__headers={"User-Agent": "x"}))


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[Stack]:
    """What each night is synthesized to."""
    given = [stack(JOB)]
    monkeypatch.setattr(policy_command, "synthesized", lambda root, nights, environ: dict.fromkeys(nights, given))
    return given


def run(*arguments: str) -> Result:
    return CliRunner().invoke(policy, list(arguments), standalone_mode=False)


@pytest.mark.usefixtures("stacks")
def test_every_night_is_judged_unless_the_options_name_some() -> None:
    assert len(json.loads(run("--json").stdout)["nights"]) == 7
    assert json.loads(run("--json", "--strategy", "immediate").stdout)["nights"] == [
        "immediate 0",
        "immediate 1",
        "immediate 2",
    ]
    assert json.loads(run("--json", "--strategy", "phased", "--night", "2").stdout)["nights"] == ["phased 2"]


@pytest.mark.usefixtures("stacks")
def test_a_pass_exits_with_0_and_shows_a_row_for_each_rule() -> None:
    done = run("--strategy", "phased", "--night", "3")

    assert done.return_value == 0
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith("ING")] == [one.id for one in RULES]
    assert done.stdout.splitlines()[-1] == f"1 nights, {len(RULES)} rules: passed"


def test_a_violation_exits_with_1_and_says_where_why_and_on_which_nights(stacks: list[Stack]) -> None:
    stacks[:] = [WITH_AGENT]
    done = run("--strategy", "immediate")

    assert done.return_value == 1
    assert f"ING108 by-hand {JOB}.x: it sets User-Agent" in done.stdout
    assert "on immediate 0, immediate 1, immediate 2. The provider strips it when it reads the job" in done.stdout
    (first, *_) = json.loads(run("--json", "--strategy", "immediate").stdout)["violations"]
    assert (first["rule"], first["stack"], first["address"]) == ("ING108", "by-hand", f"{JOB}.x")


def test_an_exemption_is_shown_with_its_reason(stacks: list[Stack], monkeypatch: pytest.MonkeyPatch) -> None:
    stacks[:] = [WITH_AGENT]
    excused = Exemption(rule="ING108", stack="by-hand", address=f"{JOB}.x", reason="it is being moved")
    monkeypatch.setattr(policy_command, "EXEMPTIONS", (excused,))
    done = run()

    assert done.return_value == 0
    assert "Exempted: it is being moved" in done.stdout


@pytest.mark.usefixtures("stacks")
def test_an_exemption_for_nothing_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    useless = Exemption(rule="ING108", stack="by-hand", address=f"{JOB}.x", reason="it was moved")
    monkeypatch.setattr(policy_command, "EXEMPTIONS", (useless,))
    done = run()

    assert done.return_value == 1
    assert "matches nothing; remove it" in done.stdout


@pytest.mark.parametrize("arguments", [("--night", "9"), ("--strategy", "neither")])
def test_a_night_that_does_not_exist_could_not_be_evaluated(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 2


def test_a_failed_synth_could_not_be_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationError("main.py failed")

    monkeypatch.setattr(policy_command, "synthesized", fail)
    done = run()

    assert isinstance(done.exception, OperationError)
    assert done.exception.code == 2
