"""When a rehearsal begins, and what deploys in it."""

from __future__ import annotations

from datetime import datetime

import pytest

from operations.errors import OperationError
from rehearsal.builtin import BuiltIn
from rehearsal.start import next_monday
from tests.given.domain import SETTINGS, in_phoenix
from tests.given.stage import Open


@pytest.mark.parametrize(
    "now",
    [
        in_phoenix("2026-10-19T00:00"),
        in_phoenix("2026-10-25T23:59"),
        datetime.fromisoformat("2026-10-26T06:59:00+00:00"),
    ],
)
def test_it_is_the_monday_after_now_by_the_local_date(now: datetime) -> None:
    assert next_monday(SETTINGS, now) == in_phoenix("2026-10-26T21:00")


def test_without_terraform_the_built_in_applier_deploys_and_says_why(
    stage: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "no-such-terraform")

    with stage(engine="auto") as it:
        assert isinstance(it.make_engine(), BuiltIn)
    assert "no-such-terraform is not on PATH" in capsys.readouterr().err
    with pytest.raises(OperationError, match="no-such-terraform is not on PATH"), stage(engine="terraform"):
        pass
