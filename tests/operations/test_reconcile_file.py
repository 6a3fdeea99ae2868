"""The file of figures, and what is said of one that is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations.errors import OperationError
from operations.reconcile import PLAN, Figures, Tolerance, compare, read
from tests.checkout import ROOT

EXAMPLE = ROOT / "docs" / "reconcile-example.toml"
TODAY = date(2025, 11, 10)
PERIOD = "[period]\nfrom = 2025-10-20\nto = 2025-10-26\n"
FIGURE = 'source = "a report"\nby = "a person"\nas_of = 2025-11-03\n'


def read_text(folder: Path, content: str | bytes) -> Figures:
    path = folder / "figures.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path, TODAY)


def problems(folder: Path, content: str | bytes) -> list[str]:
    with pytest.raises(OperationError) as caught:
        read_text(folder, content)
    prefix = f"{folder / 'figures.toml'}: "
    lines = str(caught.value).split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_the_example_holds_the_plans_week_gaps_targets_and_job_count() -> None:
    found = read(EXAMPLE, TODAY)
    rows = {row.metric: row for row in compare(found)}
    gaps = {name: row.before.gap for name, row in rows.items() if row.before and name != "gross_margin"}
    percents = {name: f"{row.before.percent:+.2f}" for name, row in rows.items() if row.before and row.before.percent}

    assert (found.start, found.end) == (date(2025, 10, 20), date(2025, 10, 26))
    assert gaps == {"materials": -7024, "labor": -3182, "revenue": 9734}
    assert percents == {"materials": "-6.52", "labor": "-1.85", "revenue": "+2.05"}
    assert {name: row.tolerance for name, row in rows.items()} == {name: row.plan for name, row in rows.items()}
    assert rows["job_count"].reference == 244


def test_the_example_says_of_itself_that_it_is_one() -> None:
    content = EXAMPLE.read_text(encoding="utf-8")

    assert content.startswith("# EXAMPLE FIGURES")
    assert read(EXAMPLE, TODAY).is_example
    assert content.count("source = ") == content.count('source = "EXAMPLE')
    assert content.count("by = ") == content.count('by = "EXAMPLE')


def test_money_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = read_text(tmp_path, PERIOD + "[revenue.now]\nvalue = 1_234_567.10\n" + FIGURE)
    now = found.metrics["revenue"].now

    assert now is not None
    assert (now.value, now.source, now.by, now.as_of) == (
        Decimal("1234567.10"),
        "a report",
        "a person",
        date(2025, 11, 3),
    )
    assert not found.is_example


def test_tolerances_are_the_plans_unless_the_file_sets_one(tmp_path: Path) -> None:
    found = read_text(
        tmp_path,
        PERIOD + "[materials]\ntolerance_absolute = 50.5\n"
        "[revenue]\ntolerance_percent = 2\ntolerance_absolute = 9\n"
        "[gross_margin]\ntolerance_points = 1.5\n",
    )
    assert found.metrics["labor"].tolerance == PLAN["labor"]
    assert found.metrics["materials"].tolerance == Tolerance(absolute=Decimal("50.5"))
    assert found.metrics["revenue"].tolerance == Tolerance(Decimal(2), Decimal(9))
    assert (found.margin_points, found.max_days_apart) == (Decimal("1.5"), 1)


@pytest.mark.parametrize("days", [0, 7])
def test_the_file_says_how_far_apart_dates_may_be(days: int, tmp_path: Path) -> None:
    assert read_text(tmp_path, f"max_days_apart = {days}\n" + PERIOD).max_days_apart == days


def test_what_is_not_filled_in_yet_is_missing_and_no_error(tmp_path: Path) -> None:
    found = read_text(tmp_path, PERIOD + '[labor.now]\nsource = "a report"\n')

    assert not [one for one in found.metrics.values() if one.reference or one.before or one.now]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    assert read_text(tmp_path, b"\xef\xbb\xbf" + PERIOD.replace("\n", "\r\n").encode()).start == date(2025, 10, 20)


WRONG = {
    "period.from: missing; add a date until 2025-11-10, without quotes, such as 2025-10-26": (
        "[period]\nto = 2025-10-26"
    ),
    "period.to: 2025-10-19 is before period.from, 2025-10-20; swap them": (
        "[period]\nfrom = 2025-10-20\nto = 2025-10-19"
    ),
    "period.to: '2025-10-26' is not allowed; allowed: a date until 2025-11-10, without quotes, such as 2025-10-26": (
        "[period]\nfrom = 2025-10-20\nto = '2025-10-26'"
    ),
    "period: 'last week' is no table; write [period] and its keys below it": "period = 'last week'",
    "labour: not a key; did you mean 'labor'?": PERIOD + "[labour]",
    "LABOR: not a key; did you mean 'labor'?": PERIOD + "[LABOR]",
    "zzz: not a key; known keys: example, max_days_apart, period, revenue, materials, labor, job_count, gross_margin": (
        "zzz = 1\n" + PERIOD
    ),
    "materials.nwo: not a key; did you mean 'now'?": PERIOD + "[materials.nwo]",
    "materials.now.Vaule: not a key; did you mean 'value'?": PERIOD + "[materials.now]\nVaule = 1",
    "gross_margin.value: not a key; known keys: tolerance_points": PERIOD + "[gross_margin]\nvalue = 40",
    "labor.now.by: missing; add who read it, a name in quotes": (
        PERIOD + "[labor.now]\nvalue = 1\nsource = 'a report'\nas_of = 2025-11-03"
    ),
    "labor.now.as_of: missing; add a date until 2025-11-10, without quotes, such as 2025-10-26": (
        PERIOD + "[labor.now]\nvalue = 1\nsource = 'a report'\nby = 'a person'"
    ),
    "max_days_apart: -1 is not allowed; allowed: a whole number of days from 0": "max_days_apart = -1\n" + PERIOD,
    "example: 1 is not allowed; allowed: true or false": "example = 1\n" + PERIOD,
    "labor.tolerance_percent: 100.1 is not allowed; allowed: 0 to 100": PERIOD + "[labor]\ntolerance_percent = 100.1",
    "labor: an array is no table; write [labor] and its keys below it": PERIOD + "[[labor]]",
    r"'lab\x1bor': not a key; did you mean 'labor'?": '"lab\\u001bor" = 1\n' + PERIOD,
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(message: str, tmp_path: Path) -> None:
    assert message in problems(tmp_path, WRONG[message])


NO_MONEY = [
    *("'1'", "''", "true", "[1]", "{a = 1}", "2025-10-20"),
    *("1.005", "nan", "inf", "1e12", "1e400", "1e99999999999999999999", "1e-30", f"1.{'0' * 40}1"),
    *(f"0x{'f' * 5000}", "9" * 5000),
]


@pytest.mark.parametrize("value", NO_MONEY)
def test_what_is_no_amount_of_money_is_refused_in_one_line(value: str, tmp_path: Path) -> None:
    found = problems(tmp_path, PERIOD + f"[labor.now]\nvalue = {value}\n" + FIGURE)

    assert len(found) == 1
    assert len(found[0]) < 200


@pytest.mark.parametrize("value", ["-1", "244.5", "'244'"])
def test_a_job_count_is_a_whole_number(value: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, PERIOD + f"[job_count.now]\nvalue = {value}\n" + FIGURE)

    assert found == (
        f"job_count.now.value: {value} is not allowed; allowed: a whole number from 0, without quotes, such as 244"
    )


@pytest.mark.parametrize("value", ["2025-11-11", "2025-11-03T10:00:00", "2025-11-03T10:00:00Z", "10:00:00", "20251103"])
def test_an_as_of_date_is_a_date_that_has_come(value: str, tmp_path: Path) -> None:
    content = PERIOD + f"[labor.now]\nvalue = 1\nsource = 'a'\nby = 'b'\nas_of = {value}\n"

    assert problems(tmp_path, content)[0].startswith("labor.now.as_of: ")


@pytest.mark.parametrize("value", ["''", "' '", r'"a\nb"', r'"\u001b[31m"', "7"])
def test_provenance_is_one_printable_line(value: str, tmp_path: Path) -> None:
    content = PERIOD + f"[labor.now]\nvalue = 1\nsource = {value}\nby = 'b'\nas_of = 2025-11-03\n"
    (found,) = problems(tmp_path, content)

    assert found.startswith("labor.now.source: ")
    assert found.isprintable()


def test_all_problems_are_in_one_report(tmp_path: Path) -> None:
    found = problems(tmp_path, "perod = 1\n[labor]\ntolerance_percent = -1\n[labor.now]\nvalue = 'x'\nby = 7\n")

    assert [line.split(":")[0] for line in found] == [
        "perod",
        "period.from",
        "period.to",
        "labor.tolerance_percent",
        "labor.now.value",
        "labor.now.source",
        "labor.now.by",
        "labor.now.as_of",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a = ", "not TOML: Invalid value (at "),
        ("[labor]\n[labor]\n", "not TOML: "),
        ("a = 2025-13-40", "not TOML: "),
        (b"a = '\xff'", "byte 5 is not UTF-8; save the file as UTF-8"),
        ("a = " + "[" * 100_000, "nested too deeply; docs/reconcile-example.toml shows the form"),
    ],
)
def test_what_is_not_toml_is_said_in_one_line(content: str | bytes, said: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, content)

    assert found.startswith(said)


def test_a_file_that_is_not_there_or_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(OperationError, match="cannot be read"):
            read(path, TODAY)


LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
VALUES = st.sampled_from(["", "=", "7", "''", "nan", "[]", "{}", "2025-10-26", "-1e9", "true", "0x" + "f" * 300])


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LINES) - 1), VALUES), min_size=1, max_size=4))
def test_a_file_with_any_lines_spoilt_is_read_or_refused(spoilt: list[tuple[int, str]]) -> None:
    lines = list(LINES)
    for number, value in spoilt:
        lines[number] = lines[number].partition("=")[0] + "= " + value
    with TemporaryDirectory() as folder, suppress(OperationError):
        compare(read_text(Path(folder), "\n".join(lines)))
