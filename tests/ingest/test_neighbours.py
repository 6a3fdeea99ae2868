"""Who is a neighbour, and which nights move ours across one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.attempt import NEVER, LiveJob
from ingest.catalogue import CATALOGUE
from ingest.neighbours import Neighbour, crossings, neighbours
from ingest.rollout import changes
from tests.given.domain import PHOENIX, SETTINGS, in_phoenix, night

EVENING = in_phoenix("2026-10-20T21:00")
CALLS = "calls the ingest service at"
REBUILD = Neighbour("v2-rebuild-dim-jobs-daily", "0 4 * * *", PHOENIX, f"{CALLS} /rebuild/dim_jobs")


def live(uri: str, schedule: str = "0 4 * * *", zone: str = PHOENIX, *, paused: bool = False) -> LiveJob:
    return LiveJob(replace(NEVER, paused=paused), schedule, zone, uri, timedelta(minutes=3), 0)


def ours(path: str) -> str:
    return f"{SETTINGS.base_url}{path}"


def moved(number: int, *beside: Neighbour, back_from: int | None = None) -> list[str]:
    settings = night(number)
    before = settings.world_before() if back_from is None else settings.world(back_from)
    found = changes(before, settings.world())
    return [text for _, text in crossings(found, beside, EVENING, settings.time_zone)]


# Who is one


@pytest.mark.parametrize(
    ("name", "uri", "why"),
    [
        ("v2-rebuild-dim-jobs-daily", ours("/rebuild/dim_jobs"), f"{CALLS} /rebuild/dim_jobs"),
        ("v2-sync-collections-weekly", ours("/ingest/collections?mode=full"), f"{CALLS} /ingest/collections"),
        ("midday", ours("/ingest/jobs"), f"{CALLS} /ingest/jobs"),
        ("by-its-hash", "https://st-v2-ingestor-abc123xyz0-uc.a.run.app/ingest-all", f"{CALLS} /ingest-all"),
        ("root", SETTINGS.base_url.upper().replace("HTTPS", "https"), f"{CALLS} /"),
        ("copy-raw-jobs", "https://example.com/copy", "is named after jobs"),
        ("copy_payroll_adjustments", "https://example.com/copy", "is named after payroll_adjustments"),
        ("v2-sync-vendors-daily", "https://example.com/x", "is named like our jobs"),
        ("v2-sync-vendors-daily", "", "is named like our jobs"),
        ("v2-sync-a-daily", "App Engine /x", "is named like our jobs; its target is App Engine /x"),
        ("copy-jobs", "Pub/Sub topic t", "is named after jobs; its target is Pub/Sub topic t"),
        ("x", ours("/a\x1b[31m::error::"), rf"{CALLS} /a\x1b[31m::error::"),
        ("v2-sync-vendors-daily", "https://[bad", "is named like our jobs"),
    ],
)
def test_a_neighbour_calls_the_service_or_is_named_after_what_we_load(name: str, uri: str, why: str) -> None:
    assert neighbours({name: live(uri)}, SETTINGS) == [Neighbour(name, "0 4 * * *", PHOENIX, why)]


def test_a_schedule_in_english_is_compared_as_the_same_in_unix_cron() -> None:
    english = replace(REBUILD, schedule="every day 04:00")

    assert english.when == f"daily at 04:00 {PHOENIX}"
    assert moved(2, english) == moved(2, REBUILD) != []
    assert replace(REBUILD, schedule="every 7 minutes\n::error::").when == f"every 7 minutes ::error:: {PHOENIX}"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("nightly-report", "https://example.com/report"),
        ("nightly-report", ""),
        ("subjobs-daily", "https://example.com/x"),
        ("staging", "https://st-v2-ingestor-staging-abc123xyz0-uc.a.run.app/ingest/jobs"),
        ("elsewhere", "https://example.com/st-v2-ingestor-999875365235.us-central1.run.app"),
    ],
)
def test_other_jobs_are_none(name: str, uri: str) -> None:
    assert neighbours({name: live(uri)}, SETTINGS) == []


def test_no_job_of_the_catalogue_is_one_whatever_the_night() -> None:
    assert neighbours({entity.job_name: live(ours("/ingest/jobs")) for entity in CATALOGUE}, SETTINGS) == []


def test_they_come_by_name_with_their_own_zone() -> None:
    found = neighbours(
        {
            "v2-sync-z": live("", "20 6 * * 0", "America/Denver", paused=True),
            "v2-sync-a": live("", "0 8,14,20 * * *"),
        },
        SETTINGS,
    )

    assert [str(one) for one in found] == [
        "v2-sync-a: 0 8,14,20 * * * America/Phoenix; it is named like our jobs",
        "v2-sync-z: Sundays at 06:20 America/Denver, paused; it is named like our jobs",
    ]


# What moves across one


def test_the_shift_moves_jobs_onto_the_rebuild_that_used_to_follow() -> None:
    assert moved(2, REBUILD) == [
        "v2-rebuild-dim-jobs-daily at 04:00 now runs while jobs loads; it used to run 45 min after the last one"
    ]


def test_the_way_back_says_the_reverse() -> None:
    assert moved(1, REBUILD, back_from=2) == [
        "v2-rebuild-dim-jobs-daily at 04:00 now runs 45 min after the last one; it used to run while jobs loaded"
    ]


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("30 3 * * *", "now runs 30 min before the first one; it used to run 15 min after the last one"),
        ("20 4 * * *", "now runs between locations and invoices; it used to run 1 h 5 min after the last one"),
        ("14 4 * * *", "now runs while customers loads; it used to run 59 min after the last one"),
        ("3 2 * * *", "now runs 1 h 57 min before the first one; it used to run while jobs loaded"),
        ("3 3 * * 4", "now runs 57 min before the first one; it used to run while payroll loaded"),
        ("0 2 * * *", "now runs 2 h before the first one; it used to run while jobs loaded"),
    ],
)
def test_the_place_before_and_after_is_told(schedule: str, text: str) -> None:
    (said,) = moved(2, replace(REBUILD, schedule=schedule))

    assert said.endswith(text)


@pytest.mark.parametrize("schedule", ["0 1 * * *", "59 1 * * *", "10 5 * * *", "0 8 * * *", "20 6 * * 0"])
def test_a_neighbour_that_keeps_its_place_is_not_named(schedule: str) -> None:
    beside = replace(REBUILD, schedule=schedule)
    assert [moved(number, beside) for number in (0, 1, 2, 3)] == [[], [], [], []]


def test_a_new_job_beside_a_neighbour_is_named() -> None:
    assert moved(1, replace(REBUILD, schedule="46 4 * * *")) == [
        "v2-rebuild-dim-jobs-daily at 04:46 now runs while purchase_orders loads"
    ]


def test_weekly_jobs_meet_daily_neighbours_and_those_of_their_day() -> None:
    daily, sunday = replace(REBUILD, schedule="6 6 * * *"), replace(REBUILD, schedule="6 6 * * SUN")
    said = "v2-rebuild-dim-jobs-daily at 06:06 now runs while technicians loads"

    assert moved(3, daily) == [said]
    assert moved(3, sunday) == [said.replace("at 06", "at Sun 06")]
    assert moved(3, replace(REBUILD, schedule="6 6 * * 1")) == []


def test_its_time_is_in_its_own_zone() -> None:
    # In October, 5 AM in Denver is 4 AM in Phoenix.
    (said,) = moved(2, replace(REBUILD, schedule="0 5 * * *", time_zone="America/Denver"))

    assert said.startswith("v2-rebuild-dim-jobs-daily at 05:00 America/Denver now runs while jobs loads")


def test_a_paused_one_is_in_no_ones_way() -> None:
    assert moved(2, replace(REBUILD, paused=True)) == []


@pytest.mark.parametrize(
    ("schedule", "zone"), [("*/5 * * * *", PHOENIX), ("every day", PHOENIX), ("0 4 * * *", "Nowhere/At_All")]
)
def test_a_schedule_that_cannot_be_compared_is_shown_as_it_is_when_ours_move(schedule: str, zone: str) -> None:
    other = replace(REBUILD, schedule=schedule, time_zone=zone)

    assert moved(0, other) == []
    assert moved(2, other) == [
        f"v2-rebuild-dim-jobs-daily runs at {schedule} {zone}; compare that with the new times by hand"
    ]


def test_each_time_of_a_day_is_compared_for_itself() -> None:
    assert moved(2, replace(REBUILD, schedule="0 8,14,20 * * *")) == []
    assert moved(2, replace(REBUILD, schedule="0 2,4,8 * * *")) == [
        "v2-rebuild-dim-jobs-daily at 02:00 now runs 2 h before the first one; it used to run while jobs loaded",
        "v2-rebuild-dim-jobs-daily at 04:00 now runs while jobs loads; it used to run 45 min after the last one",
    ]


def test_a_neighbour_whose_clock_changes_is_told_for_both_times() -> None:
    # In the night to November 1 the clock of Denver goes back: 05:00 is 04:00 in Phoenix before, and 05:00 after.
    beside = replace(REBUILD, schedule="0 5 * * *", time_zone="America/Denver")
    found = changes(night(2).world_before(), night(2).world())
    said = [text for _, text in crossings(found, [beside], in_phoenix("2026-10-29T21:00"), PHOENIX)]

    assert [text.partition("; ")[0].partition(" now ")[2] for text in said] == [
        "runs while jobs loads",
        "runs while payroll loads",
    ]


def test_without_neighbours_nothing_is_said() -> None:
    assert moved(2) == []
