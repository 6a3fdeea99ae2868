"""What a bill is shown as, and when it is refused."""

from __future__ import annotations

import pytest

from commands.billing import accept_bill
from operations.errors import OperationError


@pytest.mark.parametrize(
    ("billed", "shown"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (10 * 2**20, "10.0 MiB"), (3 * 2**60, "3072.0 PiB")],
)
def test_a_bill_is_in_the_largest_unit(billed: int, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert accept_bill(billed, "2 tables", billed, yes=False, err=False) == billed
    assert capsys.readouterr().out == f"BigQuery bills {shown} at most for 2 tables.\n"


def test_a_bill_over_the_limit_is_refused_after_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OperationError, match="refused: 11 bytes are over --max-bytes 10; raise it, or use --yes"):
        accept_bill(11, "the run log", 10, yes=False, err=True)
    assert capsys.readouterr().err == "BigQuery bills 11 bytes at most for the run log.\n"


def test_with_yes_a_query_has_no_limit() -> None:
    assert accept_bill(11, "the run log", 10, yes=True, err=False) is None
