"""What was found live decides the nights: any of the catalogue's jobs, with anything that a job may have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.baseline import Baseline
from ingest.catalogue import CATALOGUE
from ingest.preview import preview
from ingest.rollout import STRATEGIES, Action, Change, Management, changes
from ingest.settings import Settings
from tests.given.domain import EMAIL, IDENTITY, LAST, SETTINGS, WITH_INVOKER, in_phoenix
from tests.given.found import GCLOUD_JOB, baselines

FIRST_SEVEN = {"jobs", "appointments", "customers", "invoices", "estimates", "payments", "payroll"}
REQUEST = ("http_method", "headers", "body", "oidc_service_account_email", "oidc_audience")
BY_HAND = replace(GCLOUD_JOB, schedule="45 4 * * *")
AUDIENCE = "sends its OIDC token for the audience"
TOKEN = {"oidc_service_account_email": "by-hand@p.iam.gserviceaccount.com", "oidc_audience": SETTINGS.base_url}

rollouts = st.builds(
    lambda base, strategy, found: replace(base, strategy=strategy, found=found),
    st.sampled_from([SETTINGS, WITH_INVOKER]),
    st.sampled_from(sorted(STRATEGIES)),
    baselines(),
)


def nights_of(rollout: Settings) -> list[int]:
    return rollout.rollout.numbers


def change_of(found: list[Change], entity: str) -> Change:
    return next(change for change in found if change.entity.name == entity)


@settings(deadline=None)
@given(rollouts)
def test_no_night_creates_a_job_that_was_found_and_none_removes_one(rollout: Settings) -> None:
    live = set(rollout.found) | FIRST_SEVEN
    worlds = [rollout.world_at_start(), *(rollout.world(number) for number in nights_of(rollout))]

    assert set(worlds[0]) == set(worlds[1]) == live
    for before in worlds:
        for after in worlds[1:]:
            found = [c for c in changes(before, after) if {Action.CREATE, Action.REMOVE} & set(c.actions)]
            assert not live & {change.entity.name for change in found}
    assert all(world[name].imported for world in worlds for name in live)
    assert not any(job.imported for world in worlds for name, job in world.items() if name not in live)


@settings(deadline=None)
@given(rollouts)
def test_each_stays_as_it_was_found_until_its_night_and_then_has_its_target(rollout: Settings) -> None:
    for number in nights_of(rollout):
        done = [night for night in rollout.rollout.nights if night.number <= number]
        at_target = {name for night in done for name in (*night.shifts, *night.creates)}
        for name, recorded in rollout.found.items():
            job = rollout.world(number)[name]
            if name in at_target:
                assert (job.management, job.cadence) == (Management.DECLARED, job.entity.target)
            else:
                assert job.management is Management.ADOPTED
                assert (job.cadence.cron, job.declared) == (recorded.schedule, recorded)


@settings(deadline=None)
@given(rollouts, st.data())
def test_going_back_to_the_first_night_restores_what_was_found(rollout: Settings, data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(nights_of(rollout)))
    back = rollout.world(0)

    assert {name: back[name].declared for name in rollout.found} == rollout.found
    for change in changes(rollout.world(number), back):
        if recorded := rollout.found.get(change.entity.name):
            assert change.after is not None
            assert change.after.cron == recorded.schedule
            deployed = rollout.world(number)[change.entity.name].declared
            assert deployed is not None
            assert {key for key in vars(recorded) if getattr(recorded, key) != getattr(deployed, key)} == set(
                change.fields
            )


@settings(deadline=None)
@given(rollouts)
def test_what_a_job_sends_is_kept_on_every_night_but_for_the_identitys_token(rollout: Settings) -> None:
    for number in nights_of(rollout):
        for name, recorded in rollout.found.items():
            job = rollout.world(number)[name]
            assert job.declared is not None
            sends = {key: getattr(job.declared, key) for key in REQUEST}
            if job.authenticated:
                assert job.declared.token == (EMAIL, SETTINGS.base_url)
                sends |= {key: getattr(recorded, key) for key in REQUEST if key.startswith("oidc_")}
            assert sends == {key: getattr(recorded, key) for key in REQUEST}


@settings(deadline=None)
@given(rollouts)
def test_a_night_that_is_deployed_again_changes_nothing(rollout: Settings) -> None:
    for number in nights_of(rollout):
        assert all(change.is_unchanged for change in changes(rollout.world(number), rollout.world(number)))


def test_in_a_project_without_adoption_what_was_found_counts_for_nothing() -> None:
    found = replace(SETTINGS, adopt_existing=False, found={"returns": BY_HAND})

    assert [found.world(n) for n in (0, 1)] == [replace(found, found={}).world(n) for n in (0, 1)]


def test_a_job_made_at_its_target_time_is_changed_on_its_night_and_not_created() -> None:
    found = replace(SETTINGS, found={"purchase_orders": BY_HAND})
    change = change_of(changes(found.world(0), found.world(1)), "purchase_orders")

    assert change.actions == (Action.CHANGE,)
    assert change.notes == (
        "changes attempt_deadline, retry_count, min_backoff_duration, max_backoff_duration, max_doublings, description",
    )
    assert not set(REQUEST).intersection(change.fields)


def test_a_job_that_is_just_as_planned_is_unchanged_on_its_night() -> None:
    planned = SETTINGS.world(1)["purchase_orders"].declared
    assert planned is not None
    found = replace(SETTINGS, found={"purchase_orders": planned})

    assert change_of(changes(found.world(0), found.world(1)), "purchase_orders").is_unchanged
    assert change_of(changes(found.world_at_start(), found.world(1)), "purchase_orders").actions == (Action.ADOPT,)


@pytest.mark.parametrize(
    ("found", "deployed", "note"),
    [
        ({"headers": {"X-Api-Key": "1"}}, {}, "drops the header X-Api-Key"),
        ({}, {"headers": {"X-Api-Key": "1"}}, "adds the header X-Api-Key"),
        ({"headers": {"X-Api-Key": "1"}}, {"headers": {"X-Api-Key": "2"}}, "changes the header X-Api-Key"),
        ({"http_method": "POST"}, {}, "calls with GET instead of POST"),
        ({"body": "eA=="}, {}, "drops its body"),
        ({}, {"body": "eA=="}, "adds a body"),
        ({"body": "eA=="}, {"body": "eQ=="}, "changes its body"),
        (TOKEN, {}, "takes off its OIDC token of by-hand@p.iam.gserviceaccount.com"),
        (
            TOKEN,
            TOKEN | {"oidc_audience": "x"},
            f"sends its OIDC token for the audience x instead of {SETTINGS.base_url}",
        ),
        ({"paused": True}, {}, "resumes it, it is paused"),
        ({}, {"paused": True}, "pauses it"),
    ],
)
def test_what_is_done_to_a_job_is_a_line_with_the_fields_name(
    found: dict[str, object], deployed: dict[str, object], note: str
) -> None:
    before, after = (
        replace(SETTINGS, found={"jobs": replace(BY_HAND, **fields)}).world(0)  # type: ignore[arg-type]
        for fields in (found, deployed)
    )
    change = change_of(changes(before, after), "jobs")

    assert change.notes == (note,)
    assert not change.is_unchanged
    assert bool(set(REQUEST).intersection(change.fields)) is ("pause" not in note)


def test_the_night_of_the_identity_names_the_token_that_it_replaces() -> None:
    found = replace(WITH_INVOKER, found={"jobs": replace(BY_HAND, **TOKEN)})  # type: ignore[arg-type]
    seen = changes(found.world(LAST), found.world(IDENTITY))

    assert change_of(seen, "jobs").actions == (Action.ADD_OIDC,)
    assert change_of(seen, "jobs").notes == (
        f"sends the OIDC token of {EMAIL} instead of {TOKEN['oidc_service_account_email']}",
    )
    assert change_of(seen, "returns").notes == ()


def test_seven_jobs_with_tokens_keep_them_and_those_that_are_created_without_one_are_named() -> None:
    with_tokens = {name: replace(BY_HAND, **TOKEN) for name in FIRST_SEVEN}  # type: ignore[arg-type]
    rollout = replace(SETTINGS, strategy="immediate", found=with_tokens, night=1)
    seen = preview(rollout, rollout.world(0), "night 0 is deployed", in_phoenix("2026-10-20T21:00"))

    assert all(rollout.world()[name].sends_token for name in FIRST_SEVEN)
    assert not [note for change in seen.changes for note in change.notes]
    (warning,) = [warning for warning in seen.warnings if warning.kind == "no token"]
    assert warning.entity == "locations, purchase_orders, inventory_bills, returns, payroll_adjustments"

    without = preview(replace(rollout, found={}), SETTINGS.world(0), "", in_phoenix("2026-10-20T21:00"))
    assert not [warning for warning in without.warnings if warning.kind == "no token"]


@pytest.mark.parametrize(
    ("entity", "cron", "at", "kinds"),
    [
        # Found daily, a Sunday job by the plan. 2026-10-18 is a Sunday, the 20th a Tuesday.
        ("campaigns", "0 2 * * *", "2026-10-18T04:00", {"double run"}),
        ("campaigns", "0 2 * * *", "2026-10-20T04:00", set()),
        ("campaigns", "0 9 * * *", "2026-10-18T07:00", {"lost run"}),
        # Found weekly, a daily job by the plan (returns, 04:55).
        ("returns", "0 2 * * 0", "2026-10-18T03:00", {"double run"}),
        ("returns", "0 9 * * 0", "2026-10-18T07:00", {"lost run"}),
        ("returns", "0 9 * * 0", "2026-10-20T07:00", set()),
        # Twice a day: what counts is the first run of the day.
        ("returns", "0 2,14 * * *", "2026-10-20T03:00", {"double run"}),
        ("returns", "0 2,14 * * *", "2026-10-20T10:00", set()),
    ],
)
def test_runs_are_lost_and_doubled_also_where_the_cadence_changes(
    entity: str, cron: str, at: str, kinds: set[str]
) -> None:
    rollout = replace(SETTINGS, night=3, found={entity: replace(BY_HAND, schedule=cron)})
    before = {name: job for name, job in rollout.world(0).items() if name == entity}
    seen = preview(rollout, before, "a test", in_phoenix(at))

    assert {warning.kind for warning in seen.warnings if warning.entity == entity} == kinds


def test_every_row_of_the_catalogue_can_be_found() -> None:
    found: Baseline = {entity.name: replace(BY_HAND, schedule=entity.target.cron) for entity in CATALOGUE}

    assert {job.management for job in replace(SETTINGS, found=found).world(0).values()} == {Management.ADOPTED}
    assert len(replace(SETTINGS, found=found).world(0)) == 16
