"""What is said of a file that does not have the shape it should have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text.shapes import LONGEST, ShapeError, Table, fitting, hint, misfits, read_json, shown

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Inner(TypedDict):
    n: int


class Outer(TypedDict):
    text: str
    maybe: int | None
    kind: Literal["a", "b"]
    inner: Inner
    several: list[Inner]
    named: Mapping[str, str]


GOOD: dict[str, Any] = {
    "text": "x",
    "maybe": None,
    "kind": "a",
    "inner": {"n": 1},
    "several": [{"n": 1}, {"n": 2}],
    "named": {"a": "b"},
}


def test_what_fits_a_type_has_no_misfits() -> None:
    assert misfits(GOOD, Outer, "") == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("text", 1, "has int for text instead of str"),
        ("maybe", "1", "has str for maybe instead of int"),
        ("maybe", True, "has bool for maybe instead of int"),
        ("kind", "c", "has 'c' for kind; allowed: a, b"),
        ("inner", {"n": 1, "m": 2}, "has the unknown key inner.m"),
        ("inner", {}, "lacks the key inner.n"),
        ("several", [{"n": 1}, {"n": "2"}], "has str for several[1].n instead of int"),
        ("named", {"a": 1}, "has int for named.a instead of str"),
        ("named", [], "has list for named instead of dict"),
    ],
)
def test_a_misfit_is_named_with_its_place(key: str, value: object, expected: str) -> None:
    assert misfits(GOOD | {key: value}, Outer, "") == [expected]
    with pytest.raises(ValueError, match=r"^$"):
        fitting(Outer)(GOOD | {key: value})


def test_all_misfits_are_named_together() -> None:
    assert misfits({"text": 1, "odd": 2} | {key: GOOD[key] for key in ("maybe", "kind", "several")}, Outer, "data") == [
        "has the unknown key data.odd",
        "has int for data.text instead of str",
        "lacks the key data.inner",
        "lacks the key data.named",
    ]


def a_number(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError
    return value


def test_a_table_names_every_problem_with_its_place_the_value_and_what_is_allowed() -> None:
    problems: list[str] = []
    content = {"cuont": 1, "size": "big", "x\x1b": 1}
    table = Table(content, "a.b", ("count", "size", "note"), problems, origin=lambda key: f" (from {key}'s place)")

    assert table.need("count", a_number, "a number") is None
    assert table.need("size", a_number, "a number") is None
    assert table.take("note", str, "a text") is None
    assert problems == [
        "a.b.cuont: not a key (from cuont's place); did you mean 'count'?",
        r"a.b.'x\x1b': not a key (from x's place); known keys: count, size, note".replace("x's", "x\x1b's"),
        "a.b.count: missing; add a number",
        "a.b.size: 'big' (from size's place) is not allowed; allowed: a number",
    ]


def test_a_check_may_say_more_than_what_is_allowed() -> None:
    def refuse(value: object) -> None:
        raise ValueError(f"{value} does not exist")

    problems: list[str] = []
    Table({"zone": "Mars"}, "", ("zone",), problems, origin=lambda key: " (from --zone)").take("zone", refuse, "a zone")

    assert problems == ["zone (from --zone): Mars does not exist"]


@given(st.dictionaries(st.sampled_from("abcde"), st.integers() | st.text()))
def test_a_table_gives_what_is_right_and_has_a_problem_for_each_of_the_others(content: dict[str, object]) -> None:
    problems: list[str] = []
    table = Table(content, "", ("a", "b", "c"), problems)
    taken = {key: table.need(key, a_number, "a number") for key in "abc"}

    assert {key: value for key, value in taken.items() if value is not None} == {
        key: value for key, value in content.items() if key in "abc" and isinstance(value, int)
    }
    assert len(problems) == len(content.keys() - set("abc")) + list(taken.values()).count(None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        ("a", "'a'"),
        (1.5, "1.5"),
        (Decimal("1.10"), "1.10"),
        (date(2025, 10, 26), "2025-10-26"),
        ({}, "a table"),
        ([1], "an array"),
        (10**100, "a number this long"),
    ],
)
def test_a_value_is_shown_as_it_was_written(value: object, text: str) -> None:
    assert shown(value) == text


@given(json_values)
def test_what_is_shown_is_short_and_on_one_line(value: object) -> None:
    assert len(shown(value)) <= LONGEST + 2
    assert len(shown(value).splitlines()) == 1


def test_a_hint_is_near_or_has_all_names() -> None:
    known = ("attempt_deadline", "createInvoker")

    assert hint("atempt_deadline", known) == "did you mean 'attempt_deadline'?"
    assert hint("CREATEINVOKER", known) == "did you mean 'createInvoker'?"
    assert hint("x", known, "setting") == "known settings: attempt_deadline, createInvoker"


@given(value=json_values)
def test_json_is_read_as_it_is(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "f.json"
    path.write_text(json.dumps(value), encoding="utf-8")

    assert read_json(path, "correct it") == value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{\n"a" 1\n}', "f.json: line 2 is not JSON ("),
        (b"", "f.json: line 1 is not JSON ("),
        (b'{"a": {"b": 1, "b": 2}}', "f.json: 'b' is there more than once"),
        (b"[" * 100_000, "f.json: "),
        (b"\xff", "f.json: 'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_a_file_that_is_not_json_is_one_line_with_what_to_do(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(ShapeError) as caught:
        read_json(path, "correct it")
    (line,) = caught.value.lines

    assert line == str(caught.value)
    assert line.startswith(expected)
    assert line.endswith("; correct it")
    assert "\n" not in line


def test_a_file_that_cannot_be_read_is_one_line_and_one_that_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ShapeError) as caught:
        read_json(tmp_path, "correct it")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none", "correct it")

    assert str(caught.value) == f"{tmp_path.name}: cannot be read at {tmp_path} (Is a directory)"
