"""What deploys in a rehearsal."""

from __future__ import annotations

import pytest

from operations.errors import OperationError
from rehearsal.builtin import BuiltIn
from tests.given.stage import Open


def test_without_terraform_the_built_in_applier_deploys_and_says_why(
    stage: Open, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERRAFORM_BINARY_NAME", "no-such-terraform")

    with stage(engine="auto") as it:
        assert isinstance(it.make_engine(), BuiltIn)
    assert "no-such-terraform is not on PATH" in capsys.readouterr().err
    with pytest.raises(OperationError, match="no-such-terraform is not on PATH"), stage(engine="terraform"):
        pass
