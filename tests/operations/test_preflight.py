"""Each check with a passing, a failing and an inconclusive case."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ingest.catalogue import CATALOGUE
from ingest.judging.run import LogRow
from ingest.judging.verdict import Verdict
from ingest.rollout import before_rollout
from ingest.settings import Settings
from operations.adopt import other_target
from operations.cloud import jobs
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.routes import TOKEN_VARIABLE, UNKNOWN, Answer
from operations.errors import OperationError
from operations.preflight import ACT_AS, LOG_PERIOD, PERMISSIONS
from operations.terraform.declared import Declared
from operations.terraform.deployed import Before, assumed
from tests.given.domain import IDENTITY, SETTINGS, night
from tests.given.preflight import (
    ACCOUNT,
    AT,
    ENTITIES,
    YES,
    Caller,
    Dataset,
    Service,
    by_hand,
    called,
    checks,
    failing,
    verdicts,
)
from tests.given.status import from_api
from tests.given.twin import BY_HAND, named

Nights = dict[int, list[Declared]]

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
RETURNS = "v2-sync-returns-daily"
WITH_INVOKER = replace(SETTINGS, invoker_service_account=ACCOUNT)
ERROR = OperationError("no Google Cloud credentials (none)")


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_all_checks_pass_when_everything_is_ready(number: int) -> None:
    found = checks(night(number))

    assert list(found) == [
        "Cloud Scheduler",
        "permissions",
        "invoker",
        "routes",
        "names to create",
        "jobs to adopt",
        "tables",
        "run log",
        "neighbours",
    ]
    assert verdicts(found) == {}
    assert {check.remedy for check in found.values()} == {""}


def test_every_check_but_a_pass_says_what_to_do() -> None:
    found = checks(
        WITH_INVOKER,
        list_live=failing(ERROR),
        granted=Caller(trouble=ERROR),
        ask=lambda url: Answer(None, text="timed out"),
        survey=failing(ERROR),
        log=failing(ERROR),
    )

    assert set(verdicts(found).values()) == {INCONCLUSIVE}
    assert len(verdicts(found)) == len(found)
    assert all(check.reason and check.remedy for check in found.values())


# Cloud Scheduler


@pytest.mark.parametrize(
    ("cause", "verdict", "remedy"),
    [
        (Cause.DISABLED, FAIL, "gcloud services enable cloudscheduler.googleapis.com"),
        (Cause.DENIED, FAIL, "roles/cloudscheduler.admin"),
        (Cause.NOT_FOUND, INCONCLUSIVE, "run this again"),
        (Cause.OTHER, INCONCLUSIVE, "run this again"),
    ],
)
def test_a_disabled_api_a_missing_permission_and_no_answer_are_told_apart(
    cause: Cause, verdict: Verdict, remedy: str
) -> None:
    found = checks(SETTINGS, list_live=failing(UnansweredError("the API's words", cause)))

    assert found["Cloud Scheduler"].verdict is verdict
    assert "the API's words" in found["Cloud Scheduler"].reason
    assert remedy in found["Cloud Scheduler"].remedy
    assert found["names to create"].verdict is INCONCLUSIVE
    assert found["jobs to adopt"].verdict is INCONCLUSIVE


def test_a_team_with_its_own_role_is_told_to_ask_for_that() -> None:
    settings = replace(SETTINGS, deployers=("group:data@example.com",))
    found = checks(settings, list_live=failing(UnansweredError("words", Cause.DENIED)))

    assert "projects/kpi-auto-471020/roles/ingestDeployer" in found["Cloud Scheduler"].remedy


# Permissions


@pytest.mark.parametrize("missing", PERMISSIONS)
def test_a_missing_permission_is_named(missing: str) -> None:
    check = checks(SETTINGS, granted=Caller({*PERMISSIONS} - {missing}))["permissions"]

    assert check.verdict is FAIL
    assert check.details == (missing,)


def test_permissions_that_cannot_be_asked_for_are_inconclusive() -> None:
    check = checks(SETTINGS, granted=Caller(trouble=UnansweredError("denied", Cause.DENIED)))["permissions"]

    assert (check.verdict, check.reason) == (INCONCLUSIVE, "denied")


def test_the_service_is_called_without_identity_where_no_invoker_is_set() -> None:
    check = checks(SETTINGS, granted=Caller(trouble=ERROR))["invoker"]

    assert (check.verdict, check.reason) == (PASS, "not set: the service is called without an identity")


def test_an_invoker_that_may_be_used_passes() -> None:
    assert checks(WITH_INVOKER)["invoker"].verdict is PASS


def test_an_invoker_that_may_not_be_used_fails() -> None:
    check = checks(WITH_INVOKER, granted=Caller(set(PERMISSIONS)))["invoker"]

    assert check.verdict is FAIL
    assert ACT_AS in check.reason


def test_an_invoker_that_does_not_exist_fails() -> None:
    check = checks(WITH_INVOKER, granted=Caller(trouble=UnansweredError("404", Cause.NOT_FOUND)))["invoker"]

    assert check.verdict is FAIL
    assert f"{ACCOUNT} does not exist" in check.reason


def test_an_invoker_that_cannot_be_asked_for_is_inconclusive() -> None:
    check = checks(WITH_INVOKER, granted=Caller(trouble=UnansweredError("403", Cause.DENIED)))["invoker"]

    assert check.verdict is INCONCLUSIVE


# Routes


@pytest.mark.parametrize(
    ("number", "where"), [(0, "7 at /ingest"), (1, "11 at /ingest"), (3, "13 at /ingest, 3 at /ingest/ref")]
)
def test_each_job_of_the_night_is_compared_with_what_the_service_has(number: int, where: str) -> None:
    service = Service()
    check = checks(night(number), ask=service)["routes"]

    assert (check.verdict, check.reason.partition(": ")[2]) == (PASS, where)
    assert len(service.asked) == len(set(service.asked)) <= 4


def test_the_public_service_does_not_have_the_plans_reference_path_and_the_setting_is_named() -> None:
    check = checks(night(3), ask=Service(reference_path="/ingest-ref"))["routes"]

    assert (check.verdict, check.reason) == (FAIL, "3 of 16 are not served where the jobs call them")
    assert check.details[0] == "business_units: the service has no route /ingest/ref/<entity>"
    assert check.remedy == 'in cdktf.json set "reference_path": "/ingest-ref"; the service has them there'


def test_with_that_setting_it_passes() -> None:
    settings = replace(night(3), reference_path="/ingest-ref")

    assert checks(settings, ask=Service(reference_path="/ingest-ref"))["routes"].verdict is PASS


def test_nights_without_reference_jobs_do_not_need_their_path() -> None:
    assert checks(night(2), ask=Service(reference_path="/ingest-ref"))["routes"].verdict is PASS


def test_reference_entities_that_are_at_neither_path_are_looked_up_in_the_source() -> None:
    check = checks(night(3), ask=Service(reference_path="/elsewhere"))["routes"]

    assert check.verdict is FAIL
    assert "source" in check.remedy
    assert "/ingest-ref" not in check.remedy


def test_a_reference_path_with_other_entities_is_told_apart_from_one_that_is_none() -> None:
    check = checks(replace(night(3), reference_path="/ingest"), ask=Service(reference_path="/ingest-ref"))["routes"]

    assert check.details[0] == "business_units: not among the 14 that the service has at /ingest"
    assert '"reference_path": "/ingest-ref"' in check.remedy


def test_an_entity_that_the_service_does_not_have_is_named() -> None:
    service = Service(entities=[name for name in ENTITIES if name != "returns"])
    check = checks(night(1), ask=service)["routes"]

    assert (check.verdict, check.details) == (
        FAIL,
        ("returns: not among the 13 that the service has at /ingest",),
    )
    assert check.remedy == "deploy the service that has returns, or take returns out of ingest/catalogue.py"


def test_an_entity_of_the_other_list_is_the_catalogues_mistake() -> None:
    service = Service(
        entities=[*(name for name in ENTITIES if name != "campaigns"), "technicians"],
        references=["business_units", "activity_codes", "campaigns"],
    )
    check = checks(night(3), ask=service)["routes"]

    assert check.verdict is FAIL
    assert "set is_reference=True for campaigns in ingest/catalogue.py" in check.remedy
    assert "set is_reference=False for technicians in ingest/catalogue.py" in check.remedy


NOTHING = {path: Answer(404) for path in ("/entities", "/ref-entities", "/health")}


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (NOTHING, "its ingress may be internal, or base_url names another service"),
        ({"/entities": Answer(404)}, "has no /entities, so what it serves is not known (/health answers 200 OK)"),
        ({"/ref-entities": Answer(404)}, "has no /ref-entities"),
        ({"/entities": Answer(200, {"entities": "jobs"})}, "/entities answers 200 without its list of names"),
        ({"/entities": Answer(200, {"entities": [1]})}, "/entities answers 200 without its list of names"),
        ({"/entities": Answer(None, text="timed out")}, "/entities gave no answer (timed out)"),
        ({"/entities": Answer(500, {"entities": []})}, "/entities answers 500 Internal Server Error"),
        ({"/entities": Answer(302)}, "/entities answers 302 Found"),
        ({"/entities": Answer(799)}, "/entities answers 799"),
        ({"/entities": Answer(401)}, "lets nobody in without a token that it knows: /entities answers 401"),
        ({"/entities": Answer(403)}, "lets nobody in without a token that it knows: /entities answers 403"),
        ({f"/ingest/{UNKNOWN}": Answer(200)}, "what the service has at /ingest is not known"),
        ({f"/ingest/{UNKNOWN}": Answer(None, text="reset")}, "what the service has at /ingest is not known"),
    ],
)
def test_a_service_that_does_not_say_what_it_has_is_inconclusive(says: dict[str, Answer], reason: str) -> None:
    check = checks(night(3), ask=Service(says=says))["routes"]

    assert check.verdict is INCONCLUSIVE
    assert reason in check.reason
    assert check.remedy
    assert "do not exist" not in check.reason


def test_a_path_without_an_answer_hides_no_failure_of_another() -> None:
    service = Service(says={f"/ingest/{UNKNOWN}": Answer(500)}, reference_path="/ingest-ref")
    check = checks(night(3), ask=service)["routes"]

    assert (check.verdict, check.reason) == (FAIL, "3 of 16 are not served where the jobs call them")
    assert check.details[-1].endswith("answers 500 Internal Server Error, not 404 with the names that it knows")


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        (SETTINGS, "jobs without a token are refused too"),
        (replace(WITH_INVOKER, night=3), f'the jobs send one of {ACCOUNT} from the night "identity" on'),
        (replace(WITH_INVOKER, night=IDENTITY), f"the jobs of this night send one of {ACCOUNT}"),
    ],
)
def test_of_a_closed_service_is_said_who_has_a_token(settings: Settings, known: str) -> None:
    check = checks(settings, ask=lambda url: Answer(403))["routes"]

    assert check.verdict is INCONCLUSIVE
    assert check.reason.endswith(known)
    assert TOKEN_VARIABLE in check.remedy


# Names to create, jobs to adopt


def live_as(declared: Declared, **changed: object) -> object:
    job = jobs.message(named(declared.name), declared.fields | changed)
    return lambda: {**YES.list_live(), declared.name: job}


def returns(nights: Nights) -> Declared:
    return next(one for one in nights[1] if one.name == RETURNS)


def test_a_taken_name_fails_and_says_what_differs(nights: Nights) -> None:
    live = live_as(returns(nights), schedule="0 9 * * *", http_method="POST")
    check = checks(night(1), list_live=live, declared=lambda: nights[1])["names to create"]

    assert check.verdict is FAIL
    assert check.details == (f"{RETURNS} differs in schedule, http_method",)


def test_a_job_that_a_deploy_left_just_as_declared_passes(nights: Nights) -> None:
    check = checks(night(1), list_live=live_as(returns(nights)), declared=lambda: nights[1])["names to create"]

    assert check.verdict is PASS
    assert check.details == (RETURNS,)


def test_a_taken_name_that_cannot_be_compared_is_inconclusive(nights: Nights) -> None:
    live = live_as(returns(nights))
    error = OperationError("node is not on PATH")
    check = checks(night(1), list_live=live, declared=failing(error))["names to create"]

    assert (check.verdict, check.reason) == (INCONCLUSIVE, "node is not on PATH")


def test_what_terraform_holds_already_is_not_to_be_created(nights: Nights) -> None:
    found = checks(night(1), list_live=live_as(returns(nights), schedule="9 9 * * *"), before=lambda: assumed(night(2)))

    assert found["names to create"].verdict is PASS


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"pubsubTarget": {"topicName": "projects/p/topics/t"}, "httpTarget": None}, "its target is Pub/Sub topic"),
        ({"schedule": "every 5 minutes"}, "schedule: 'every 5 minutes' is Cloud Scheduler's English"),
        ({"schedule": "15 03 * * 1-5"}, "night 0 would change schedule: record it"),
        ({"timeZone": "UTC"}, "time_zone is 'UTC'"),
    ],
)
def test_a_job_that_night_0_would_change_is_named_with_what_to_do(changed: dict[str, Any], told: str) -> None:
    live = {name: by_hand(name) for name in BY_HAND}
    live["v2-sync-jobs-daily"] = by_hand("v2-sync-jobs-daily", **changed)
    check = checks(night(0), list_live=lambda: live)["jobs to adopt"]

    assert (check.verdict, check.reason) == (FAIL, "1 of 7 are not as night 0 declares them (before the rollout)")
    assert check.details[0].startswith(f"v2-sync-jobs-daily: {told}")


def test_a_taken_name_of_another_kind_of_target_is_named_as_that(nights: Nights) -> None:
    one = next(one for one in nights[1] if one.entity == "returns")
    live = {one.name: from_api(name=named(one.name), pubsubTarget={"topicName": "projects/p/topics/t"})}
    check = checks(night(1), list_live=lambda: live, declared=lambda: nights[1])["names to create"]

    assert check.details == (f"{one.name}: {other_target('Pub/Sub topic projects/p/topics/t')}",)


def test_the_seven_are_in_the_way_where_they_are_not_to_be_adopted(nights: Nights) -> None:
    settings = night(0, adopt_existing=False)
    other = [replace(one, fields=one.fields | {"schedule": "9 9 * * *"}) for one in nights[0]]
    check = checks(settings, declared=lambda: other)["names to create"]

    assert check.verdict is FAIL
    assert len(check.details) == 7


def test_a_state_that_cannot_be_read_is_inconclusive() -> None:
    found = checks(night(1), before=failing(OperationError("phase-core.tfstate is broken")))

    assert found["names to create"].verdict is found["jobs to adopt"].verdict is INCONCLUSIVE


def test_a_job_to_adopt_that_is_gone_fails() -> None:
    live = {name: job for name, job in YES.list_live().items() if name != "v2-sync-payroll-daily"}
    check = checks(SETTINGS, list_live=lambda: live)["jobs to adopt"]

    assert check.verdict is FAIL
    assert check.details == ("v2-sync-payroll-daily",)


def test_once_adopted_a_job_need_not_be_adopted_again() -> None:
    check = checks(night(1), list_live=dict)["jobs to adopt"]

    assert (check.verdict, check.reason) == (PASS, "none is left to adopt (night 0 is deployed)")


def test_a_first_deploy_of_a_later_night_adopts_as_well() -> None:
    start = Before(before_rollout(), "before the rollout")
    check = checks(night(2), list_live=dict, before=lambda: start)["jobs to adopt"]

    assert check.verdict is FAIL
    assert len(check.details) == 7


def test_a_live_job_without_any_field_is_compared(nights: Nights) -> None:
    live = {**YES.list_live(), RETURNS: from_api(name=named(RETURNS))}

    assert checks(night(1), list_live=lambda: live, declared=lambda: nights[1])["names to create"].verdict is FAIL


# Tables


def ran(*entities: str, code: int = 0, hours_ago: float = 12) -> object:
    """A list of live jobs whose last attempts ended with `code`."""
    started = (AT - timedelta(hours=hours_ago)).isoformat()
    names = [entity.job_name for entity in CATALOGUE if entity.name in entities]
    found = {
        name: from_api(name=named(name), lastAttemptTime=started, status={"code": code} if code else {})
        for name in names
    }
    return lambda: {**YES.list_live(), **found}


def test_tables_that_the_service_has_yet_to_make_are_no_failure() -> None:
    check = checks(night(1), survey=Dataset({"returns", "inventory_bills"}))["tables"]

    assert (check.verdict, check.reason) == (
        PASS,
        "9 have their loaded-at column, a time; 2 are made by the first run that has records",
    )
    assert check.details == (
        "table kpi-auto-471020.st_raw_v2.raw_inventory_bills does not exist yet",
        "table kpi-auto-471020.st_raw_v2.raw_returns does not exist yet",
    )


def test_a_quiet_entitys_table_may_be_missing_after_runs_too() -> None:
    assert checks(night(1), survey=Dataset({"returns"}), list_live=ran("returns"))["tables"].verdict is PASS


@pytest.mark.parametrize(
    ("sources", "verdict"),
    [
        ({"list_live": ran("jobs")}, FAIL),
        ({"list_live": ran("jobs", code=13)}, PASS),
        ({"log": lambda since: [called("jobs")]}, FAIL),
        ({"log": lambda since: [called("jobs", 0)]}, PASS),
        ({"log": lambda since: [called("customers")]}, PASS),
    ],
)
def test_a_missing_table_fails_only_where_something_was_loaded(sources: dict[str, object], verdict: Verdict) -> None:
    check = checks(SETTINGS, **{"log": lambda since: [], "survey": Dataset({"jobs"}), **sources})["tables"]

    assert check.verdict is verdict
    if verdict is FAIL:
        (detail,) = check.details
        assert detail.endswith("raw_jobs does not exist, although v2-sync-jobs-daily has loaded records")
        assert "dataset" in check.remedy


def test_a_column_whose_time_may_be_read_wrongly_is_a_warning_and_told_beside_a_failure() -> None:
    doubts = {"jobs": "column _ingested_at of st_raw_v2.raw_jobs is DATETIME, which has no zone"}
    check = checks(night(0), survey=Dataset(doubts=doubts))["tables"]

    assert (check.verdict, check.details) == (Verdict.WARN, tuple(doubts.values()))
    assert check.reason == "7 have their loaded-at column, a time; of 1 it may be read wrongly"
    assert check.remedy
    failed = checks(night(0), survey=Dataset(doubts=doubts, broken={"payroll": "is no time"}))["tables"]
    assert (failed.verdict, failed.details) == (FAIL, ("is no time", *doubts.values()))


def test_what_is_wrong_with_a_table_is_said_in_the_gates_words_and_once_for_a_dataset() -> None:
    why = "column _ingested_at of st_raw_v2.raw_jobs is STRING; loaded_at_fields must be a TIMESTAMP"
    denied = "the dataset may not be listed"
    broken = {"jobs": why, "technicians": denied, "business_units": denied}
    check = checks(night(3), survey=Dataset(broken=broken))["tables"]

    assert (check.verdict, check.details) == (FAIL, (why, denied))
    assert check.reason == "3 of 16 are not as they should be"


def test_tables_of_later_nights_are_not_asked_for() -> None:
    survey = Dataset(broken={"campaigns": "no column"})

    assert checks(night(2), survey=survey)["tables"].verdict is PASS
    assert checks(night(3), survey=survey)["tables"].verdict is FAIL


@pytest.mark.parametrize(
    ("list_live", "verdict"),
    [(dict, PASS), (ran("jobs"), FAIL), (failing(ERROR), INCONCLUSIVE)],
)
def test_datasets_that_are_missing_fail_only_once_something_ran(list_live: object, verdict: Verdict) -> None:
    trouble = UnansweredError("Not found: Dataset", Cause.NOT_FOUND)

    assert checks(SETTINGS, survey=Dataset(trouble=trouble), list_live=list_live)["tables"].verdict is verdict


@pytest.mark.parametrize("trouble", [OperationError("no access"), OSError("no network"), ValueError("not a table")])
def test_tables_that_cannot_be_read_are_inconclusive(trouble: Exception) -> None:
    check = checks(SETTINGS, survey=Dataset(trouble=trouble))["tables"]

    assert check.verdict is INCONCLUSIVE
    assert str(trouble) in check.reason


# The run log


def test_the_run_log_is_read_for_the_last_days() -> None:
    asked = []

    def log(since: datetime) -> list[LogRow]:
        asked.append(since)
        return [called("jobs"), called("collections", hours_ago=1), called("payroll", hours_ago=10)]

    check = checks(SETTINGS, log=log)["run log"]

    assert asked == [AT - LOG_PERIOD]
    assert (check.verdict, check.reason) == (
        PASS,
        "st_logs_v2.ingestion_logs has 2 runs since Sat 2026-10-17 15:00, "
        "the last one of payroll, Tue 2026-10-20 05:00",
    )


def test_without_a_run_log_that_is_said_and_none_is_asked() -> None:
    check = checks(replace(SETTINGS, run_log=""), log=failing(ERROR))["run log"]

    assert (check.verdict, check.reason) == (
        PASS,
        "run_log is empty: Cloud Scheduler and the tables are all that a gate asks",
    )


@pytest.mark.parametrize(
    ("list_live", "verdict"),
    [
        (ran("jobs"), FAIL),
        (ran("jobs", code=7), PASS),
        (ran("jobs", hours_ago=80), PASS),
        (dict, PASS),
        (failing(ERROR), INCONCLUSIVE),
    ],
)
def test_a_run_log_without_rows_fails_only_where_jobs_ended_well(list_live: object, verdict: Verdict) -> None:
    others = [called("collections")]
    check = checks(SETTINGS, log=lambda since: others, list_live=list_live)["run log"]

    assert check.verdict is verdict
    if verdict is FAIL:
        assert check.reason.endswith("although jobs ended well since: jobs")


@pytest.mark.parametrize(
    ("cause", "list_live", "verdict", "words"),
    [
        (Cause.NOT_FOUND, dict, PASS, "st_logs_v2.ingestion_logs does not exist yet; no job has run"),
        (Cause.NOT_FOUND, ran("jobs"), FAIL, 'set it to "" for a service that keeps none'),
        (Cause.NOT_FOUND, failing(ERROR), FAIL, "correct run_log"),
        (Cause.DENIED, dict, FAIL, "roles/bigquery.dataViewer on st_logs_v2"),
        (Cause.UNREADABLE, dict, INCONCLUSIVE, "words of BigQuery"),
    ],
)
def test_a_run_log_that_cannot_be_read_is_named(cause: Cause, list_live: object, verdict: Verdict, words: str) -> None:
    trouble = failing(UnansweredError("words of BigQuery", cause))
    check = checks(SETTINGS, log=trouble, list_live=list_live)["run log"]

    assert check.verdict is verdict
    assert words in f"{check.reason} {check.remedy}"


# Neighbours


def with_the_rebuild(schedule: str = "0 4 * * *") -> object:
    name = "v2-rebuild-dim-jobs-daily"
    target = {"uri": f"{SETTINGS.base_url}/rebuild/dim_jobs"}
    job = from_api(name=named(name), schedule=schedule, timeZone="America/Phoenix", httpTarget=target)
    return lambda: {**YES.list_live(), name: job}


THE_REBUILD = (
    "v2-rebuild-dim-jobs-daily: daily at 04:00 America/Phoenix; it calls the ingest service at /rebuild/dim_jobs"
)


def test_without_neighbours_that_is_said() -> None:
    assert checks(SETTINGS)["neighbours"].reason == "none in us-central1"


def test_neighbours_are_shown_with_their_times() -> None:
    check = checks(night(1), list_live=with_the_rebuild())["neighbours"]

    assert (check.verdict, check.details) == (PASS, (THE_REBUILD,))
    assert check.reason == "1 in us-central1, and the night moves no job across them"


def test_a_night_that_moves_ours_across_one_warns() -> None:
    check = checks(night(2), list_live=with_the_rebuild())["neighbours"]

    assert check.verdict is Verdict.WARN
    assert check.details == (
        THE_REBUILD,
        "v2-rebuild-dim-jobs-daily at 04:00 now runs while jobs loads; it used to run 45 min after the last one",
    )
    assert check.remedy


def test_neighbours_are_shown_though_what_is_deployed_is_not_known() -> None:
    error = OperationError("phase-core.tfstate is broken")
    check = checks(night(2), list_live=with_the_rebuild(), before=failing(error))["neighbours"]

    assert (check.verdict, check.details, check.reason) == (INCONCLUSIVE, (THE_REBUILD,), str(error))
