"""What a check comes to, what several come to together, and the exit code for it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """From best to worst."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    INCONCLUSIVE = "inconclusive"
    """The evidence is missing: it blocks the rollout as a failure does."""
    FAIL = "fail"

    @property
    def blocks(self) -> bool:
        return self in (Verdict.FAIL, Verdict.INCONCLUSIVE)

    @property
    def exit_code(self) -> int:
        """0: passed, 1: failed, 2: could not be evaluated."""
        return {Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2}.get(self, 0)


def overall(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst that blocks, else pass, warnings or not. Without any, nothing was looked at: inconclusive."""
    worst = max(verdicts, key=[*Verdict].index, default=Verdict.INCONCLUSIVE)
    return worst if worst.blocks else Verdict.PASS
