"""What is deployed already, read from state files that are written here in Terraform's format version 4."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest.baseline import RETRY, Baseline
from ingest.rollout import STRATEGIES, Action, Job, Management, World, before_rollout, changes, stacks_of, state_at
from ingest.settings import Settings
from operations.errors import OperationError
from operations.terraform.deployed import assumed, from_state, night_or_start, stacks_with_jobs
from tests.given.domain import EMAIL, IDENTITY, LAST, SETTINGS, night
from tests.given.found import baselines
from tests.given.planned import attributes
from tests.given.states import resource, schedule_of, write_night, write_state

PHASED = STRATEGIES["phased"]


def _job(name: str, schedule: object) -> dict[str, Any]:
    return resource(name, {"schedule": schedule})


def _of(group: str, world: World) -> World:
    return {name: job for name, job in world.items() if job.entity.group == group}


def _crons(world: World) -> dict[str, str]:
    return {name: job.cadence.cron for name, job in world.items()}


def test_without_state_files_only_the_live_jobs_run(tmp_path: Path) -> None:
    before = from_state(tmp_path, SETTINGS)
    assert before.world == before_rollout()
    assert before.label == "before the rollout"


def test_without_state_files_and_without_live_jobs_nothing_runs(tmp_path: Path) -> None:
    assert from_state(tmp_path, night(0, adopt_existing=False)).world == {}


@pytest.mark.parametrize("adopt_existing", [True, False], ids=["adopting", "creating"])
@pytest.mark.parametrize(
    ("strategy", "number"), [(s.name, number) for s in STRATEGIES.values() for number in s.numbers]
)
def test_the_state_of_a_night_is_recognised(tmp_path: Path, strategy: str, number: int, adopt_existing: bool) -> None:
    settings = night(number, strategy, adopt_existing=adopt_existing)
    deployed = state_at(settings.rollout, number, adopt_existing=adopt_existing)
    write_night(tmp_path, deployed)
    before = from_state(tmp_path, settings)
    assert before.label == f"night {number} is deployed"
    assert stacks_of(changes(before.world, deployed)) == []


def test_what_is_in_state_is_held_by_terraform_and_the_rest_by_hand(tmp_path: Path) -> None:
    write_night(tmp_path, _of("labor", state_at(PHASED, 1)))
    world = from_state(tmp_path, SETTINGS).world
    managed = {name for name, job in world.items() if job.management is not Management.BY_HAND}
    assert managed == {"payroll", "payroll_adjustments"}
    assert {name for name, job in world.items() if job.imported} == set(before_rollout())
    assert _crons(world) == _crons(before_rollout()) | {"payroll_adjustments": "5 5 * * *"}


def test_a_deploy_that_stopped_half_way_matches_no_night(tmp_path: Path) -> None:
    write_night(tmp_path, _of("core", state_at(PHASED, 2)))
    before = from_state(tmp_path, night(2))
    assert before.label == (
        "the deployed jobs match no night: an earlier deploy stopped half way, a time was changed, "
        "or another strategy was used"
    )
    left = changes(before.world, state_at(PHASED, 2))
    assert stacks_of(left) == ["phase-financial", "phase-labor"]


def test_the_nights_of_the_other_strategy_match_none_of_this_one(tmp_path: Path) -> None:
    write_night(tmp_path, state_at(PHASED, 1))
    assert "match no night" in from_state(tmp_path, night(1, "immediate")).label


def test_other_resources_and_jobs_that_are_not_ours_are_passed_over(tmp_path: Path) -> None:
    write_state(
        tmp_path,
        "phase-core",
        resource("jobs", {"schedule": "0 2 * * *"}, "google_cloud_run_v2_service_iam_member"),
        _job("somebody_elses", "0 * * * *"),
        {"type": "google_cloud_scheduler_job", "name": "customers", "instances": []},
    )
    assert from_state(tmp_path, SETTINGS).label == "before the rollout"


def test_a_state_emptied_by_a_destroy_holds_no_job(tmp_path: Path) -> None:
    write_state(tmp_path, "phase-core")
    assert from_state(tmp_path, SETTINGS).world == before_rollout()


@pytest.mark.parametrize("schedule", ["every day", "", None, 7])
def test_a_job_whose_schedule_somebody_changed_is_named(tmp_path: Path, schedule: object) -> None:
    write_state(tmp_path, "phase-core", _job("jobs", schedule))
    with pytest.raises(OperationError, match=r"^phase-core.tfstate: the schedule of jobs cannot be read \(.*diff"):
        from_state(tmp_path, SETTINGS)


@pytest.mark.parametrize("attributes", [None, {}])
def test_a_job_without_a_schedule_in_state_is_named(tmp_path: Path, attributes: object) -> None:
    write_state(tmp_path, "phase-core", resource("jobs", attributes))
    with pytest.raises(OperationError, match="the schedule of jobs cannot be read"):
        from_state(tmp_path, SETTINGS)


def test_with_a_bucket_that_does_not_answer_the_night_before_is_assumed_and_said_to_be(tmp_path: Path) -> None:
    silent = {"GOOGLE_STORAGE_CUSTOM_ENDPOINT": "http://127.0.0.1:9/storage/v1/", "GOOGLE_OAUTH_ACCESS_TOKEN": "none"}
    before = from_state(tmp_path, replace(night(2), backend="gcs", backend_bucket="a-bucket"), silent)
    assert before.world == SETTINGS.world(1)
    assert before.label.startswith(
        "assuming that night 1 is deployed, the shared state was not read: if not so, say --from. "
        "the bucket a-bucket for Terraform's state cannot be reached ("
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_nights_are_assumed_to_be_taken_in_order(number: int) -> None:
    before = assumed(night(number))
    assert before.world == SETTINGS.world(number - 1)
    assert before.label == f"night {number - 1} is deployed"


def test_night_0_is_assumed_to_be_the_firstwrite_night() -> None:
    assert assumed(SETTINGS).world == before_rollout()
    assert assumed(SETTINGS).label == "before the rollout"
    assert assumed(night(0, adopt_existing=False)).world == {}


def test_a_command_may_say_which_night_is_deployed() -> None:
    before = night_or_start(night(1), "3")
    assert before.world == SETTINGS.world(3)
    assert before.label == "night 3 is deployed"
    created = night_or_start(night(1, adopt_existing=False), "3").world
    assert not any(job.imported for job in created.values())


def test_a_command_may_say_that_nothing_is_deployed() -> None:
    before = night_or_start(night(1), "start")
    assert before.world == before_rollout()
    assert before.label == "before the rollout"
    assert night_or_start(night(1, adopt_existing=False), "start").world == {}


@pytest.mark.parametrize("text", ["3", "-1", "", "00", "Start", "night 1"])
def test_what_is_no_night_of_the_strategy_is_refused_with_those_that_are(text: str) -> None:
    with pytest.raises(OperationError) as caught:
        night_or_start(night(1, "immediate"), text)
    assert str(caught.value) == (f"--from: {text!r} is not a night of strategy immediate; allowed: start, 0, 1, 2")


def _full(job: Job) -> dict[str, Any]:
    """A job as Terraform's state has it after a refresh, with what the provider puts for what is not there."""
    declared = job.declared
    assert declared is not None
    fields = asdict(declared)
    oidc = {key: fields[f"oidc_{key}"] for key in ("service_account_email", "audience")}
    target = {
        "uri": SETTINGS.uri(job.entity),
        "http_method": fields["http_method"],
        "headers": fields["headers"] or None,
        "body": fields["body"] or "",
        "oauth_token": [],
        "oidc_token": [oidc] if declared.token else [],
    }
    return {
        **{key: fields[key] for key in ("schedule", "attempt_deadline", "paused")},
        "description": fields["description"] or "",
        "http_target": [target],
        "retry_config": [{key: fields[key] for key in RETRY}],
    }


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(baselines(), st.sampled_from([0, 1, 2, 3]))
def test_the_state_of_found_jobs_is_recognised_field_by_field(tmp_path: Path, found: Baseline, number: int) -> None:
    recorded = {name: SETTINGS.planned(SETTINGS.world(3)[name]) for name in before_rollout()}
    everything = {**recorded, **found}
    settings = replace(SETTINGS, night=number, found=everything)
    write_night(tmp_path, settings.world(), _full)
    before = from_state(tmp_path, settings)

    assert {name: job.declared for name, job in before.world.items() if name in settings.world()} == {
        name: job.declared for name, job in settings.world().items()
    }
    assert stacks_of(changes(before.world, settings.world())) == []
    assert all(job.imported for name, job in before.world.items() if name in everything)


def test_what_the_record_no_longer_has_is_a_line_of_the_preview(tmp_path: Path) -> None:
    """Deployed with a header and a token, which the record of this checkout lacks."""
    planned = SETTINGS.world(3)["jobs"].declared
    assert planned is not None
    email = "by-hand@p.iam.gserviceaccount.com"
    recorded = replace(planned, headers={"X-Api-Key": "1"}, oidc_service_account_email=email)
    deployed = replace(SETTINGS, found={"jobs": recorded})
    write_night(tmp_path, deployed.world(3), _full)
    without = replace(SETTINGS, night=3, found={})
    seen = {c.entity.name: c for c in changes(from_state(tmp_path, without).world, without.world())}

    assert seen["jobs"].actions == (Action.DROP_OIDC, Action.CHANGE)
    assert seen["jobs"].notes == (
        "drops the header X-Api-Key",
        "takes off its OIDC token of by-hand@p.iam.gserviceaccount.com",
    )
    assert all(change.is_unchanged for name, change in seen.items() if name != "jobs")


def test_a_setting_that_changed_since_is_the_same_night_and_a_change_of_each_job(tmp_path: Path) -> None:
    write_night(tmp_path, SETTINGS.world(3), _full)
    changed = replace(SETTINGS, night=3, retry_count=5)
    before = from_state(tmp_path, changed)

    assert before.label == "night 3 is deployed"
    assert {(c.actions, c.notes) for c in changes(before.world, changed.world())} == {
        ((Action.CHANGE,), ("changes retry_count",))
    }


def test_a_schedule_that_is_none_of_ours_is_read_as_it_is(tmp_path: Path) -> None:
    write_state(tmp_path, "phase-labor", _job("payroll", "0 2,14 * * *"))
    before = from_state(tmp_path, SETTINGS)

    assert before.world["payroll"].cadence.cron == "0 2,14 * * *"
    assert "match no night" in before.label


@pytest.mark.parametrize("changed", [{"region": "us-east1"}, {"project": "other-project"}])
def test_the_state_of_another_place_is_refused_before_terraform_makes_its_jobs_again(
    changed: dict[str, Any], tmp_path: Path
) -> None:
    returns = _job("returns", "55 4 * * *")
    returns["instances"][0]["attributes"] = attributes(night(1).world()["returns"], night(1))
    write_state(tmp_path, "phase-financial", returns)

    assert stacks_with_jobs(tmp_path, night(0), {}) == ["phase-core", "phase-financial", "phase-labor"]
    with pytest.raises(OperationError, match=r"1 jobs that are not in .* such as projects/kpi-auto-471020/locations"):
        stacks_with_jobs(tmp_path, replace(night(1), **changed), {})


@pytest.mark.parametrize(
    ("email", "night"), [(EMAIL, IDENTITY), (None, LAST), ("other@p.iam.gserviceaccount.com", LAST)]
)
def test_the_state_tells_whether_the_jobs_send_the_token(
    email: str | None, night: int, with_invoker: Settings, tmp_path: Path
) -> None:
    tokens = [{"service_account_email": email, "audience": ""}] if email else []
    world = state_at(with_invoker.rollout, IDENTITY)
    write_night(tmp_path, world, lambda job: {**schedule_of(job), "http_target": [{"oidc_token": tokens}]})

    assert from_state(tmp_path, with_invoker).label == f"night {night} is deployed"
    forgotten = replace(with_invoker, invoker_service_account="", create_invoker=False, night=LAST)
    dropped = changes(from_state(tmp_path, forgotten).world, state_at(forgotten.rollout, LAST))
    assert {c.actions for c in dropped} == ({(Action.DROP_OIDC,)} if email else {(Action.UNCHANGED,)})
