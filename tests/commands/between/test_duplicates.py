"""`ingest-rollout duplicates` as an operator types it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from commands.between.duplicates import duplicates
from operations.cloud.bigquery import ENDPOINT_VARIABLE
from tests.given.domain import SETTINGS
from tests.given.result import code
from tests.given.tables import NOW, Place, answering, google_error

pytestmark = pytest.mark.usefixtures("in_the_repository")


def run(address: str, *arguments: str) -> Result:
    return CliRunner().invoke(duplicates, arguments, env={ENDPOINT_VARIABLE: address}, standalone_mode=False)


def cells(result: Result, entity: str) -> list[str]:
    (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"{entity} ")]
    return [cell.strip() for cell in line.split("  ") if cell]


def again(place: Place, entity: str, count: int) -> None:
    place.warehouse.stream(entity, range(count), NOW - timedelta(hours=3))


def test_tables_without_a_double_end_with_0_after_the_bill(place: Place) -> None:
    place.load_all()
    result = run(place.address)

    assert code(result) == 0
    assert result.stdout.startswith("BigQuery bills 170.0 MiB at most for 16 tables.\nentity")
    assert cells(result, "returns")[2:] == ["returnId", "1", "1", "0", "pass"]
    assert place.calls[-1] == ("query", False)
    assert [dry for _, dry in place.calls].count(False) == 2, "the columns and the keys"


def test_doubled_rows_end_with_1_and_their_number(place: Place) -> None:
    place.load_all()
    again(place, "purchase_orders", 3)
    again(place, "purchase_orders", 2)
    result = run(place.address)

    assert code(result) == 1
    assert cells(result, "purchase_orders")[2:] == ["purchaseOrderId", "6", "3", "3", "fail"]
    assert result.stdout.count("pass") == 15


def test_equal_payroll_items_are_a_warning(place: Place) -> None:
    place.load_all()
    again(place, "payroll", 1)
    result = run(place.address)

    assert code(result) == 0
    assert cells(result, "payroll")[-4:] == ["2", "1", "1", "warn"]


def test_a_table_that_does_not_exist_has_none(place: Place) -> None:
    place.load("jobs", timedelta(0))
    result = run(place.address)

    assert code(result) == 0
    assert cells(result, "returns")[-4:] == ["0", "0", "0", "pass"]


def test_a_table_without_its_key_is_named_and_hides_no_other(place: Place) -> None:
    place.load_all()
    again(place, "jobs", 2)
    place.warehouse.execute(f"ALTER TABLE {SETTINGS.dataset}.raw_returns RENAME returnId TO other")
    result = run(place.address)
    assert code(result) == 1, "the doubled jobs"
    assert cells(result, "returns")[-1] == "inconclusive"
    assert (
        "returns: table kpi-auto-471020.st_raw_v2.raw_returns has no column returnId; compare it with key"
        in result.stdout
    )

    place.warehouse.delete("jobs", range(2))
    assert code(run(place.address)) == 2


def test_json_has_the_same_and_the_bill_goes_to_stderr(place: Place) -> None:
    place.load_all()
    again(place, "returns", 1)
    result = run(place.address, "--json")
    content = json.loads(result.stdout)

    assert code(result) == 1
    assert result.stderr.startswith("BigQuery bills")
    (returns,) = [one for one in content["entities"] if one["entity"] == "returns"]
    assert returns == {
        "entity": "returns",
        "table": "kpi-auto-471020.st_raw_v2.raw_returns",
        "key": ["returnId"],
        "rows": 2,
        "keys": 1,
        "doubled": 1,
        "verdict": "fail",
        "error": None,
    }


def test_a_bill_over_the_limit_is_refused_before_anything_is_read(place: Place) -> None:
    place.load_all()
    result = run(place.address, "--max-bytes", "100")

    assert code(result) == 2
    assert "refused: 178258120 bytes are over --max-bytes 100" in str(result.exception)
    assert [dry for _, dry in place.calls].count(False) == 1, "the columns"
    assert code(run(place.address, "--max-bytes", "100", "--yes")) == 0


def test_no_answer_ends_with_2_and_one_line() -> None:
    with answering(403, google_error(403, "accessDenied", "Access Denied: Project")) as root:
        result = run(f"{root}/bigquery/v2/")

    assert code(result) == 2
    assert "it needs bigquery.jobUser" in str(result.exception)
