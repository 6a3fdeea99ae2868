"""The evidence in the timeline page: read whole or refused, and drawn to scale."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperationError
from operations.timeline.evidence import TALL, bars, is_tight, read, share
from operations.timeline.page import timeline_page
from tests.given.timeline import EVIDENCE, phoenix


def written(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(EVIDENCE | changes))
    return path


def section(page: str, title: str) -> str:
    (found,) = [one for one in page.split("<section") if f"<h2>{title}" in one]
    return found


def test_what_the_command_prints_is_read_back(tmp_path: Path) -> None:
    assert read(written(tmp_path)) == EVIDENCE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"is not what ingest-rollout evidence --json prints: it has list for the file instead of dict"),
        ("{", "line 1 is not JSON"),
        (json.dumps({**EVIDENCE, "night": "2"}), "it has str for night instead of int"),
        (json.dumps({**EVIDENCE, "worth": [{}]}), r"it lacks the key worth\[0\].entity"),
        (
            json.dumps({**EVIDENCE, "worth": [{**EVIDENCE["worth"][0], "amount": "12 $"}]}),
            "it has '12 \\$' for an amount",
        ),
        (json.dumps({**EVIDENCE, "worth": [{**EVIDENCE["worth"][0], "amount": "NaN"}]}), "it has 'NaN' for an amount"),
    ],
)
def test_another_file_is_refused_with_the_place(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text(content)
    with pytest.raises(OperationError, match=f"^--evidence: .*{message}"):
        read(path)


def test_a_file_that_does_not_exist_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"no\.json does not exist; write it with ingest-rollout evidence --json"):
        read(tmp_path / "no.json")


def test_a_bar_is_as_high_as_its_nights_amount_or_records() -> None:
    invoices, jobs = (bars(job) for job in EVIDENCE["worth"])

    assert [bar.height for bar in invoices] == [0.0, TALL, TALL / 2]
    assert [bar.y + bar.height for bar in invoices] == [TALL] * 3
    assert [bar.x for bar in invoices] == [0, 6, 12]
    assert invoices[1].text == "2026-10-25: 3 records, 1,234.50"
    assert [bar.height for bar in jobs] == [TALL, 0.0, TALL]
    assert jobs[0].text == "2026-10-24: 1 record"


def test_headroom_is_drawn_in_percent_of_the_gap() -> None:
    replayed = EVIDENCE["replay"]
    assert replayed
    jobs, last, unknown = replayed["headroom"]

    assert (share(jobs, "p50"), share(jobs, "p95"), is_tight(jobs)) == (40.0, 90.0, True)
    assert (share(last, "p95"), is_tight(last)) == (None, False)
    assert (share(unknown, "p50"), is_tight(unknown)) == (None, False)
    assert share({**jobs, "p95_seconds": 900.0}, "p95") == 100.0


def test_the_page_draws_it_below_the_schedule_and_without_it_nothing() -> None:
    page = timeline_page(phoenix(2), EVIDENCE)
    worth, headroom = section(page, "What the shift of night 2 is worth"), section(page, "Headroom at the times")

    assert worth.count("<rect") == 6
    assert "1,851.75" in worth
    assert "purchase orders" not in worth
    assert all(text in worth for text in EVIDENCE["cannot_see"])
    assert "the order would have held on 2 of 3 nights, each gap on 3 of 3" in headroom
    assert 'class="bars tight"' in headroom
    assert 'class="most" x="0" y="0" width="108.0"' in headroom
    assert "no run on record" in headroom
    assert "give it 6 min" in headroom
    assert not re.findall(r"https?://", worth + headroom)
    assert "Headroom at" not in timeline_page(phoenix(2))


def test_without_a_replay_the_worth_is_drawn_alone() -> None:
    page = timeline_page(phoenix(2), {**EVIDENCE, "replay": None})

    assert "What the shift of night 2 is worth" in page
    assert "Headroom at" not in page
