"""What a shift is worth: which windows, and what the very text that BigQuery gets counts in them, on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.judging.worth import Moved, Worth, add_up, last_nights, moved, windows, worth_select
from ingest.schedule import Cadence
from tests.given.domain import PHOENIX, SETTINGS, in_phoenix, night
from tests.given.tables import Place
from tests.given.tables import place as opened

SHIFT = night(2)
MOVED = moved(SHIFT.world_before(), SHIFT.world(), PHOENIX)
BY_NAME = {one.entity.name: one for one in MOVED}
INVOICES, ORDERS, JOBS = BY_NAME["invoices"], BY_NAME["purchase_orders"], BY_NAME["jobs"]
EVENING = in_phoenix("2026-10-26T21:00")
NIGHTS = last_nights(MOVED, EVENING, 3)
OWN = ["jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"]
COUNTED_TOO = ["purchase_orders", "inventory_bills", "returns", "payroll_adjustments"]


def changed(place: Place, entity: str, key: object, at: str | datetime, amount: object = 0) -> None:
    """A row of a record that was last changed at that time."""
    one = BY_NAME[entity].entity
    moment = (in_phoenix(at) if isinstance(at, str) else at).astimezone(UTC).replace(tzinfo=None)
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(["id", one.key[0], *filter(None, [one.amount])]))
    values = ", ".join(map(str, [*dict.fromkeys([key]), *([key] if one.key != ("id",) else []), amount]))
    place.warehouse.load(entity, range(0), EVENING)
    if not one.amount:
        values = str(key)
    place.warehouse.execute(
        f'INSERT INTO {SETTINGS.dataset}.{one.table_name} ({names}, "modifiedOn", _ingested_at, _ingestion_source) '  # noqa: S608
        f"VALUES ({values}, TIMESTAMP '{moment}', now(), 'a test')"
    )


def worth(place: Place, *found: Moved, nights: Sequence[date] = NIGHTS) -> list[Worth]:
    answer = place.bigquery.query({"query": worth_select(SHIFT, found, nights)})
    names = [field["name"] for field in answer["schema"]["fields"]]
    rows = [dict(zip(names, (cell["v"] for cell in row["f"]), strict=True)) for row in answer["rows"]]
    return add_up(found, nights, rows)


def test_the_jobs_that_a_night_moves_are_counted_from_their_own_time_and_others_from_the_first_of_these() -> None:
    assert [one.entity.name for one in MOVED if one.is_own] == OWN
    assert [one.entity.name for one in MOVED if not one.is_own] == COUNTED_TOO
    assert (INVOICES.old.clock, INVOICES.new.clock) == ("02:15", "04:30")
    assert (ORDERS.old.clock, ORDERS.new.clock) == ("02:00", "04:45")


@pytest.mark.parametrize(("number", "strategy", "moves"), [(0, "phased", 0), (3, "phased", 0), (1, "immediate", 11)])
def test_only_a_night_that_moves_jobs_has_something_to_count(number: int, strategy: str, moves: int) -> None:
    settings = night(number, strategy)

    assert len(moved(settings.world_before(), settings.world(), PHOENIX)) == moves
    assert moves or last_nights([], EVENING) == []


@pytest.mark.parametrize(
    ("now", "last"),
    [("2026-10-26T21:00", 25), ("2026-10-26T03:15", 25), ("2026-10-26T03:14", 24), ("2026-10-26T00:00", 24)],
)
def test_the_last_night_is_one_whose_changes_every_job_has_read(now: str, last: int) -> None:
    found = last_nights(MOVED, in_phoenix(now), 3)

    assert found == [date(2026, 10, last - back) for back in (2, 1, 0)]


def test_a_window_is_from_the_old_time_to_the_new_one_of_the_same_night() -> None:
    (first, *_) = windows(INVOICES, PHOENIX, [date(2026, 10, 20)])

    assert (first.opens, first.closes) == (in_phoenix("2026-10-20T02:15"), in_phoenix("2026-10-20T04:30"))


def test_a_window_follows_the_clock_and_a_job_its_own_zone() -> None:
    berlin = replace(INVOICES, zone="Europe/Berlin", old=Cadence.daily("01:15"))
    (window,) = windows(berlin, "Europe/Berlin", [date(2026, 10, 25)])
    assert window.closes - window.opens == timedelta(hours=4, minutes=15), "the clock goes back an hour that night"

    utc = replace(INVOICES, zone="UTC", old=Cadence.daily("10:00"))
    (window,) = windows(utc, PHOENIX, [date(2026, 10, 25)])
    assert (window.opens.hour, window.closes.hour, window.closes.minute) == (10, 11, 30)


def test_what_was_changed_at_the_old_time_counts_and_at_the_new_one_does_not(place: Place) -> None:
    for key, at in enumerate(["02:14:59", "02:15:00", "03:00:00", "04:29:59", "04:30:00"]):
        changed(place, "invoices", key, f"2026-10-24T{at}", 10**key)
    changed(place, "invoices", 9, "2026-10-22T03:00", 5)
    (found,) = worth(place, INVOICES)

    assert found.nights[date(2026, 10, 24)] == (3, Decimal(1110))
    assert (found.records, found.amount) == (3, Decimal(1110))
    assert list(found.nights) == [date(2026, 10, day) for day in (23, 24, 25)]


def test_a_record_that_was_loaded_twice_counts_once(place: Place) -> None:
    for _ in range(3):
        changed(place, "purchase_orders", 7, "2026-10-25T03:00", 99.5)
    changed(place, "purchase_orders", 8, "2026-10-25T03:00", 0.5)
    (found,) = worth(place, ORDERS)

    assert (found.records, found.amount) == (2, Decimal(100))


def test_each_job_has_its_own_windows_and_one_without_an_amount_has_none(place: Place) -> None:
    for entity in ("jobs", "invoices"):
        changed(place, entity, 1, "2026-10-25T02:05", 4)
    changed(place, "invoices", 2, "2026-10-25T04:10", 8)
    jobs, invoices = worth(place, JOBS, INVOICES)

    assert (jobs.records, jobs.amount) == (1, None)
    assert (invoices.records, invoices.amount) == (1, Decimal(8))


def test_amounts_are_added_up_as_decimals(place: Place) -> None:
    for key, amount in enumerate((0.1, 0.2)):
        changed(place, "invoices", key, "2026-10-25T03:00", amount)
    (found,) = worth(place, INVOICES)

    assert found.amount == Decimal("0.3"), "and not 0.30000000000000004"


def test_a_row_without_an_amount_is_a_record(place: Place) -> None:
    changed(place, "invoices", 1, "2026-10-25T03:00", "NULL")
    (found,) = worth(place, INVOICES)

    assert (found.records, found.amount) == (1, Decimal(0))


CENTS = st.integers(-(10**8), 10**8)
MOMENTS = st.builds(
    lambda day, minute: datetime(2026, 10, day) + timedelta(minutes=minute), st.integers(22, 26), st.integers(60, 330)
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(MOMENTS, CENTS), max_size=15))
def test_the_sums_are_those_of_the_rows_in_the_windows_to_the_cent(rows: list[tuple[datetime, int]]) -> None:
    expected = {day: (0, Decimal()) for day in NIGHTS}
    with opened() as place:
        place.warehouse.load("invoices", range(0), EVENING)
        for key, (at, cents) in enumerate(rows):
            changed(place, "invoices", key, in_phoenix(at.isoformat()), cents / 100)
            if at.date() in expected and (2, 15) <= (at.hour, at.minute) < (4, 30):
                records, amount = expected[at.date()]
                expected[at.date()] = (records + 1, amount + Decimal(cents) / 100)
        (found,) = worth(place, INVOICES)

    assert found.nights == expected
