"""Texts that are not ours, as they are shown."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.text import shown


@given(st.text() | st.text("\n\r\x1b[]#: \u2028\u202e\x00a", max_size=40))
def test_any_text_becomes_one_line_that_steers_neither_a_terminal_nor_a_workflow(text: str) -> None:
    line = shown.printable(text)

    assert line.isprintable()
    assert not line.lstrip().startswith("::")
    assert "##[" not in line
    assert len(line) <= shown.LONGEST + len(" ...")
    for one in shown.printable_lines(text).split("\n"):
        assert one.isprintable()
        assert not one.lstrip().startswith("::")
        assert "##[" not in one


def test_what_cannot_be_printed_can_still_be_told_apart() -> None:
    assert shown.printable("a\n::error::b \x1b[31mred\u202e\udc80 ##[error] é") == (
        r"a ::error::b \x1b[31mred\u202e\udc80 #\x23[error] é"
    )
    assert shown.printable("::error::x") == r"\x3a:error::x"
    assert shown.printable_lines("one\n  two\x07\n::three") == "one\n  two\\x07\n\\x3a:three"


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("https://h.example/ingest/jobs?mode=full", "https://h.example/ingest/jobs?mode=full"),
        ("https://me:pw@h.example/x?mode=full&key=s3cret#s3cret", "https://h.example/x?mode=full&key=..."),
        ("https://h.example/x?s3cret", "https://h.example/x?..."),
        ("https://h.example/x?mode=s3-cret/1", "https://h.example/x?mode=..."),
        ("https://[bad?s3cret", "https://[bad"),
        ("https://h.example/a\n::error::b", "https://h.example/a::error::b"),
        ("", ""),
    ],
)
def test_a_uri_is_shown_without_what_it_may_carry(uri: str, text: str) -> None:
    assert shown.uri(uri) == text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Authorization", "x", True),
        ("X-Api-Key", "x", True),
        ("X-Session", "x", True),
        ("X-Other", "Bearer abcdefghijklmnopqrst", True),
        ("X-Api-Key", "", False),
        ("Content-Type", "application/json", False),
        ("X-Tenant", "42", False),
    ],
)
def test_a_header_may_be_a_secret_by_its_name_or_its_value(name: str, value: str, expected: bool) -> None:
    assert shown.may_be_secret(name, value) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"mode": "incremental"}', False),
        (b"mode=full&entity=jobs", False),
        (b'{"apiKey": "x"}', True),
        (b"password=x", True),
        (b"-----BEGIN PRIVATE KEY-----", True),
        (b"\xff\xfe", False),
    ],
)
def test_a_body_may_be_one_by_its_keys_or_its_values(body: bytes, expected: bool) -> None:
    assert shown.body_may_be_secret(b64encode(body).decode()) is expected
    assert shown.body_may_be_secret("no base64: password=x")
