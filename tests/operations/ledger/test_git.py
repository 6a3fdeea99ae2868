"""Who git says works here, whatever the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.ledger import git as history_git
from operations.ledger.ledger import Ledger
from tests.given.ledger import Repository, story


def test_who_is_gits_email(repository: Repository) -> None:
    assert history_git.who(repository.root) == "ben@example.com"


def test_who_is_the_systems_user_where_git_has_no_email(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("LOGNAME", "ben")

    assert history_git.who(tmp_path) == "ben"


def test_who_is_unknown_where_the_system_does_not_know_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("getpass.getuser", nobody)

    assert history_git.who(tmp_path) == "unknown"


def test_a_hooks_variables_do_not_lead_git_astray(
    repository: Repository, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    story(ledger.path)
    repository.commit()
    ledger.path.write_bytes(b"")
    monkeypatch.setenv("GIT_DIR", ".git")

    assert len(ledger.check().problems) == 1


def test_a_record_is_signed_by_the_repositorys_email(repository: Repository, ledger: Ledger) -> None:
    assert ledger.append("rollback", strategy="phased", night=1, data={"to": 0}).who == "ben@example.com"
