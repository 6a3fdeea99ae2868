from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.markdown import LIMIT, MARKER, Part, page

TEXTS = st.text(st.sampled_from("`~ab <!-->\n\t\r\x1b[0m\u202e€😀\u2028"), max_size=300)


def blocks(text: str) -> list[str]:
    """The contents of the code blocks, as CommonMark reads them."""
    found: list[str] = []
    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if not fence and (begin := re.match("(`{3,})", line)):
            fence, lines = begin[1], []
        elif fence and re.fullmatch(f"{fence}`* *", line):
            found.append("\n".join(lines))
            fence = ""
        elif fence:
            lines.append(line)
    assert not fence, "a block that nothing ends"
    return found


def test_a_page_has_its_mark_and_the_parts_in_code_blocks() -> None:
    assert page([Part("Plan", "one\ntwo\n"), Part("Diff", "+ three", "diff")], intro="Of commit abc.") == (
        f"{MARKER}\n\nOf commit abc.\n\n### Plan\n\n```text\none\ntwo\n```\n\n### Diff\n\n```diff\n+ three\n```\n"
    )


def test_an_empty_text_is_said_to_be_none() -> None:
    assert page([Part("Diff", "\n")]) == f"{MARKER}\n\n### Diff\n\nNothing.\n"


def test_colours_and_marks_of_writing_direction_are_not_passed_on() -> None:
    assert blocks(page([Part("Plan", "\x1b[31mred\x1b[0m\r\nabc\u202ecba")])) == ["red\nabc\ufffdcba"]


@pytest.mark.parametrize("length", [3, 4, 19, 20, 40_000])
def test_a_fence_in_a_text_does_not_end_the_block(length: int) -> None:
    fence = "`" * length
    found = page([Part("Diff", f"before\n{fence}\n<script>\n{fence}\nafter")])

    (inside,) = blocks(found)
    assert inside.startswith("before\n```")
    assert inside.endswith("`\nafter") or length > 19
    assert len(found.encode()) < 300


@given(TEXTS, st.integers(400, 900))
def test_whatever_a_text_holds_it_stays_in_its_block(text: str, limit: int) -> None:
    found = page([Part("First", text), Part("Second", "x")], limit=limit)

    assert len(found.encode()) <= limit
    inside = blocks(found)
    assert inside[-1] == "x"
    assert len(inside) == (2 if "### First\n\nNothing." not in found else 1)
    outside = found
    for block in inside:
        outside = outside.replace(f"\n{block}\n", "\n", 1) if block else outside
    assert "<!-- " not in outside.removeprefix(MARKER)


def test_a_long_page_keeps_the_short_texts_whole_and_the_beginnings_of_the_others() -> None:
    long = "\n".join(f"line {number} €" for number in range(20_000))
    found = page([Part("Long", long), Part("Short", "short"), Part("Long too", long)])

    assert LIMIT - 100 < len(found.encode()) <= LIMIT
    first, short, second = blocks(found)
    assert short == "short"
    assert first == second
    assert long.startswith(first)
    shown = first.count("\n") + 1
    assert found.count(f"{20_000 - shown} of 20000 lines left out") == 2
    assert found.count("<details>") == found.count("</details>") == 2


def test_a_line_that_is_too_long_by_itself_is_left_out() -> None:
    found = page([Part("Line", "x" * LIMIT)])

    assert "1 of 1 lines left out" in found
    assert len(found.encode()) <= LIMIT


def test_too_little_room_for_the_titles_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="10 bytes are too few for 1 titles"):
        page([Part("Title", "x")], limit=10)
