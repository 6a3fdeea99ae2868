"""Tables in a terminal and elsewhere, and lists, of what the cloud says."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.render import preflight_text, styled, table
from ingest.judging.verdict import Verdict
from operations.preflight import Check
from tests.given.domain import SETTINGS

HEAD = ("job", "next run, America/Phoenix", "UTC")
ROWS = [("v2-sync-payroll-adjustments-daily", "Wed 2026-10-21 05:05", "Wed 12:05"), ("v2-sync-jobs-daily", "none", "")]


def test_outside_a_terminal_nothing_wraps() -> None:
    assert table(("what",), [("x" * 300,)]).splitlines()[2] == "x" * 300


def test_a_narrow_table_wraps_its_heads_first() -> None:
    assert table(HEAD, ROWS, width=70).splitlines() == [
        "job                                next run,             UTC",
        "                                   America/Phoenix",
        "---------------------------------  --------------------  ---------",
        "v2-sync-payroll-adjustments-daily  Wed 2026-10-21 05:05  Wed 12:05",
        "v2-sync-jobs-daily                 none",
    ]


def test_a_narrower_one_goes_without_its_spare_columns_and_then_wraps_its_widest() -> None:
    assert table(HEAD, ROWS, spare=("UTC",), width=58).splitlines()[3:] == [
        "v2-sync-payroll-adjustments-daily  Wed 2026-10-21 05:05",
        "v2-sync-jobs-daily                 none",
    ]
    assert table(HEAD, ROWS[:1], spare=("UTC",), width=44).splitlines()[3:] == [
        "v2-sync-payroll-        Wed 2026-10-21 05:05",
        "adjustments-daily",
    ]


def test_a_cell_that_wraps_keeps_its_colour_on_each_line() -> None:
    first, second = table(("a",), [(click.style("drifted and paused", fg="red"),)], width=12).splitlines()[2:]

    assert (first, second) == (click.style("drifted and", fg="red"), click.style("paused", fg="red"))


@given(st.lists(st.tuples(*[st.text("abc ", max_size=40)] * 3), max_size=5), st.integers(42, 120))
def test_every_line_fits_and_no_word_is_lost(rows: list[tuple[str, ...]], width: int) -> None:
    printed = table(("one", "two", "three"), rows, width=width)

    assert max(map(len, printed.splitlines())) <= width
    body = printed.replace("one", "").replace("two", "").replace("three", "")
    for letter in "abc":
        assert body.count(letter) == sum(cell.count(letter) for row in rows for cell in row)


@pytest.mark.parametrize("width", [1, 20])
def test_a_terminal_of_no_use_still_gets_its_words(width: int) -> None:
    assert "jobs" in table(HEAD, ROWS, spare=("UTC",), width=width)


HOSTILE = "a\n::error::b\x1b[2J\u202e"


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4))
def test_a_row_is_a_line_whatever_is_in_it(rows: list[tuple[str, str]]) -> None:
    lines = table(("one", "two"), rows).split("\n")

    assert len(lines) == 2 + len(rows)
    assert all(click.unstyle(line).isprintable() for line in lines)


def test_colours_stay_and_what_is_in_them_is_harmless() -> None:
    cells = [click.style(HOSTILE, fg="red"), click.style("done", fg="green") + f": {HOSTILE}", click.style("", fg=None)]
    line = table(("a", "b", "c"), [cells]).splitlines()[2]

    harmless = r"a ::error::b\x1b[2J\u202e"
    assert line.startswith(f"\x1b[31m{harmless}\x1b[0m  \x1b[32mdone\x1b[0m: {harmless}")


def test_a_check_of_the_preflight_is_shown_line_by_line() -> None:
    check = Check(HOSTILE[:1], Verdict.FAIL, HOSTILE, HOSTILE, (HOSTILE, "::error::c"))
    lines = preflight_text(SETTINGS, [check]).splitlines()[2:-2]

    assert lines[0].startswith(styled(Verdict.FAIL, "fail"[:4])[:5])
    assert len(lines) == 4
    assert not [line for line in lines if line.lstrip().startswith("::") or "\u202e" in line]
