"""What checks come to together, and the exit code for it."""

from __future__ import annotations

from itertools import product

import pytest

from ingest.judging.verdict import Verdict, overall

PASS, WARN, INCONCLUSIVE, FAIL = Verdict.PASS, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.FAIL


@pytest.mark.parametrize("verdicts", list(product(Verdict, repeat=3)))
def test_a_failure_wins_over_what_is_not_known_and_that_over_a_pass(verdicts: tuple[Verdict, ...]) -> None:
    expected = FAIL if FAIL in verdicts else INCONCLUSIVE if INCONCLUSIVE in verdicts else PASS

    assert overall(verdicts) is expected


def test_no_verdict_at_all_is_inconclusive() -> None:
    assert overall([]) is INCONCLUSIVE


@pytest.mark.parametrize(("verdict", "code"), [(PASS, 0), (WARN, 0), (FAIL, 1), (INCONCLUSIVE, 2)])
def test_exit_codes_are_those_of_a_gate(verdict: Verdict, code: int) -> None:
    assert (verdict.exit_code, verdict.blocks) == (code, code != 0)
