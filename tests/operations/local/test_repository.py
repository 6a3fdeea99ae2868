"""Where the commands work, and with which settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ingest.catalogue import CATALOGUE
from ingest.rules import Plan
from ingest.settings import PREFIX
from operations.errors import OperationError
from operations.local import repository
from operations.local.repository import ROOT, find_root, read_settings


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv(f"{PREFIX}NIGHT", raising=False)


def test_every_folder_of_the_repository_leads_to_its_root() -> None:
    assert find_root(ROOT) == find_root(ROOT / "tests" / "operations") == ROOT


def test_outside_of_it_the_error_says_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=f"not inside the repository; cd to {ROOT}"):
        find_root(tmp_path)


def test_another_checkout_is_refused_with_its_own_command(tmp_path: Path) -> None:
    for file in ("cdktf.json", "main.py"):
        (tmp_path / file).touch()

    with pytest.raises(OperationError, match=f"run {tmp_path}/.venv/bin/ingest-rollout"):
        find_root(tmp_path / "ingest")


def test_an_option_wins_over_the_environment_which_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}NIGHT", "1")

    assert read_settings().night == 1
    assert read_settings(night=2, strategy="immediate").night == 2


def test_a_bad_option_is_an_error_that_names_it() -> None:
    with pytest.raises(OperationError, match=r"night: 9 \(from --night\) is not a night of strategy phased"):
        read_settings(night=9)


def test_a_catalogue_that_breaks_the_rules_is_an_error_with_all_its_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (*CATALOGUE, replace(CATALOGUE[0], group="nowhere"))
    monkeypatch.setattr(repository, "Plan", lambda settings, catalogue: Plan(settings=settings, catalogue=twice))

    with pytest.raises(OperationError) as caught:
        read_settings()
    assert {"[duplicate-names,", "[unknown-group,"} <= set(str(caught.value).split())
