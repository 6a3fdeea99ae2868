"""ServiceTitan's report as a file: what is read, what is left out, and what is said of a wrong one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.costing.cost_report import MONEY, SPELLINGS, Report, ReportError, ReportRow, read_report
from tests.given.job_costing import HEAD, dollars, export, week

ROWS = week(20)
API = ["ScheduledDate", "JobNumber", "Subtotal", "LaborPay", "PayrollAdjustments"]
API += ["MaterialEquipmentPurchaseOrderCosts", "ReturnCosts"]


def small(cells: dict[str, str] | None = None, *more: str, head: str = ",".join(API)) -> bytes:
    """A report of one job, on line 2; `more` are lines below it."""
    row = {"ScheduledDate": "2025-10-20", "JobNumber": "7", **dict.fromkeys(API[2:], "1.00"), **(cells or {})}
    line = ",".join(f'"{row[name]}"' for name in API)
    return "\n".join([head, line, *more]).encode()


def problem(raw: bytes) -> str:
    with pytest.raises(ReportError) as found:
        read_report(raw)
    assert "\n" not in str(found.value)
    return str(found.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(("delimiter", "name"), [(",", "comma"), ("\t", "tab"), (";", "semicolon")])
def test_the_export_is_read_whatever_its_encoding_and_delimiter(encoding: str, delimiter: str, name: str) -> None:
    raw = export(ROWS, delimiter).encode(encoding)
    report = read_report(raw)

    assert report.rows == ROWS
    assert (report.delimiter, report.encoding, report.notes) == (name, encoding.partition("-sig")[0][:6].upper(), [])
    assert report.digest == sha256(raw).hexdigest()


def test_the_apis_spellings_are_read_and_columns_may_be_in_any_order() -> None:
    (row,) = read_report(small()).rows
    lines = ["ReturnCosts,job number,Labor pay,SUBTOTAL,Payroll_Adjustments,Other,Scheduled Date,"
             "MaterialEquipmentPurchaseOrderCosts", "-5,7,2,1,3,x,2025-10-20T00:00:00-07:00,4"]  # fmt: skip
    (other,) = read_report("\r\n".join(lines).encode()).rows

    assert (row.number, row.day, row.line) == ("7", date(2025, 10, 20), 2)
    assert [getattr(other, name) for name in MONEY] == [1, 2, 3, 4, -5]
    assert [other.labor, other.net_materials] == [5, -1]
    assert other.day == date(2025, 10, 20)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("$2,139.46", "2139.46"),
        ("2139.46", "2139.46"),
        ("-$66.00", "-66.00"),
        ("$-66", "-66.00"),
        ("\N{MINUS SIGN}66", "-66.00"),
        ("($1,066.50)", "-1066.50"),
        ("66.00-", None),
        ("$ 5.00", "5.00"),
        (".5", "0.50"),
        ("1584.3800000000001", "1584.38"),
        ("0.005", "0.01"),
        ("-0.00", "0.00"),
        ("1,23", None),
        ("1.234,56", None),
        ("12,34.00", None),
        ("(-5)", None),
        ("--5", None),
        ("$", None),
        ("-", None),
        ("NaN", None),
        ("1e5", None),
        ("٣", None),
        ("9" * 13, None),
    ],
)
def test_an_amount_is_exact_or_an_error_with_its_line(cell: str, value: str | None) -> None:
    raw = small({"Subtotal": cell})
    if value is None:
        assert problem(raw) == f"line 2: Subtotal is {cell!r}, no amount such as $1,234.50 or -66.00"
    else:
        assert str(read_report(raw).rows[0].subtotal) == value


@given(cents=st.integers(-(10**11), 10**11))
def test_every_amount_of_whole_cents_is_read_as_it_is_written(cents: int) -> None:
    value = Decimal(cents) / 100
    forms = (f"{value}", f"{value:,.2f}", f"{'-' if value < 0 else ''}${abs(value):,.2f}", f"(${-value:,.2f})")

    for form in forms if value < 0 else forms[:3]:
        assert read_report(small({"LaborPay": form})).rows[0].labor_pay == value


def test_titles_sums_and_empty_lines_are_left_out_and_counted() -> None:
    lines = export(ROWS[:3]).splitlines()
    title = "Business Unit: A" + "," * HEAD.count(",")
    total = sum(row.subtotal for row in ROWS[:3])
    sums = f'Total,,,,,,,"${total:,.2f}",,,,,,,'
    report = read_report("\n".join([lines[0], title, *lines[1:], "", sums]).encode())

    assert [row.line for row in report.rows] == [3, 4, 5]
    assert report.notes == [
        "1 row without a job and amounts (titles of groups): left out (line 2)",
        "1 row with amounts but no job (sums): left out (line 7)",
    ]


def grouped(grand_total: str) -> bytes:
    """An export by business unit: a column without a name, titles, and sums that leave the returns out."""
    head, *lines = export(ROWS[:4]).splitlines()
    sums = [f",,2,,,,,,{','.join(dollars(sum_of(ROWS[n : n + 2], name)) for name in MONEY[:-1])},,,," for n in (0, 2)]
    title = "Business Unit: A" + "," * 15
    rows = [f",{line}".replace("A customer", '"A customer, Inc."') for line in lines]
    return "\n".join([f",{head}", title, *rows[:2], sums[0], title, *rows[2:], sums[1], grand_total]).encode()


def sum_of(rows: list[ReportRow], name: str) -> Decimal:
    return sum((getattr(row, name) for row in rows), Decimal(0))


def test_an_export_in_groups_is_its_jobs() -> None:
    total = ",".join(dollars(sum_of(ROWS[:4], name)) for name in MONEY[:-1])
    report = read_report(grouped(f",,4,,,,,,{total},,,,"))

    assert [replace(row, line=0) for row in report.rows] == [replace(row, line=0) for row in ROWS[:4]]
    assert report.notes == [
        "2 rows without a job and amounts (titles of groups): left out (lines 2, 6)",
        "3 rows with amounts but no job (sums): left out (lines 5, 9, 10)",
    ]
    assert len(read_report(grouped("")).notes) == 2, "the last sums may be those of the last group"


@pytest.mark.parametrize("number", ["Total", "4", "-"])
def test_a_sum_with_something_for_a_number_is_no_job(number: str) -> None:
    report = read_report(grouped(f",,,,,,,{number},$1.00,,,,,,,"))

    assert len(report.rows) == 4
    assert "3 rows with amounts but no job (sums): left out (lines 5, 9, 10)" in report.notes


def test_a_job_without_a_date_is_one_where_the_file_says_anything_else_of_it() -> None:
    head, row = export(ROWS[:1]).splitlines()
    undated = row.replace("10/20/2025", "")

    assert [job.day for job in read_report(f"{head}\n{undated}".encode()).rows] == [None]


def test_sums_that_are_not_those_of_the_rows_are_told() -> None:
    found = {name: sum_of(ROWS[:4], name) for name in MONEY[:-1]}
    wrong = found | {"subtotal": Decimal("99999.00"), "materials": found["materials"] + Decimal("0.01")}
    report = read_report(grouped(f",,5,,,,,,{','.join(map(dollars, wrong.values()))},,,,"))

    assert report.notes[2:] == [
        f"line 10 sums Subtotal to $99,999.00, the rows come to ${found['subtotal']:,.2f}",
        f"line 10 sums MaterialEquipmentPurchaseOrderCosts to ${wrong['materials']:,.2f}, "
        f"the rows come to ${found['materials']:,.2f}",
    ]


def test_empty_cells_and_parts_that_are_not_the_total_are_told() -> None:
    head = ",".join([*API, "TotalCosts"])
    report = read_report("\n".join([head, ",7,1,,,2,-1,", ",8,1,1,,2,-1,2.02", ",9,1,1,,2,-1,9"]).encode())

    assert [row.labor for row in report.rows] == [0, 1, 1]
    assert report.notes == [
        "1 empty cell of LaborPay: read as $0.00",
        "3 empty cells of PayrollAdjustments: read as $0.00",
        "3 rows without a scheduled date: counted in the period (lines 2, 3, 4)",
        "1 row whose total costs are not labor pay + adjustments + materials + returns (line 4)",
    ]


def test_a_title_above_the_header_and_cells_with_line_breaks_keep_the_line_numbers() -> None:
    raw = b'Job costing\n\n"Customer\nName",' + ",".join(API).encode() + b'\n"A\nB",2025-10-20,7,1,1,1,1,x\n'

    assert problem(raw).startswith("line 5: ReturnCosts is 'x'")


def test_a_job_twice_is_refused_with_both_lines() -> None:
    assert problem(small({}, small().decode().splitlines()[1])) == (
        "lines 2 and 3 both have job 7; export one row a job"
    )


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "line 1: no header of a job costing report in the first 20 lines; it needs the columns JobNumber"),
        (b"a,b,c\n1,2,3\n", "line 1: no header of a job costing report"),
        (b"PK\x03\x04rest", "this is an Excel workbook; save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "this is an Excel workbook"),
        (small() + b"\n\xe9,1", "line 3: neither UTF-8 nor UTF-16; save the file as CSV UTF-8"),
        (small(head=",".join(API[:-1])), "line 1: no column ReturnCosts; add it to the report and export it again"),
        (small(head=",".join([*API, "Returns"])), "line 1: two columns for ReturnCosts; export one of them"),
        (small({"ScheduledDate": "20.10.2025"}), "line 2: ScheduledDate is '20.10.2025', no date such as 10/20/2025"),
        (small({"ScheduledDate": "13/13/2025"}), "line 2: ScheduledDate is '13/13/2025', no date"),
        (small({"JobNumber": "3.89E+08"}), "line 2: JobNumber is '3.89E+08', no job number such as 389324885; a spre"),
        (small({"JobNumber": "Total"}), "line 2: JobNumber is 'Total', no job number"),
        (small({"JobNumber": "7' OR 1=1"}), 'line 2: JobNumber is "7\' OR 1=1", no job number'),
        (small({}, "2025-10-21,8,1.00,1.00,1.00"), "line 3: 5 cells, the header has more; is the file cut off here?"),
        (small({}, "2025-10-21,8,$1,234.00,1,1,1,1"), "line 3: 8 cells, more than the header has; amounts with commas"),
        (small({}, '2025-10-21,8,"1.00'), "line 3: not comma-separated text (unexpected end of data)"),
    ],
)
def test_a_wrong_file_gets_one_message_with_the_line(raw: bytes, said: str) -> None:
    assert problem(raw).startswith(said)


def test_every_spelling_is_a_column_of_its_own() -> None:
    for name, spellings in SPELLINGS.items():
        for spelling in spellings:
            head = ",".join(spelling if SPELLINGS[name][0] == column else column for column in API)
            assert isinstance(read_report(small(head=head)), Report)


@given(raw=st.binary(max_size=200))
def test_no_file_makes_it_fail_in_another_way(raw: bytes) -> None:
    for content in (raw, small() + raw):
        with suppress(ReportError):
            read_report(content)
