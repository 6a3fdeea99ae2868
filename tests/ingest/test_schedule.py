"""Cadences, their cron form, their runs and what daylight saving does to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.schedule import WEEKDAYS, Cadence, ScheduleError, as_cron, clock_changes, clock_time, time_zone
from tests.given.domain import PHOENIX, cadences, daily, in_phoenix, weekly

NEW_YORK = "America/New_York"

moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(cadences)
def test_a_cadence_survives_the_way_to_cron_and_back(cadence: Cadence) -> None:
    assert Cadence.parse(cadence.cron) == cadence


@given(weekly, st.sampled_from(["{}", "{:02}", "{}  "]))
def test_cron_may_carry_leading_zeros_and_wide_gaps(cadence: Cadence, form: str) -> None:
    minute, hour = form.format(cadence.at.minute), form.format(cadence.at.hour)
    assert Cadence.parse(f" {minute} {hour} * *  {cadence.weekday} ") == cadence


@pytest.mark.parametrize("sunday", ["0", "7", "SUN", "sun", "Sun"])
def test_sunday_is_0_or_7_or_its_name(sunday: str) -> None:
    assert Cadence.parse(f"0 6 * * {sunday}") == Cadence.weekly("Sunday", "06:00")


@pytest.mark.parametrize(("number", "name"), list(enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])))
def test_each_weekday_has_a_number_and_a_name(number: int, name: str) -> None:
    assert Cadence.parse(f"0 6 * * {name}") == Cadence.parse(f"0 6 * * {number}") == Cadence(time(6), number)


@pytest.mark.parametrize(
    ("cron", "complaint"),
    [
        ("60 4 * * *", "minute 60 is out of range, allowed are 0 to 59"),
        ("0 24 * * *", "hour 24 is out of range, allowed are 0 to 23"),
        ("0 4 * * 8", "weekday 8 is out of range, allowed are 0 to 7"),
        ("-1 4 * * *", "minute '-1' is not one number"),
        ("", "has 0 fields, 5 are needed"),
        ("0 4 * *", "has 4 fields, 5 are needed"),
        ("0 0 4 * * *", "has 6 fields, 5 are needed"),
        ("@daily", "has 1 fields, 5 are needed"),
        ("0,30 4 * * *", "minute '0,30' is not one number; a cadence has one time, so no lists, ranges or steps"),
        ("*/5 4 * * *", "minute '*/5' is not one number"),
        ("0 4-6 * * *", "hour '4-6' is not one number"),
        ("0 * * * *", "hour '*' is not one number"),
        ("0 4 1 * *", "day and month must be *"),
        ("0 4 * 1 *", "day and month must be *"),
        ("0 4 ? * *", "day and month must be *"),
        ("0 4 * * 1-5", "weekday '1-5' is not one number"),
        ("0 4 * * SUNDAY", "weekday 'SUNDAY' is not one number"),
        ("٣ 4 * * *", "minute '٣' is not one number"),
        ("² 4 * * *", "minute '²' is not one number"),
    ],
)
def test_cron_that_is_not_one_time_a_day_or_week_is_refused(cron: str, complaint: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Cadence.parse(cron)
    assert str(caught.value).startswith(f"cron {cron!r}: {complaint}")


@pytest.mark.parametrize(
    "text", ["", "4:30", "24:00", "04:60", "04:30:00", "0430", "04:30 ", "04:30\n", "٠٤:٣٠", "0٤:30"]
)
def test_a_time_is_two_digits_a_colon_and_two_digits(text: str) -> None:
    with pytest.raises(ScheduleError, match="must be HH:MM, from 00:00 to 23:59"):
        clock_time(text)


def test_the_first_and_the_last_minute_of_the_day_are_times() -> None:
    assert (clock_time("00:00"), clock_time("19:09"), clock_time("23:59")) == (time(0, 0), time(19, 9), time(23, 59))


@pytest.mark.parametrize("at", [time(4, 30, 1), time(4, 30, 0, 1), time(4, 30, tzinfo=UTC)])
def test_a_cadence_is_in_whole_minutes_of_local_time(at: time) -> None:
    with pytest.raises(ScheduleError, match="a local time in whole minutes"):
        Cadence(at)


@pytest.mark.parametrize("weekday", [-1, 7])
def test_a_weekday_beyond_the_week_is_refused(weekday: int) -> None:
    with pytest.raises(ScheduleError, match=rf"weekday {weekday}: allowed are 0 \(Sunday\) to 6"):
        Cadence(time(4), weekday)


def test_a_weekday_that_is_not_spelt_out_is_refused_with_those_that_are() -> None:
    with pytest.raises(ScheduleError, match=r"weekday 'Sun': allowed are Sunday, Monday, .*, Saturday"):
        Cadence.weekly("Sun", "06:00")


@pytest.mark.parametrize(
    ("cadence", "clock", "words", "recurrence"),
    [
        (Cadence.daily("04:45"), "04:45", "4:45 AM AZ time", "daily at 04:45 America/Phoenix"),
        (Cadence.daily("00:05"), "00:05", "12:05 AM AZ time", "daily at 00:05 America/Phoenix"),
        (Cadence.daily("11:59"), "11:59", "11:59 AM AZ time", "daily at 11:59 America/Phoenix"),
        (Cadence.daily("12:00"), "12:00", "12:00 PM AZ time", "daily at 12:00 America/Phoenix"),
        (Cadence.daily("23:07"), "23:07", "11:07 PM AZ time", "daily at 23:07 America/Phoenix"),
        (Cadence.weekly("Sunday", "06:00"), "Sun 06:00", "Sundays 6:00 AM AZ time", "Sundays at 06:00 America/Phoenix"),
        (
            Cadence.weekly("Wednesday", "13:30"),
            "Wed 13:30",
            "Wednesdays 1:30 PM AZ time",
            "Wednesdays at 13:30 America/Phoenix",
        ),
    ],
)
def test_a_cadence_reads_well(cadence: Cadence, clock: str, words: str, recurrence: str) -> None:
    assert (cadence.clock, cadence.words(PHOENIX), cadence.recurrence(PHOENIX)) == (clock, words, recurrence)


def test_a_zone_without_a_short_name_is_named_in_full() -> None:
    assert Cadence.daily("04:45").words("Europe/Zurich") == "4:45 AM Europe/Zurich time"


@pytest.mark.parametrize(
    ("cadence", "minute", "slot"),
    [
        (Cadence.daily("04:45"), 285, 285),
        (Cadence.weekly("Sunday", "06:15"), 375, 375),
        (Cadence.weekly("Monday", "00:01"), 1, 1441),
        (Cadence.weekly("Saturday", "23:59"), 1439, 10079),
    ],
)
def test_slots_count_minutes_from_the_start_of_the_day_or_of_the_week(cadence: Cadence, minute: int, slot: int) -> None:
    assert (cadence.minute, cadence.slot) == (minute, slot)


@given(cadences, moments)
def test_a_run_lies_in_its_own_slot(cadence: Cadence, after: datetime) -> None:
    run = next(cadence.next_fires(after, PHOENIX))
    assert cadence.slot_of(run, PHOENIX) == cadence.slot_of(run.astimezone(UTC), PHOENIX) == cadence.slot


@given(daily, moments)
def test_a_daily_job_runs_every_24_hours_at_its_local_time(cadence: Cadence, after: datetime) -> None:
    runs = list(islice(cadence.next_fires(after, PHOENIX), 5))
    assert after < runs[0] <= after + timedelta(days=1)
    assert {later - earlier for earlier, later in pairwise(runs)} == {timedelta(days=1)}
    assert {run.astimezone(ZoneInfo(PHOENIX)).time() for run in runs} == {cadence.at}


@given(weekly, moments)
def test_a_weekly_job_runs_every_7_days_on_its_weekday(cadence: Cadence, after: datetime) -> None:
    runs = list(islice(cadence.next_fires(after, PHOENIX), 5))
    assert cadence.weekday is not None
    assert after < runs[0] <= after + timedelta(days=7)
    assert {later - earlier for earlier, later in pairwise(runs)} == {timedelta(days=7)}
    assert {f"{run.astimezone(ZoneInfo(PHOENIX)):%A %H:%M}" for run in runs} == {
        f"{WEEKDAYS[cadence.weekday]} {cadence.at:%H:%M}"
    }


def test_the_run_of_this_very_moment_is_not_to_come() -> None:
    at = in_phoenix("2026-10-20T04:00")
    assert next(Cadence.daily("04:00").next_fires(at, PHOENIX)) == in_phoenix("2026-10-21T04:00")
    just_before = at - timedelta(microseconds=1)
    assert next(Cadence.daily("04:00").next_fires(just_before, PHOENIX)) == at


def test_utc_may_be_written_as_cloud_scheduler_does() -> None:
    assert time_zone("utc") == time_zone("UTC")


def test_an_unknown_zone_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ScheduleError, match=r"'America/Phenix' is not an IANA time zone; .*America/Phoenix"):
        time_zone("America/Phenix")


def test_a_zone_far_from_phoenix_is_met_with_its_own_nearest_names() -> None:
    with pytest.raises(ScheduleError) as caught:
        time_zone("Europe/Zurch")
    assert str(caught.value).startswith(
        "'Europe/Zurch' is not an IANA time zone; allowed are names such as Europe/Zurich, "
    )


@pytest.mark.parametrize(
    "name", ["", "localtime", "AZ", "America", "../etc/passwd", "/etc/localtime", "A\0B", "Mars/Base"]
)
def test_what_is_no_zone_is_refused_with_an_example(name: str) -> None:
    with pytest.raises(ScheduleError, match="is not an IANA time zone; allowed are names such as "):
        time_zone(name)


def _changes(at: str, zone: str, since: str = "2026-01-01", days: int = 366) -> list[tuple[str, str]]:
    found = clock_changes(Cadence.parse(at), zone, date.fromisoformat(since), days)
    return [(str(change.day), change.effect) for change in found]


@pytest.mark.parametrize(
    ("cron", "zone", "nights"),
    [
        ("30 2 * * *", NEW_YORK, [("2026-03-08", "skipped")]),
        ("30 1 * * *", NEW_YORK, [("2026-11-01", "repeated")]),
        ("59 1 * * *", NEW_YORK, [("2026-11-01", "repeated")]),
        ("0 2 * * *", NEW_YORK, [("2026-03-08", "skipped")]),
        ("0 3 * * *", NEW_YORK, []),
        ("0 4 * * *", NEW_YORK, []),
        ("30 2 * * 0", NEW_YORK, [("2026-03-08", "skipped")]),
        ("30 2 * * 1", NEW_YORK, []),
        ("30 2 * * *", PHOENIX, []),
        ("30 0 * * *", "America/Havana", [("2026-03-08", "skipped"), ("2026-11-01", "repeated")]),
        ("30 23 * * *", "Africa/Cairo", [("2026-10-29", "repeated")]),
        ("15 2 * * *", "Australia/Lord_Howe", [("2026-10-04", "skipped")]),
        ("45 1 * * *", "Australia/Lord_Howe", [("2026-04-05", "repeated")]),
    ],
)
def test_the_nights_of_2026_on_which_the_clock_skips_or_repeats_a_time(
    cron: str, zone: str, nights: list[tuple[str, str]]
) -> None:
    assert _changes(cron, zone) == nights


@pytest.mark.parametrize(
    ("since", "days", "found"),
    [
        ("2026-03-08", 1, [("2026-03-08", "skipped")]),
        ("2026-03-09", 300, []),
        ("2026-03-01", 7, []),
        ("2026-03-01", 8, [("2026-03-08", "skipped")]),
    ],
)
def test_the_search_begins_with_its_first_day_and_ends_before_its_last(
    since: str, days: int, found: list[tuple[str, str]]
) -> None:
    assert _changes("30 2 * * *", NEW_YORK, since, days) == found


@pytest.mark.parametrize(("days", "found"), [(5, []), (6, [("2010-11-06", "repeated")])])
def test_a_change_just_after_midnight_counts_for_the_evening_before(days: int, found: list[tuple[str, str]]) -> None:
    assert _changes("30 23 * * *", "America/St_Johns", "2010-11-01", days) == found


def _instants_that_show(local: datetime, tz: ZoneInfo) -> int:
    near = (local.replace(tzinfo=UTC) + timedelta(hours=h) for h in range(-36, 37, 12))
    candidates = {
        (local - offset).replace(tzinfo=UTC) for n in near if (offset := n.astimezone(tz).utcoffset()) is not None
    }
    return sum(candidate.astimezone(tz).replace(tzinfo=None) == local for candidate in candidates)


@given(
    st.one_of(cadences, st.builds(Cadence, st.builds(time, st.sampled_from([0, 1, 2, 3, 23]), st.integers(0, 59)))),
    st.sampled_from(
        [
            PHOENIX,
            NEW_YORK,
            "Europe/Lisbon",
            "America/Havana",
            "Africa/Cairo",
            "Africa/Casablanca",
            "Asia/Beirut",
            "Australia/Lord_Howe",
            "America/St_Johns",
            "America/Nuuk",
            "Antarctica/Troll",
        ]
    ),
    st.dates(date(2008, 1, 1), date(2035, 1, 1)),
)
@example(Cadence.daily("23:30"), "America/St_Johns", date(2010, 6, 1))
@example(Cadence.daily("04:00"), "Pacific/Apia", date(2011, 6, 1))
def test_the_clock_changes_are_those_found_by_asking_every_day(cadence: Cadence, zone: str, since: date) -> None:
    tz = time_zone(zone)
    expected = []
    for day in (since + timedelta(n) for n in range(366)):
        if cadence.weekday is None or f"{day:%A}" == WEEKDAYS[cadence.weekday]:
            shown = _instants_that_show(datetime.combine(day, cadence.at), tz)
            if shown != 1:
                expected.append((day, "repeated" if shown else "skipped"))
    assert [(change.day, change.effect) for change in clock_changes(cadence, zone, since)] == expected


@pytest.mark.parametrize(
    ("cron", "at", "weekday", "clock", "regular"),
    [
        ("0 2 * * *", "02:00", None, "02:00", True),
        ("00 02 * * *", "02:00", None, "02:00", True),
        ("0 6 * * SUN", "06:00", 0, "Sun 06:00", True),
        ("0 2,14 * * *", "02:00", None, "0 2,14 * * *", False),
        ("*/20 3-5 * * 1-5", "03:00", None, "*/20 3-5 * * 1-5", False),
        ("0 2 1 * *", "02:00", None, "0 2 1 * *", False),
    ],
)
def test_a_cron_that_was_found_stays_as_it_is(
    cron: str, at: str, weekday: int | None, clock: str, regular: bool
) -> None:
    found = Cadence.verbatim(cron)

    assert (found.cron, f"{found.at:%H:%M}", found.weekday, found.clock) == (cron, at, weekday, clock)
    assert found.is_regular is regular
    if not regular:
        assert found.recurrence("UTC") == f"at {cron} UTC"


@pytest.mark.parametrize(
    ("english", "cron"),
    [
        ("every 5 minutes", "*/5 * * * *"),
        ("every 60 mins", "0 * * * *"),
        ("every 7 minutes", None),
        ("every 12 hours synchronized", "0 */12 * * *"),
        ("every 24 hours", None),
        ("every day 04:00", "0 4 * * *"),
        ("Every  Mon 9:30", "30 9 * * 1"),
        ("every wednesday 09:00", "0 9 * * 3"),
        ("every day 24:00", None),
        ("1st monday of month 00:00", None),
        ("mon 09:00", None),
    ],
)
def test_english_is_named_as_that_with_the_same_in_unix_cron(english: str, cron: str | None) -> None:
    assert as_cron(english) == cron
    here = f", here {cron!r}" if cron else ""
    with pytest.raises(ScheduleError) as error:
        Cadence.verbatim(english)
    assert str(error.value) == f"{english!r} is Cloud Scheduler's English; write it as unix-cron{here}"


def test_a_job_that_runs_twice_a_day_fires_twice_a_day() -> None:
    noon = datetime(2026, 10, 20, 12, tzinfo=UTC)

    assert [run.hour for run in islice(Cadence.verbatim("0 2,14 * * *").next_fires(noon, "UTC"), 3)] == [14, 2, 14]


@pytest.mark.parametrize("cron", ["every 24 hours", "", "61 * * * *", "0 2 30 2 *", "a b c d e", "0 2 * * * *"])
def test_what_is_no_cron_cannot_be_found(cron: str) -> None:
    with pytest.raises(ScheduleError):
        Cadence.verbatim(cron)
