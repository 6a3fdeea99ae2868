"""ServiceTitan's job costing report, as its export has it: CSV or TSV, a row for each job.

The reader is strict: what it does not understand is an error with the line, and what it leaves out is counted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

CENT = Decimal("0.01")
HEADER_WITHIN = 20
"""The header is in one of the first so many lines; an export may have a title above it."""

SPELLINGS = {
    "number": ("JobNumber", "Job Number", "Job #"),
    "day": ("ScheduledDate", "Scheduled Date"),
    "business_unit": ("JobBusinessUnit", "Job Business Unit", "Business Unit"),
    "status": ("JobStatus", "Job Status", "Status"),
    "subtotal": ("Subtotal", "Jobs Subtotal"),
    "labor_pay": ("LaborPay", "Labor Pay"),
    "adjustments": ("PayrollAdjustments", "Payroll Adjustments"),
    "materials": ("MaterialEquipmentPurchaseOrderCosts", "Materials + Equip. + PO/Bill Costs"),
    "returns": ("ReturnCosts", "Return Costs", "Returns"),
    "total_costs": ("TotalCosts", "Total Costs", "Jobs Total Costs"),
}
"""The columns that are read, as the API and the export spell them; upper case, spaces and signs do not matter."""

OPTIONAL = ("business_unit", "status", "total_costs")
MONEY = ("subtotal", "labor_pay", "adjustments", "materials", "returns")

_DATES = ("%m/%d/%Y", "%Y-%m-%d", "%m/%d/%y")
_AMOUNT = re.compile(r"(?:\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.\d{1,20})?|\.\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9-]{0,39}", re.ASCII)
_DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon"}
_ROUNDING = Decimal("0.02")
"""By how much parts that are rounded to cents may differ from their rounded sum."""


class ReportError(ValueError):
    """A file that is no such report; the text says where and what to do."""


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A job in the report, in US dollars and cents. `returns` lowers the costs and is negative."""

    line: int
    """The row's first line in the file, from 1."""
    number: str
    day: date | None
    """None: the cell is empty."""
    business_unit: str = ""
    status: str = ""
    subtotal: Decimal = Decimal(0)
    labor_pay: Decimal = Decimal(0)
    adjustments: Decimal = Decimal(0)
    materials: Decimal = Decimal(0)
    returns: Decimal = Decimal(0)

    @property
    def labor(self) -> Decimal:
        return self.labor_pay + self.adjustments

    @property
    def net_materials(self) -> Decimal:
        """Net of returns."""
        return self.materials + self.returns


@dataclass(frozen=True)
class Report:
    """All rows of the file that are jobs, and `notes`: what was left out, or read in a way that one has to know."""

    rows: list[ReportRow]
    encoding: str
    delimiter: str
    digest: str
    """SHA-256 of the file, in hexadecimal."""
    has_status: bool = True
    notes: list[str] = field(default_factory=list)


def read_report(raw: bytes) -> Report:
    """The report in a file's content. Raises ReportError for what is none, with the line."""
    text, encoding = _decoded(raw)
    delimiter, header, width, columns = _header(text)
    rows: list[ReportRow] = []
    titles: list[int] = []
    totals: list[tuple[int, dict[str, Decimal]]] = []
    empty: dict[str, int] = {}
    mismatched: list[int] = []
    for line, cells in _records(text, delimiter):
        if line <= header or not any(cells):
            continue
        cell = {name: cells[place] if place < len(cells) else "" for name, place in columns.items()}
        amounts = {name: _money(cell[name], line, name) for name in MONEY}
        if not _is_job(cell):
            # Groups have a title, and sums below them.
            if sums := {name: amounts[name] for name in MONEY if cell[name]}:
                totals.append((line, sums))
            else:
                titles.append(line)
            continue
        if len(cells) <= max(columns.values()):
            raise ReportError(f"line {line}: {len(cells)} cells, the header has more; is the file cut off here?")
        if any(cells[width:]):
            raise ReportError(
                f"line {line}: {len(cells)} cells, more than the header has; amounts with commas need quotes"
            )
        for name in MONEY:
            if not cell[name]:
                empty[name] = empty.get(name, 0) + 1
        row = ReportRow(
            line=line,
            number=_number(cell["number"], line),
            day=_day(cell["day"], line),
            business_unit=cell.get("business_unit", ""),
            status=cell.get("status", ""),
            **amounts,
        )
        if cell.get("total_costs"):
            costs = _money(cell["total_costs"], line, "total_costs")
            if abs(costs - row.labor - row.net_materials) > _ROUNDING:
                mismatched.append(line)
        rows.append(row)
    _once(rows)
    notes = [
        *_noted(titles, "without a job and amounts (titles of groups): left out"),
        *_noted([line for line, _ in totals], "with amounts but no job (sums): left out"),
        *_grand_total(rows, totals),
        *(f"{counted(count, 'empty cell')} of {_spelling(name)}: read as $0.00" for name, count in empty.items()),
        *_noted([row.line for row in rows if row.day is None], "without a scheduled date: counted in the period"),
        *_noted(mismatched, "whose total costs are not labor pay + adjustments + materials + returns"),
    ]
    digest = sha256(raw).hexdigest()
    return Report(rows, encoding, _DELIMITERS[delimiter], digest, "status" in columns, notes)


def lines(numbers: Sequence[int], most: int = 5) -> str:
    """ "line 4", "lines 4, 9 and 3 more"."""
    shown = ", ".join(map(str, numbers[:most]))
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"line{'' if len(numbers) == 1 else 's'} {shown}{more}"


def counted(count: int, what: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _noted(numbers: Sequence[int], what: str) -> list[str]:
    return [f"{counted(len(numbers), 'row')} {what} ({lines(numbers)})"] if numbers else []


def _decoded(raw: bytes) -> tuple[str, str]:
    if raw[:4] == b"PK\x03\x04" or raw[:4] == b"\xd0\xcf\x11\xe0":
        raise ReportError("this is an Excel workbook; save it as CSV (UTF-8), or export CSV from ServiceTitan")
    encoding = "utf-8-sig"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif raw[1:2] == b"\0" or raw[:1] == b"\0":
        encoding = "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ReportError(f"line {line}: neither UTF-8 nor UTF-16; save the file as CSV UTF-8") from None
    return text, "UTF-16" if encoding.startswith("utf-16") else "UTF-8"


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with its first line, its cells without spaces around them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise ReportError(f"line {line}: not {_DELIMITERS[delimiter]}-separated text ({error})") from None


def _header(text: str) -> tuple[str, int, int, dict[str, int]]:
    """The delimiter, the header's line and number of cells, and where each column is."""
    best: tuple[int, str, int, list[str]] = (0, ",", 0, [])
    broken = None
    for delimiter in _DELIMITERS:
        try:
            for number, (line, cells) in enumerate(_records(text, delimiter)):
                if number == HEADER_WITHIN:
                    break
                known = len({name for cell in cells if (name := _column(cell))})
                if known > best[0]:
                    best = (known, delimiter, line, cells)
        except ReportError as error:
            # Of another delimiter than the file's, a quote is out of place.
            broken = error
    known, delimiter, line, cells = best
    if known < 3:
        raise broken or ReportError(
            f"line 1: no header of a job costing report in the first {HEADER_WITHIN} lines; it needs the columns "
            f"{', '.join(_spelling(name) for name in SPELLINGS if name not in OPTIONAL)}"
        )
    columns: dict[str, int] = {}
    for place, cell in enumerate(cells):
        name = _column(cell)
        if name in columns:
            raise ReportError(f"line {line}: two columns for {_spelling(name)}; export one of them")
        if name:
            columns[name] = place
    missing = [_spelling(name) for name in SPELLINGS if name not in columns and name not in OPTIONAL]
    if missing:
        raise ReportError(f"line {line}: no column {', '.join(missing)}; add it to the report and export it again")
    return delimiter, line, len(cells), columns


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower().replace("#", "number"))


_BY_SPELLING = {_plain(spelling): name for name, spellings in SPELLINGS.items() for spelling in spellings}


def _column(cell: str) -> str:
    return _BY_SPELLING.get(_plain(cell), "")


def _spelling(name: str) -> str:
    return SPELLINGS[name][0]


def _money(cell: str, line: int, name: str) -> Decimal:
    """`$1,234.50`, `-$66.00`, `$-66`, `(66.00)`; more decimals than two are rounded half up."""
    bare = cell.replace("\N{MINUS SIGN}", "-").replace(" ", "")
    in_parentheses = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if in_parentheses else bare
    minus = bare.count("-")
    bare = bare.replace("-", "", 1) if re.match(r"\$?-|-\$", bare) else bare
    bare = bare.removeprefix("$")
    if not bare and not cell:
        return Decimal(0)
    if not _AMOUNT.fullmatch(bare) or (in_parentheses and minus):
        raise ReportError(f"line {line}: {_spelling(name)} is {cell!r}, no amount such as $1,234.50 or -66.00")
    value = Decimal(bare.replace(",", "")).quantize(CENT, ROUND_HALF_UP)
    return -value if (in_parentheses or minus) and value else value


def _day(cell: str, line: int) -> date | None:
    if not cell:
        return None
    day = re.split(r"[T ]", cell, maxsplit=1)[0]
    for form in _DATES:
        try:
            return datetime.strptime(day, form).date()
        except ValueError:
            continue
    raise ReportError(f"line {line}: {_spelling('day')} is {cell!r}, no date such as 10/20/2025 or 2025-10-20")


def _is_job(cell: Mapping[str, str]) -> bool:
    """Not so a sum, which may have "Total" or a count of jobs for a number, but says nothing else of a job."""
    others = [cell[name] for name in ("day", "business_unit", "status") if name in cell]
    return bool(cell["number"]) and (any(others) or (len(others) == 1 and cell["number"].isdecimal()))


def _number(cell: str, line: int) -> str:
    if not _NUMBER.fullmatch(cell) or re.fullmatch(r"\d+E\d+", cell):
        hint = "; a spreadsheet may have rounded it, export the report again" if "E+" in cell or "." in cell else ""
        raise ReportError(f"line {line}: {_spelling('number')} is {cell!r}, no job number such as 389324885{hint}")
    return cell


def _once(rows: Sequence[ReportRow]) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        if row.number in seen:
            raise ReportError(
                f"lines {seen[row.number]} and {row.line} both have job {row.number}; export one row a job"
            )
        seen[row.number] = row.line


def _grand_total(rows: Sequence[ReportRow], totals: Sequence[tuple[int, dict[str, Decimal]]]) -> list[str]:
    """Where the last sums are neither those of all rows nor of the last group: a file that was cut or filtered."""
    if not totals or (rows and totals[-1][0] < rows[-1].line):
        return []
    line, sums = totals[-1]
    group = [row for row in rows if not any(row.line < other for other, _ in totals[:-1])]
    if sums in ({name: _sum(some, name) for name in sums} for some in (rows, group)):
        return []
    return [
        f"line {line} sums {_spelling(name)} to ${total:,.2f}, the rows come to ${_sum(rows, name):,.2f}"
        for name, total in sums.items()
        if total != _sum(rows, name)
    ]


def _sum(rows: Sequence[ReportRow], name: str) -> Decimal:
    return sum((getattr(row, name) for row in rows), Decimal(0))
