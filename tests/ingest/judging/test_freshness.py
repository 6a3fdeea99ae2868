"""The thresholds: pure arithmetic on ages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from ingest.judging.freshness import DAILY, WEEKLY, Criteria, Status, Threshold, criteria_of, patience

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("criteria", "warns", "fails"),
    [
        (DAILY, timedelta(hours=26), timedelta(hours=50)),
        (WEEKLY, timedelta(days=8), timedelta(days=15)),
        (Criteria(Threshold(5, "minute"), Threshold(5, "minute")), timedelta(minutes=5), timedelta(minutes=5)),
    ],
)
def test_an_age_of_just_the_threshold_is_within_it_and_a_microsecond_more_is_not(
    criteria: Criteria, warns: timedelta, fails: timedelta
) -> None:
    assert criteria.status(warns) is Status.PASS
    assert criteria.status(warns + TICK) is (Status.WARN if warns < fails else Status.ERROR)
    assert criteria.status(fails) is (Status.WARN if warns < fails else Status.PASS)
    assert criteria.status(fails + TICK) is Status.ERROR


def test_what_never_succeeded_is_an_error() -> None:
    assert DAILY.status(None) is Status.ERROR


def test_a_status_is_a_verdict_of_ours() -> None:
    assert [status.verdict for status in Status] == ["pass", "warn", "fail", "fail", "pass"]


def test_a_row_of_a_moment_to_come_is_fresh() -> None:
    assert DAILY.status(timedelta(minutes=-5)) is Status.PASS


def test_weekly_entities_have_days_and_daily_ones_hours() -> None:
    found = {entity.name: str(criteria_of(entity).warn_after) for entity in CATALOGUE}

    weekly = {"business_units", "technicians", "activity_codes", "campaigns"}
    assert found == {entity.name: "8 days" if entity.name in weekly else "26 hours" for entity in CATALOGUE}


def test_an_entity_can_have_criteria_of_its_own() -> None:
    own = Criteria(Threshold(3, "day"), Threshold(7, "day"))

    assert criteria_of(CATALOGUE[0], {"jobs": own}) is own
    assert criteria_of(CATALOGUE[1], {"jobs": own}) is DAILY


def test_criteria_whose_error_comes_before_the_warning_are_refused() -> None:
    with pytest.raises(ValueError, match="error_after 1 day is shorter than warn_after 25 hours"):
        Criteria(Threshold(25, "hour"), Threshold(1, "day"))


def test_criteria_that_reach_behind_what_the_run_log_is_asked_for_are_refused() -> None:
    Criteria(Threshold(1, "day"), Threshold(90, "day"))
    with pytest.raises(ValueError, match="error_after 91 days is longer than 90 days"):
        Criteria(Threshold(1, "day"), Threshold(91, "day"))


def test_the_run_log_may_be_silent_for_the_shortest_error_after() -> None:
    weekly = [entity for entity in CATALOGUE if entity.target.is_weekly]

    assert patience(CATALOGUE) == DAILY.error_after
    assert patience(weekly) == WEEKLY.error_after
    assert patience(weekly, {"campaigns": DAILY}) == DAILY.error_after


@pytest.mark.parametrize(("count", "period"), [(0, "hour"), (-1, "day"), (1, "week")])
def test_a_threshold_that_dbt_does_not_know_is_refused(count: int, period: str) -> None:
    with pytest.raises(ValueError, match="must be 1 or more of minute, hour, day"):
        Threshold(count, period)  # type: ignore[arg-type]


@given(st.timedeltas(), st.timedeltas())
def test_an_older_success_is_never_better_than_a_younger_one(one: timedelta, other: timedelta) -> None:
    order = [Status.PASS, Status.WARN, Status.ERROR]
    younger, older = sorted((one, other))

    assert order.index(DAILY.status(younger)) <= order.index(DAILY.status(older))
