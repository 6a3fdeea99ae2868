"""The file: what is written is read again, and what is wrong in it is told line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.baseline import FILE, Baseline, as_text, load_baseline, unrecordable
from ingest.catalogue import CATALOGUE
from ingest.text.shapes import ShapeError
from operations.adopt import write
from operations.errors import OperationError
from tests.given.found import GCLOUD_JOB, baselines

LIVE = {entity.name: entity.live.cron for entity in CATALOGUE if entity.live}
WORDS = (
    dict.fromkeys(asdict(GCLOUD_JOB), "a text")
    | dict.fromkeys(("retry_count", "max_doublings"), "a whole number")
    | dict.fromkeys(("description", "oidc_service_account_email", "oidc_audience", "body"), "a text, or null for none")
    | {"paused": "true or false", "headers": "an object of texts"}
)
Edit = Callable[[dict[str, Any]], object]


def lines(root: Path, content: str) -> list[str]:
    (root / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ShapeError) as caught:
        load_baseline(root)
    return caught.value.lines


def test_a_checkout_without_the_file_has_an_empty_baseline(tmp_path: Path) -> None:
    assert load_baseline(tmp_path) == {}


@settings(deadline=None)
@given(baselines())
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, baseline: Baseline) -> None:
    root = tmp_path_factory.mktemp("root")
    write(root, baseline)

    assert load_baseline(root) == baseline


@settings(deadline=None)
@given(baselines(), st.randoms())
def test_the_same_jobs_in_another_order_are_the_same_text(baseline: Baseline, random: Any) -> None:
    names = list(baseline)
    random.shuffle(names)

    assert as_text({name: baseline[name] for name in names}) == as_text(baseline)


def test_a_field_has_a_line_of_its_own() -> None:
    text = as_text({"jobs": replace(GCLOUD_JOB, description="“core”")})

    assert text.splitlines()[:4] == ["{", '  "jobs": {', '    "attempt_deadline": "180s",', '    "body": null,']
    assert '    "description": "“core”",' in text.splitlines()
    assert text.endswith("}\n")


def test_writing_the_same_again_leaves_the_file_alone(tmp_path: Path) -> None:
    assert write(tmp_path, {"jobs": GCLOUD_JOB})
    inode = (tmp_path / FILE).stat().st_ino

    assert not write(tmp_path, {"jobs": GCLOUD_JOB})
    assert (tmp_path / FILE).stat().st_ino == inode
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"jobs": GCLOUD_JOB})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OperationError, match=r"baseline\.json cannot be written \(No space left on device\)"):
        write(tmp_path, {"jobs": replace(GCLOUD_JOB, paused=True)})
    assert load_baseline(tmp_path) == {"jobs": GCLOUD_JOB}
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<<<<<<< HEAD\n", "baseline.json: line 1 is not JSON"),
        ("[]", "must be an object that maps entities to their jobs"),
        ('{"jobs": {}, "jobs": {}}', "'jobs' is there more than once; `ingest-rollout adopt --record` writes it again"),
        ('{"jobs": 7}', "baseline.json: jobs: must be an object with the job's fields"),
        ("[" * 100_000, "baseline.json: "),
    ],
)
def test_a_file_of_another_kind_is_told_in_one_line(content: str, expected: str, tmp_path: Path) -> None:
    (line,) = lines(tmp_path, content)

    assert expected in line
    assert "\n" not in line


def test_a_file_that_is_not_text_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe{")

    with pytest.raises(ShapeError, match=r"baseline\.json: .*utf-8"):
        load_baseline(tmp_path)


def test_all_problems_are_told_together(tmp_path: Path) -> None:
    jobs = {
        "jobs": asdict(replace(GCLOUD_JOB, schedule="every 24 hours", attempt_deadline="0s", retry_count=6)),
        "collections": asdict(GCLOUD_JOB),
        "invoices": {**asdict(replace(GCLOUD_JOB, schedule=LIVE["invoices"])), "deadline": "3m", "paused": "no"},
        "payroll": asdict(replace(GCLOUD_JOB, schedule=LIVE["payroll"], max_doublings=16)),
    }

    assert lines(tmp_path, json.dumps(jobs)) == [
        "baseline.json: jobs: schedule: 'every 24 hours' is Cloud Scheduler's English; write it as unix-cron",
        "baseline.json: jobs: retry_count 6 is out of range; allowed: 0 to 5",
        "baseline.json: jobs: attempt_deadline 0s is out of range; allowed: 15s to 1800s",
        "baseline.json: collections: no entity of the catalogue; those are " + ", ".join(e.name for e in CATALOGUE),
        "baseline.json: invoices.deadline: not a field; did you mean 'attempt_deadline'?",
        "baseline.json: invoices.paused: 'no' is not allowed; allowed: true or false",
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"http_method": "FETCH"}, "http_method 'FETCH' is not allowed"),
        ({"retry_count": -1}, "retry_count -1 is out of range"),
        ({"max_doublings": 17}, "max_doublings 17 is out of range; allowed: 0 to 16"),
        ({"attempt_deadline": "1801s"}, "attempt_deadline 1801s is out of range"),
        ({"max_retry_duration": "2.592e+06s"}, "is not a duration in whole seconds"),
        ({"min_backoff_duration": "10s", "max_backoff_duration": "9s"}, "min_backoff_duration 10s is over"),
        ({"description": "x" * 501}, "description has 501 characters; allowed: 500"),
        ({"description": "costs ${price}"}, "description holds ${ or %{"),
        ({"headers": {"X-%{if}": "1"}}, "header X-%{if} holds ${ or %{"),
        ({"oidc_audience": "https://a.example"}, "oidc_audience stands without oidc_service_account_email"),
    ],
)
def test_a_value_that_cannot_be_declared_is_named(changed: dict[str, Any], expected: str) -> None:
    (problem,) = unrecordable("jobs", replace(GCLOUD_JOB, **changed))

    assert expected in problem


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("retry_count", True, "allowed: a whole number"),
        ("retry_count", 1.5, "allowed: a whole number"),
        ("schedule", None, "allowed: a text"),
        ("description", "", "allowed: a text, or null for none"),
        ("headers", {"a": 1}, "allowed: an object of texts"),
        ("headers", None, "allowed: an object of texts"),
    ],
)
def test_a_value_of_another_type_is_named(key: str, value: Any, expected: str, tmp_path: Path) -> None:
    (line,) = lines(tmp_path, json.dumps({"jobs": {**asdict(GCLOUD_JOB), key: value}}))

    assert line.startswith(f"baseline.json: jobs.{key}: ")
    assert line.endswith(expected)


@pytest.mark.parametrize("key", asdict(GCLOUD_JOB))
def test_a_missing_field_is_named(key: str, tmp_path: Path) -> None:
    job = {name: value for name, value in asdict(GCLOUD_JOB).items() if name != key}

    assert lines(tmp_path, json.dumps({"jobs": job})) == [
        f"baseline.json: jobs.{key}: missing; `ingest-rollout adopt --record` writes it again; allowed: {WORDS[key]}"
    ]
