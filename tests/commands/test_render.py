"""Tables and lists of what the cloud says."""

from __future__ import annotations

import click
from hypothesis import given
from hypothesis import strategies as st

from commands.render import preflight_text, styled, table
from ingest.verdict import Verdict
from operations.preflight import Check
from tests.given.domain import SETTINGS

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
