"""What is appended, and how it is read back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.errors import OperationError
from operations.ledger import ledger as history
from operations.ledger.ledger import Ledger
from operations.ledger.record import canonical, compose, hash_of, parse
from tests.given.ledger import DEPLOY, MOMENT, OVERRIDE, PREVIEW, add, gate, story

FIRST = (
    '{"at":"2026-10-21T04:00:00+00:00","data":{"baseline_hash":"½"},'
    '"hash":"HASH","kind":"adopt","night":1,'
    '"previous":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"seq":1,"strategy":"phased","who":"ana@example.com"}\n'
)


def test_the_format_of_a_line_is_the_one_that_committed_ledgers_have(ledger: Ledger) -> None:
    add(ledger, "adopt", {"baseline_hash": "½"}, night=1)

    digest = "a24aea611b8fc082108e7ac6d1dabad2c3156589ab3c25732f4f03b4904504a0"
    assert ledger.path.read_text(encoding="utf-8") == FIRST.replace("HASH", digest)
    assert hashlib.sha256(FIRST.strip().replace('"hash":"HASH",', "").encode()).hexdigest() == digest


def test_each_record_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    records = story(tmp_path / "ledger.jsonl").records()

    assert [record.seq for record in records] == [1, 2, 3, 4, 5, 6, 7]
    assert records[0].previous == "0" * 64
    assert [r.previous for r in records[1:]] == [r.hash for r in records[:-1]]


def test_append_returns_the_record_that_is_read_back(ledger: Ledger) -> None:
    added = [add(ledger, "deploy", DEPLOY), add(ledger, "override", OVERRIDE)]

    assert ledger.records() == added
    assert added[0].at == MOMENT
    assert added[0].data == DEPLOY
    assert json.dumps(added[0].as_json())


def test_a_ledger_that_does_not_exist_yet_has_no_records(ledger: Ledger) -> None:
    assert ledger.records() == []
    assert ledger.check().problems == []
    assert not ledger.path.parent.exists()


def test_the_time_is_kept_in_utc(ledger: Ledger) -> None:
    at = datetime.fromisoformat("2026-10-20T21:00:00-07:00")
    record = ledger.append("rollback", strategy="phased", night=1, data={"to": 0}, at=at, who="ana")

    assert record.at.isoformat() == "2026-10-21T04:00:00+00:00"


def test_the_time_is_now_unless_given(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    record = ledger.append("rollback", strategy="phased", night=1, data={"to": 0})

    assert before <= record.at <= datetime.now(UTC)


def test_what_may_be_none_can_be_left_out(ledger: Ledger) -> None:
    data = {key: value for key, value in PREVIEW.items() if key != "plan_hash"}

    assert add(ledger, "preview", data).data == {**PREVIEW, "plan_hash": None}


def test_a_line_from_before_a_key_was_added_stays_valid(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    content = json.loads(ledger.path.read_bytes())
    for key in ("rows", "doubled", "changes", "error"):
        del content["data"][key]
    ledger.path.write_bytes(canonical(content | {"hash": hash_of(content)}) + b"\n")

    (record,) = ledger.records()
    assert record.data == {**DEPLOY, "rows": None, "doubled": None, "changes": None}
    assert add(ledger, "deploy", DEPLOY).previous == record.hash


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("delpoy", DEPLOY, "kind 'delpoy' is not one of preview, deploy, gate, override, rollback, adopt"),
        ("rollback", {}, "lacks the key data.to"),
        ("rollback", {"to": "0"}, "has str for data.to instead of int"),
        ("rollback", {"to": True}, "has bool for data.to instead of int"),
        ("rollback", {"to": 0, "why": "x"}, "has the unknown key data.why"),
        ("deploy", {**DEPLOY, "outcome": "ok"}, "has 'ok' for data.outcome; allowed: started, done, failed"),
        ("deploy", {**DEPLOY, "stacks": ["phase-core", 1]}, r"has int for data.stacks\[1\] instead of str"),
        ("deploy", {**DEPLOY, "rows": {"jobs": "9"}}, "has str for data.rows.jobs instead of int"),
        ("gate", {**gate(), "checks": [{"check": "ran"}]}, r"lacks the key data.checks\[0\].entity"),
        ("gate", {**gate(), "window": None}, "has NoneType for data.window instead of dict"),
        ("adopt", {"baseline_hash": float("nan")}, "not JSON compliant"),
    ],
)
def test_data_that_is_not_the_kinds_is_refused_and_nothing_is_written(
    kind: str, data: dict[str, Any], message: str, ledger: Ledger
) -> None:
    with pytest.raises(ValueError, match=message):
        add(ledger, kind, data)

    assert not ledger.path.exists()


def test_a_time_without_an_offset_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="has no UTC offset"):
        ledger.append("rollback", strategy="phased", night=1, data={"to": 0}, at=datetime(2026, 10, 21, 4), who="ana")


def test_a_reason_that_is_not_utf8_is_a_plain_error(ledger: Ledger) -> None:
    reason = os.fsdecode(b"caf\xe9")
    with pytest.raises(OperationError, match="is not UTF-8; nothing was recorded"):
        add(ledger, "override", {"check": "ran", "reason": reason})

    assert not ledger.path.exists()


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.datetimes(min_value=datetime(1971, 1, 1), timezones=st.timezones()),
)
def test_any_text_value_and_time_is_read_back_as_it_was(text: str, value: Any, at: datetime) -> None:
    data = {"stacks": [text], "changes": [{"value": value}], "plan_hash": None}
    line = compose(seq=1, at=at, who=text, kind="preview", strategy=text, night=0, data=data, previous="0" * 64)

    record = parse(line)
    assert b"\n" not in line
    assert (record.who, record.data, record.at) == (text, data, at.astimezone(UTC))


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ledger, "deploy", DEPLOY)
    before = ledger.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OperationError, match=r"cannot be written .No space left on device.; nothing was recorded"):
            add(ledger, "deploy", DEPLOY)

    assert ledger.path.read_bytes() == before
    assert add(ledger, "deploy", DEPLOY).seq == 2


def test_an_interrupted_append_leaves_the_ledger_as_it_was(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ledger, "deploy", DEPLOY)
    before = ledger.path.read_bytes()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        add(ledger, "deploy", DEPLOY)

    assert ledger.path.read_bytes() == before


def test_a_folder_in_the_ledgers_place_is_a_plain_error(ledger: Ledger) -> None:
    ledger.path.mkdir(parents=True)

    with pytest.raises(OperationError, match="cannot be read"):
        ledger.records()
    with pytest.raises(OperationError, match="cannot be written"):
        ledger.append("rollback", strategy="phased", night=1, data={"to": 0})


def test_an_append_does_not_wait_for_ever(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "WAIT_SECONDS", 0)
    ledger.path.parent.mkdir()
    with FileLock(f"{ledger.path}.lock"), pytest.raises(OperationError, match="another process has held"):
        add(ledger, "deploy", DEPLOY)

    assert add(ledger, "deploy", DEPLOY).seq == 1


def test_a_damaged_ledger_is_no_evidence(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    add(ledger, "gate", gate("fail"))
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"fail"', b'"pass"'))

    with pytest.raises(OperationError, match="cannot be trusted: line 2 was changed"):
        ledger.records()


@pytest.mark.parametrize("target", [{}, {"project": "p"}, {"project": "p", "region": "r", "dataset": "d"}])
def test_a_record_says_where_it_was_made_if_it_was_told(target: dict[str, str], ledger: Ledger) -> None:
    record = add(ledger, "rollback", {"to": 0}, target=target)

    assert ledger.records() == [record]
    assert record.target == target
    assert record.as_json() == json.loads(ledger.path.read_bytes())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 400))
def test_any_torn_end_is_named_and_append_refuses_until_it_is_deleted(told: bytes, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        ledger.path.write_bytes(told[:-cut])
        whole = ledger.path.read_bytes().count(b"\n")
        if told[:-cut].endswith(b"\n"):
            return
        (problem,) = ledger.check().problems
        assert problem.startswith(f"line {whole + 1} is torn")
        with pytest.raises(OperationError, match=f"line {whole + 1} is torn.*delete that line; nothing was recorded"):
            add(ledger, "deploy", DEPLOY)

        ledger.path.write_bytes(told[: told[:-cut].rindex(b"\n") + 1])
        assert add(ledger, "deploy", DEPLOY).seq == whole + 1
        assert ledger.check().problems == []


def test_append_refuses_after_a_damaged_last_line(ledger: Ledger) -> None:
    add(ledger, "deploy", DEPLOY)
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"done", b"dome"))
    before = ledger.path.read_bytes()

    with pytest.raises(OperationError, match=r"line 1 has 'dome' for data.outcome.*restore it.*nothing was recorded"):
        add(ledger, "deploy", DEPLOY)
    assert ledger.path.read_bytes() == before
