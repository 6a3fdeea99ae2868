"""The twin's ServiceTitan: how it fills, and what it answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import CATALOGUE
from tests.given.domain import in_phoenix
from twin.contract import ENTITIES
from twin.source import Stream, UpstreamError, servicetitan

BEGAN = in_phoenix("2026-10-01T21:00")
HOUR = timedelta(hours=1)
STREAM = Stream(in_phoenix("2026-10-02T07:45"), 3, hours=2)


@pytest.mark.parametrize(
    ("moment", "records"),
    [
        ("2026-10-02T07:44", 0),
        ("2026-10-02T07:45", 3),
        ("2026-10-02T08:45", 6),
        ("2026-10-02T23:45", 6),
        ("2026-10-03T07:45", 9),
    ],
)
def test_records_are_made_in_working_hours(moment: str, records: int) -> None:
    assert STREAM.until(in_phoenix(moment)) == records


@given(record=st.integers(0, 1000))
def test_a_record_is_there_from_the_moment_on_at_which_it_was_made(record: int) -> None:
    made = STREAM.made(record)

    assert STREAM.until(made - timedelta.resolution) <= record < STREAM.until(made)
    assert STREAM.since(made) <= record < STREAM.since(made + timedelta.resolution)


def test_every_entity_fills_at_its_own_pace_the_catalogues_first_the_fastest() -> None:
    upstream = servicetitan(BEGAN, "America/Phoenix")
    later = BEGAN + timedelta(days=3)
    counts = [len(upstream.records(entity.name, later)) for entity in CATALOGUE]

    assert upstream.streams.keys() == {entity.name for entity in ENTITIES}
    assert counts == sorted(counts, reverse=True)
    assert min(counts) > 0
    assert not any(upstream.records(entity.name, BEGAN) for entity in ENTITIES)


def test_nothing_is_made_at_night() -> None:
    upstream = servicetitan(BEGAN, "America/Phoenix")

    for name, stream in upstream.streams.items():
        assert stream.until(in_phoenix("2026-10-20T19:00")) == stream.until(in_phoenix("2026-10-21T07:44")), name


def test_it_gives_what_was_made_since_and_notes_who_asked() -> None:
    upstream = servicetitan(BEGAN, "America/Phoenix")
    now = in_phoenix("2026-10-05T21:00")
    everything = upstream.fetch("jobs", None, now)
    of_today = upstream.fetch("jobs", in_phoenix("2026-10-05T00:00"), now)

    assert everything == upstream.records("jobs", now)
    assert 0 < of_today.start < of_today.stop == everything.stop
    assert upstream.asked == [("jobs", None), ("jobs", in_phoenix("2026-10-05T00:00"))]


def test_it_can_be_quiet_or_fail_for_an_entity() -> None:
    upstream = servicetitan(BEGAN, "America/Phoenix")
    upstream.quiet.add("returns")
    upstream.statuses["jobs"] = 404

    assert upstream.fetch("returns", None, BEGAN + timedelta(days=9)) == range(0)
    with pytest.raises(UpstreamError, match="Request failed with status code 404"):
        upstream.fetch("jobs", None, BEGAN)
