"""`ingest-rollout reconcile` on a made-up week: what it prints, its exit codes, and its records."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.between.reconcile import reconcile
from ingest.costing.cost_report import ReportRow
from operations.cloud.bigquery import ENDPOINT_VARIABLE
from tests.given.job_costing import Raw, after_rollout, before_rollout, export, warehouse_of, week
from tests.given.result import code
from tests.given.tables import Place, answering, google_error
from tests.given.tables import place as made

STEM = "reconcile-2025-10-20-to-2025-10-26"


pytestmark = pytest.mark.usefixtures("in_the_repository")


@pytest.fixture
def place() -> Iterator[Place]:
    with made() as found:
        yield found


def run(address: str, report: Path, *arguments: str | Path, start: str = "2025-10-20", **environ: Any) -> Result:
    line = ["--report", str(report), "--from", start, "--to", "2025-10-26", *map(str, arguments)]
    return CliRunner().invoke(reconcile, line, env={ENDPOINT_VARIABLE: address, **environ}, standalone_mode=False)


def given(place: Place, folder: Path, rows: Sequence[ReportRow], raw: Raw) -> Path:
    """The report's file, with the warehouse filled."""
    raw.load(place.warehouse)
    path = folder / "week.csv"
    path.write_text(export(rows), encoding="utf-8")
    return path


def test_a_week_that_agrees_passes_with_0(place: Place, tmp_path: Path) -> None:
    rows = week(20)
    result = run(place.address, given(place, tmp_path, rows, warehouse_of(rows)))

    assert code(result) == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "BigQuery bills 60.0 MiB at most for one query over 6 tables."
    assert lines[1] == "The warehouse against ServiceTitan, 2025-10-20 to 2025-10-26"
    assert lines[-1] == "Verdict: pass"
    assert "Largest differences" not in result.stdout
    assert [dry for _, dry in place.calls] == [True, False], "one dry run, one query"


def test_the_measured_week_fails_with_1_and_is_explained_to_the_cent(place: Place, tmp_path: Path) -> None:
    result = run(place.address, given(place, tmp_path, *before_rollout()))

    assert code(result) == 1
    expected = """
jobs  244  244  0 (0.00 %)  exact  0  fail
revenue  $474,562.39  $484,296.57  +$9,734.18 (+2.05 %)  1 %  $4,745.62  fail
labor  $172,138.22  $168,956.16  -$3,182.06 (-1.85 %)  0.5 %  $860.69  fail
materials  $107,170.69  $100,670.61  -$6,500.08 (-6.07 %)  1 %  $1,071.70  fail
gross_margin  41.14 %  44.33 %  +3.18 points  2 points  2 points  fail
only in the report: on another day in the warehouse  -1  -$487.73 (1 job)  -$176.90 (1 job)  +$151.33 (1 job)
only in the warehouse: not in the report  +1  +$3,104.99 (1 job)  +$353.82 (1 job)  +$221.36 (1 job)
in both: rows that are twice in the warehouse  +$1,463.19 (1 job)
in both: no invoice, no pay or no purchase order in the warehouse  -$2,476.80 (2 jobs)  -$6,714.76 (13 jobs)
in both: other differences  +$5,653.73 (1 job)  -$882.18 (1 job)  -$158.01 (1 job)
gap  0  +$9,734.18  -$3,182.06  -$6,500.08
900001  2  2025-10-20  2025-10-13  898  Completed  -$487.73  -$176.90  +$151.33
900900  2025-10-21  2305  Hold  +$3,104.99  +$353.82  +$221.36
900020  21  $2,926.38  $8,580.11  1  +$5,653.73
900010  11  $1,463.19  $2,926.38  2, 1 doubled  +$1,463.19
900007  8  $261.14  $977.26  $0.00  0  -$1,238.40
900021  22  $774.78  $0.00  $0.00  $258.26  $0.00  2  -$516.52
"""
    printed = [re.sub("  +", "  ", line) for line in result.stdout.splitlines()]
    assert [line for line in expected.split("\n") if line not in printed] == []
    assert "jobs: fail: as many on both sides, but not the same jobs" in printed
    assert "materials: fail: the gap is -$6,500.08 (-6.07 %), the limit $1,071.70" in printed
    assert "Largest differences in materials (14, 5 shown)" in printed


def test_an_earlier_record_shows_what_the_rollout_closed_and_what_is_left(tmp_path: Path) -> None:
    with made() as place:
        assert code(run(place.address, given(place, tmp_path, *before_rollout()), "--record", tmp_path)) == 1
    with made() as place:
        report = given(place, tmp_path, *after_rollout())
        units = {"INGEST_RECONCILE_BUSINESS_UNITS": "898,899"}
        before = tmp_path / f"{STEM}.json"
        result = run(place.address, report, "--before", before, "--record", tmp_path / "after", **units)

    assert code(result) == 0
    printed = [re.sub("  +", "  ", line) for line in result.stdout.splitlines()]
    assert "revenue  +$9,734.18  +$1,463.19  +$8,270.99  85 %" in printed
    assert "materials  -$6,500.08  $0.00  +$6,500.08  100 %" in printed
    assert "gross_margin  +3.18 points  +0.18 points  +3.00 points  94 %" in printed
    assert "the earlier record is of other business units: all; now 898, 899" in printed
    since = json.loads((tmp_path / "after" / f"{STEM}.json").read_text())["since"]
    assert since["file_sha256"] == sha256(report.read_bytes()).hexdigest()
    assert {"metric": "labor", "gap_then": "-3182.06", "gap_now": "0.00", "closed": "3182.06"} in since["metrics"]
    page = (tmp_path / "after" / f"{STEM}.md").read_text()
    assert "| labor | -$3,182.06 | $0.00 | +$3,182.06 | 100 % |" in page


def test_a_record_has_the_population_the_hash_the_query_and_every_job(place: Place, tmp_path: Path) -> None:
    report = given(place, tmp_path, *before_rollout())
    result = run(place.address, report, "--record", tmp_path / "records", "--json")
    folder = tmp_path / "records"
    content = json.loads((folder / f"{STEM}.json").read_text())
    page = (folder / f"{STEM}.md").read_text()

    assert json.loads(result.stdout) == content
    assert result.stderr.splitlines()[1:] == [f"recorded in {folder / STEM}.{ending}" for ending in ("json", "md")]
    assert content["file_sha256"] == sha256(report.read_bytes()).hexdigest()
    assert content["population"] == {
        "business_units": [],
        "statuses": [],
        "jobs_servicetitan": 244,
        "jobs_warehouse": 244,
        "report_business_units": {"Phoenix-Production": 122, "Tucson-Production": 122},
        "warehouse_business_units": {"2305": 1, "898": 121, "899": 122},
    }
    assert len(content["jobs"]) == 245
    (late,) = (job for job in content["jobs"] if job["job"] == "900021")
    assert (late["servicetitan"]["line"], late["servicetitan"]["materials"]) == (22, "774.78")
    assert (late["warehouse"]["purchase_orders"], late["gap"]["materials"]) == ("0.00", "-516.52")
    assert content["metrics"][3]["gap"] == "-6500.08"
    for part in (content["file_sha256"], content["query"], "| gap | 0 | +$9,734.18 | -$3,182.06 | -$6,500.08 |"):
        assert part in page
    assert "A customer" not in page + json.dumps(content)
    assert page.count("| 9000") == page.count("\n| 9000"), "a job's row begins its line"


def test_a_record_that_is_there_is_replaced_only_on_request(place: Place, tmp_path: Path) -> None:
    rows = week(20)
    report = given(place, tmp_path, rows, warehouse_of(rows))
    (tmp_path / f"{STEM}.md").write_text("mine")
    refused = run(place.address, report, "--record", tmp_path)
    done = run(place.address, report, "--record", tmp_path, "--overwrite")

    assert code(refused) == 2
    assert f"already has {STEM}.md; use --overwrite" in str(refused.exception)
    assert code(done) == 0
    assert (tmp_path / f"{STEM}.md").read_text().startswith("# The warehouse against ServiceTitan")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_2(place: Place, tmp_path: Path) -> None:
    rows = week(20)
    report = given(place, tmp_path, rows, warehouse_of(rows))
    tmp_path.chmod(0o500)

    assert code(run(place.address, report, "--record", tmp_path / "records")) == 2


def test_a_bill_over_the_limit_is_refused_before_the_query(place: Place, tmp_path: Path) -> None:
    rows = week(20)
    report = given(place, tmp_path, rows, warehouse_of(rows))
    refused = run(place.address, report, "--max-bytes", "1000")

    assert code(refused) == 2
    assert str(refused.exception) == "refused: 62914560 bytes are over --max-bytes 1000; raise it, or use --yes"
    assert [dry for _, dry in place.calls] == [True]
    assert code(run(place.address, report, "--max-bytes", "1000", "--yes")) == 0


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("a,b\n", {}, ": line 1: no header of a job costing report"),
        (None, {}, ": cannot be read (No such file or directory)"),
        (export(week(3)), {"start": "2025-10-27"}, "--to 2025-10-26 is before --from 2025-10-27; swap them"),
        (
            export(week(3)).replace("/2025", "/2024"),
            {},
            ": no job from 2025-10-20 to 2025-10-26 to compare; its rows are dated 2024-10-20 to 2024-10-22; correct",
        ),
        (export([]), {}, ": no job from 2025-10-20 to 2025-10-26 to compare; it has no rows"),
        (
            export(week(3)).replace(",Status", ",Condition"),
            {"INGEST_RECONCILE_STATUSES": "Completed"},
            ": no column JobStatus, which reconcile_statuses needs; add it to the report",
        ),
    ],
)
def test_what_cannot_be_compared_is_2(
    place: Place, tmp_path: Path, text: str | None, arguments: dict[str, Any], said: str
) -> None:
    path = tmp_path / "week.csv"
    if text is not None:
        path.write_text(text)
    result = run(place.address, path, **arguments)

    assert code(result) == 2
    assert said in str(result.exception)
    assert place.calls == []


def test_a_period_that_is_not_over_is_2(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    path.write_text(export(week(3)))
    result = run(place.address, path, "--to", "2099-01-01")

    assert code(result) == 2
    assert str(result.exception) == "--to 2099-01-01 is not over in America/Phoenix; compare days that are"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (None, "before.json: cannot be read (No such file or directory)"),
        ("{", "before.json: line 1 is not JSON"),
        ('{"period": 1}', "no record of reconcile: it lacks the key format; --before takes the JSON file"),
        ("[]", "no record of reconcile: it has list for the line instead of dict"),
    ],
)
def test_an_earlier_record_that_is_none_is_2(place: Place, tmp_path: Path, record: str | None, said: str) -> None:
    rows = week(20)
    report = given(place, tmp_path, rows, warehouse_of(rows))
    if record is not None:
        (tmp_path / "before.json").write_text(record)
    result = run(place.address, report, "--before", tmp_path / "before.json")

    assert code(result) == 2
    assert said in str(result.exception)


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (403, "accessDenied", "it needs bigquery.jobUser on kpi-auto-471020 and bigquery.dataViewer on the datasets"),
        (404, "notFound", "compare project, datasets and run_log in cdktf.json"),
    ],
)
def test_no_access_or_a_table_that_is_not_there_is_2(tmp_path: Path, status: int, reason: str, said: str) -> None:
    path = tmp_path / "week.csv"
    path.write_text(export(week(3)))
    with answering(status, google_error(status, reason, "Not found: Table raw_returns")) as root:
        result = run(f"{root}/bigquery/v2/", path)

    assert code(result) == 2
    assert "Table raw_returns" in str(result.exception)
    assert said in str(result.exception)


def test_no_revenue_is_inconclusive_and_2(place: Place, tmp_path: Path) -> None:
    rows = week(20)[:1]
    raw = warehouse_of(rows)
    raw.rows["invoices"][0]["subTotal"] = 0.0
    report = given(place, tmp_path, rows, raw)
    report.write_text(export(rows).replace(f"${rows[0].subtotal}", "$0"))
    result = run(place.address, report)

    assert code(result) == 2
    assert "gross_margin: inconclusive: the revenue must be over 0 on both sides for a margin" in result.stdout
