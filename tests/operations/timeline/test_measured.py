"""Files of measurements, right and wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.judging.gate import Check
from ingest.judging.gate import record as gate_record
from ingest.judging.run import LogRow
from ingest.judging.verdict import Verdict
from operations.errors import OperationError
from operations.ledger.ledger import Ledger
from operations.timeline.measured import SHAPE, last_midnight, read
from tests.given.domain import PHOENIX, in_phoenix
from tests.given.ledger import DEPLOY, add
from tests.given.timeline import MEASURED, run

GOOD = {"entity": "jobs", "started_at": "2026-10-20T04:00:00-07:00", "ended_at": "2026-10-20T04:01:15-07:00"}


def stored(folder: Path, content: object) -> Path:
    path = folder / "runs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_shape_that_is_told_is_read(tmp_path: Path) -> None:
    (found,) = read(stored(tmp_path, SHAPE))
    assert found == run("jobs", "2026-10-20T04:00", 75)


def test_a_list_and_what_the_rehearsal_prints_are_read(tmp_path: Path) -> None:
    entries = [one.as_json() for one in MEASURED]
    assert tuple(read(stored(tmp_path, entries))) == MEASURED
    assert tuple(read(stored(tmp_path, {"passed": True, "measured": entries}))) == MEASURED
    assert read(stored(tmp_path, [])) == []


def test_the_ledger_and_what_the_gate_prints_are_read(tmp_path: Path) -> None:
    checks = [Check("ran", "jobs", Verdict.PASS, "a", "b")]
    rows = [LogRow("jobs", "x", MEASURED[0].started, MEASURED[0].ended, "success", 1, 1)]
    since = MEASURED[0].started - timedelta(hours=1)
    data = gate_record(checks, since, since + timedelta(hours=9), [("jobs", row) for row in rows])
    book = Ledger(tmp_path / "ledger.jsonl")
    add(book, "deploy", DEPLOY)
    add(book, "gate", data)
    add(book, "gate", {**data, "measured": None})

    assert read(book.path) == [MEASURED[0]]
    assert read(stored(tmp_path, data)) == [MEASURED[0]]


@pytest.mark.parametrize("start", ["2026-10-20 11:00:00", "2026-10-20 11:00:00 UTC", "2026-10-20T11:00:00Z"])
@pytest.mark.parametrize("by_line", [False, True], ids=["an array", "an object a line"])
def test_rows_of_the_run_log_are_read_and_those_of_others_left_out(by_line: bool, start: str, tmp_path: Path) -> None:
    row = {"entity_type": "jobs", "start_time": start, "end_time": start.replace("00:00", "01:15"), "status": "failed"}
    rows = [row, {**row, "entity_type": "collections"}, {**row, "end_time": None}]
    content = "\n".join(map(json.dumps, rows)) if by_line else json.dumps(rows)

    assert read(stored(tmp_path, content)) == [replace(run("jobs", "2026-10-20T04:00", 75), ok=False)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("\x00", "is not JSON"),
        ({"jobs": []}, "holds no list of runs; it has to be like [{"),
        ("3", "holds no list of runs"),
        (["jobs"], "entry 1: is not an object with entity, started_at and ended_at"),
        ([GOOD, GOOD | {"entity": "job"}], "entry 2: entity 'job' is not in the catalogue; did you mean jobs"),
        ([GOOD | {"entity": ["x"]}], "entry 1: entity ['x'] is not in the catalogue; allowed are jobs, appointments"),
        (
            [GOOD | {"started_at": "2026-10-20T04:00:00"}],
            "started_at '2026-10-20T04:00:00' is not an ISO 8601 time with",
        ),
        ([GOOD | {"started_at": 4}], "started_at 4 is not an ISO 8601 time"),
        ([{"entity": "jobs"}], "started_at None is not an ISO 8601 time"),
        ([GOOD | {"ended_at": "2026-10-20T03:00:00-07:00"}], "is not within 24 hours after started_at"),
        ([GOOD | {"ended_at": "2026-10-22T03:00:00-07:00"}], "is not within 24 hours after started_at"),
        ([GOOD | {"ok": "yes"}], "ok 'yes' is neither true nor false"),
    ],
)
def test_a_wrong_file_is_told_with_the_place_and_what_is_allowed(content: object, message: str, tmp_path: Path) -> None:
    path = stored(tmp_path, content)
    with pytest.raises(OperationError) as raised:
        read(path)
    assert str(raised.value).startswith(f"--measured: {path}")
    assert message in str(raised.value)


def test_the_first_mistakes_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(OperationError) as raised:
        read(stored(tmp_path, [GOOD, *[{}] * 12]))
    lines = str(raised.value).splitlines()
    assert "entry 2:" in lines[0]
    assert (len(lines), lines[-1]) == (11, "and 2 more")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match=r"no\.json cannot be read \(No such file"):
        read(tmp_path / "no.json")
    with pytest.raises(OperationError, match=r"cannot be read \(Is a directory"):
        read(tmp_path)


def test_the_last_day_begins_at_its_local_midnight() -> None:
    assert last_midnight([*MEASURED, run("jobs", "2026-10-24T23:59", 1)], PHOENIX) == in_phoenix("2026-10-25T00:00")
