"""What a rehearsal prints: rows, the last line, JSON and a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from operations.errors import OperationError
from rehearsal.rehearse import Rehearsal
from rehearsal.report import HEAD, as_json, measured, outcome, page, row, verdict, write_page, writes_text
from tests.given.stage import Open


@pytest.fixture(scope="module")
def _opened() -> list[Rehearsal]:
    return []


@pytest.fixture
def rehearsal(stage: Open, _opened: list[Rehearsal]) -> Rehearsal:
    """One that was blocked on night 1, fixed, and came to its end; played once for all tests here."""
    if not _opened:
        with stage("fails:returns") as it:
            it.rehearsal.play()
        _opened.append(it.rehearsal)
    return _opened[0]


def test_a_step_is_a_row_below_the_head(rehearsal: Rehearsal) -> None:
    blocked = next(step for step in rehearsal.steps if step.blocked)

    assert len(row(blocked)) == len(HEAD)
    assert row(blocked)[:5] == ("night 1, critical", "blocked", "Tue 21:00", "Wed 06:39", "4 create, 4 resume")
    assert (verdict(blocked), writes_text(rehearsal.steps[0])) == ("blocked", "none")


def test_the_last_line_says_where_it_was_blocked(rehearsal: Rehearsal) -> None:
    assert "night 1, critical" in outcome(rehearsal)
    assert "nothing was lost" in outcome(rehearsal)


def test_the_last_line_of_one_that_stopped_or_lost_something_says_so(rehearsal: Rehearsal) -> None:
    stopped = replace(rehearsal, steps=rehearsal.steps[:2])
    lost = replace(rehearsal, lost=["returns: 3 records"])

    assert outcome(stopped) == "The rollout cannot go on after night 1, critical."
    assert outcome(lost) == "LOST: returns: 3 records"


def test_the_json_has_every_step_and_the_attempts_of_the_last_full_night(rehearsal: Rehearsal) -> None:
    found = as_json(rehearsal, "built-in")
    last = max(rehearsal.steps, key=lambda step: (bool(step.gated_at), step.preview.night, step.deployed_at))

    assert [step["title"] for step in found["steps"]] == [step.title for step in rehearsal.steps]
    assert len(found["measured"]) == len(measured(rehearsal)) == len(last.attempts)


def test_the_page_has_every_step_and_asks_for_nothing(rehearsal: Rehearsal) -> None:
    text = page(rehearsal, "built-in")

    assert all(step.title in text for step in rehearsal.steps)
    assert "<script" not in text
    assert 'src="http' not in text


def test_the_box_on_top_of_the_page_says_why_it_was_blocked(rehearsal: Rehearsal) -> None:
    box = page(rehearsal, "built-in").partition('<div class="outcome">')[2].partition("</div>")[0]

    assert "Blocked at night 1, critical: returns: succeeded is fail: expected OK" in box
    assert box.count("Blocked at") == 1


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperationError):
        write_page(tmp_path / "nowhere" / "page.html", "x")
