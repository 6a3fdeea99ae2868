"""Each check with a passing, a failing and an inconclusive case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.rollout import before_rollout
from ingest.settings import Settings
from ingest.verdict import Verdict
from operations.cloud import jobs
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.routes import TOKEN_VARIABLE, UNKNOWN, Answer
from operations.errors import OperationError
from operations.preflight import ACT_AS, PERMISSIONS
from operations.terraform.declared import Declared
from operations.terraform.deployed import Before, assumed
from tests.given.domain import SETTINGS, night
from tests.given.preflight import ACCOUNT, ENTITIES, TABLES, YES, Caller, Dataset, Service, checks, failing, verdicts
from tests.given.status import from_api
from tests.given.twin import named

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
    ]
    assert verdicts(found) == {}
    assert {check.remedy for check in found.values()} == {""}


def test_every_check_but_a_pass_says_what_to_do() -> None:
    found = checks(
        WITH_INVOKER,
        list_live=failing(ERROR),
        granted=Caller(trouble=ERROR),
        ask=lambda url: Answer(None, text="timed out"),
        tables=None,
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
        (replace(WITH_INVOKER, night=4), f"the jobs of this night send one of {ACCOUNT}"),
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


def test_the_seven_are_in_the_way_where_they_are_not_to_be_adopted(nights: Nights) -> None:
    settings = night(0, adopt_existing=False)
    other = [replace(one, fields=one.fields | {"description": "x"}) for one in nights[0]]
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


def test_a_table_that_is_missing_fails() -> None:
    content = {name: columns for name, columns in TABLES.items() if name != "raw_returns"}
    check = checks(night(1), tables=Dataset(content))["tables"]

    assert (check.verdict, check.details) == (FAIL, ("raw_returns does not exist",))


def test_a_loaded_at_column_that_is_missing_fails() -> None:
    check = checks(night(1), tables=Dataset(TABLES | {"raw_jobs": {"id"}}))["tables"]

    assert (check.verdict, check.details) == (FAIL, ("raw_jobs has no column updated_on",))


def test_tables_of_later_nights_are_not_asked_for() -> None:
    content = {name: columns for name, columns in TABLES.items() if name != "raw_campaigns"}

    assert checks(night(2), tables=Dataset(content))["tables"].verdict is PASS
    assert checks(night(3), tables=Dataset(content))["tables"].verdict is FAIL


@pytest.mark.parametrize("trouble", [OperationError("no access"), OSError("no network"), ValueError("not a table")])
def test_tables_that_cannot_be_read_are_inconclusive(trouble: Exception) -> None:
    check = checks(SETTINGS, tables=Dataset({}, trouble))["tables"]

    assert check.verdict is INCONCLUSIVE
    assert str(trouble) in check.reason


def test_without_bigquery_the_tables_are_inconclusive() -> None:
    assert checks(SETTINGS, tables=None)["tables"].verdict is INCONCLUSIVE
