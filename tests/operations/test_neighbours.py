"""The neighbours among the live jobs of the location."""

from __future__ import annotations

from google.cloud.scheduler_v1.types import Job

from operations.neighbours import neighbours_of
from tests.given.domain import SETTINGS
from tests.given.twin import a_job


def test_a_job_that_cannot_be_read_is_no_neighbour_and_hides_no_other() -> None:
    class Broken(Job):
        last_attempt_time = property(lambda self: int("broken"))

    live = {name: a_job(name) for name in ("v2-sync-tags-daily", "nightly-report", "v2-sync-jobs-daily")}
    live["nightly-report"].http_target.uri = "https://elsewhere.example/x"
    found = neighbours_of({"v2-sync-vendors-daily": Broken(), **live}, SETTINGS)

    assert [neighbour.job for neighbour in found] == ["v2-sync-tags-daily"]
