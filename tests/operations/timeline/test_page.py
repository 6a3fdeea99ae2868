"""The page as a document: its tables, and that nothing comes from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ingest.catalogue import CATALOGUE
from ingest.rollout import STRATEGIES, state_at
from ingest.settings import Settings
from operations.timeline.page import timeline_page
from operations.timeline.schedule import schedule
from tests.given.domain import AT, SETTINGS, WITH_INVOKER, in_phoenix
from tests.given.timeline import BESIDE, MEASURED, elsewhere, phoenix

PAGE = timeline_page(phoenix(measured=MEASURED))


class Tables(HTMLParser):
    """The rows of each table, by its class; a cell is its text with single spaces."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self._table = ""
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._table = dict(attrs).get("class") or ""
            self.rows[self._table] = []
        elif tag == "tr":
            self.rows[self._table].append([])
        elif tag in ("td", "th"):
            self.rows[self._table][-1].append("")
            self._in_cell = True
        elif tag == "small" and self._in_cell:
            self.rows[self._table][-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag == "small" and self._in_cell:
            self.rows[self._table][-1][-1] += " "
        elif tag in ("td", "th"):
            self._in_cell = False
            self.rows[self._table][-1][-1] = " ".join(self.rows[self._table][-1][-1].split())

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[self._table][-1][-1] += data


def table(page: str, kind: str) -> dict[str, list[str]]:
    """The cells of each row after its first one, by that."""
    return {cells[0]: cells[1:] for cells in Tables(page).rows[kind]}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_table_has_each_job_of_each_night(strategy: str) -> None:
    rows = table(timeline_page(phoenix(strategy=strategy)), "nights")
    numbers = STRATEGIES[strategy].numbers
    assert [head.split()[1] for head in rows["job"]] == [str(number) for number in numbers]
    for entity in CATALOGUE:
        for number, cell in zip(numbers, rows[entity.title], strict=True):
            job = state_at(STRATEGIES[strategy], number).get(entity.name)
            assert cell.startswith(job.cadence.clock) if job else cell == ""
    assert rows["locations"][-2] == f"{AT['locations']} new job"


def test_a_table_has_all_times_local_and_in_utc() -> None:
    rows = table(PAGE, "times")
    assert rows["job"] == ["before", "after night 3", "measured"]
    assert rows["jobs"] == ["02:00 09:00 UTC", "04:00 11:00 UTC", "04:00:00 11:00:00 UTC, took 1 min 15 s"]
    assert rows["locations"][1].startswith(f"{AT['locations']} ")
    assert rows["campaigns"][1] == "Sun 06:15 Sun 13:15 UTC"
    assert rows["returns"][2] == ("04:55:00 11:55:00 UTC, failed after 5 s 04:56:00 11:56:00 UTC, took 20 min")
    assert all(entity.title in rows for entity in CATALOGUE)


def test_without_measurements_there_is_no_column_for_them() -> None:
    assert table(timeline_page(phoenix(2)), "times")["job"] == ["before", "after night 2"]


def test_nothing_comes_from_elsewhere_and_nothing_runs() -> None:
    assert not re.findall(r"https?:|//|\b(?:src|href|srcset|action|data)=|url\(|@import|<script|<link|<iframe", PAGE)


def test_the_same_data_give_the_same_page() -> None:
    assert timeline_page(phoenix(measured=MEASURED)) == PAGE
    later = timeline_page(elsewhere("America/Phoenix", in_phoenix("2027-03-09T12:00")))
    assert later == timeline_page(phoenix()), "a zone without summer time has no date on its page"


def test_text_is_escaped() -> None:
    found = phoenix()
    odd = timeline_page(replace(found, night=replace(found.night, title="<b>&'")))
    assert "<b>" not in odd
    assert "&lt;b&gt;&amp;" in odd


def test_neighbours_have_a_table_of_their_own() -> None:
    page = timeline_page(phoenix(neighbours=BESIDE))

    assert "daily at 05:00 America/Denver <small>11:00 UTC</small>" in page
    assert "<td>0 8,14,20 * * * America/Phoenix</td>" in page
    assert "it calls the ingest service at /ingest/jobs" in page
    assert "Neighbours" not in timeline_page(phoenix())


def test_the_legend_shows_only_what_occurs() -> None:
    def key(settings: Settings) -> list[str]:
        text = timeline_page(schedule(settings, in_phoenix("2026-10-20T21:00")))
        return re.findall(r"</span>([^<]+)</li>", text.partition('class="key')[2].partition("</ul>")[0])

    assert key(SETTINGS) == ["adopted as it is", "new time", "new job", "runs as before"]
    assert key(replace(SETTINGS, adopt_existing=False)) == ["new time", "new job", "runs as before"]
    assert "with a token" in key(WITH_INVOKER)
