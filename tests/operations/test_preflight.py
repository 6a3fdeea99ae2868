"""Each check with a passing, a failing and an inconclusive case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.rollout import before_rollout
from ingest.verdict import Verdict
from operations.cloud import jobs
from operations.cloud.errors import Cause, UnansweredError
from operations.cloud.routes import RouteAnswer
from operations.errors import OperationError
from operations.preflight import ACT_AS, PERMISSIONS
from operations.terraform.declared import Declared
from operations.terraform.deployed import Before, assumed
from tests.given.domain import SETTINGS, night
from tests.given.preflight import ACCOUNT, TABLES, YES, Caller, Dataset, checks, failing, route, verdicts
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
        probe=lambda url: route(None),
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


def only(url_part: str, answer: RouteAnswer) -> object:
    """A prober whose answer for one route is `answer`."""
    return lambda url: answer if url.endswith(url_part) else route(204, "GET")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (route(200, "GET"), PASS),
        (route(204, "HEAD", "GET"), PASS),
        (route(404), FAIL),
        (route(404, "GET"), FAIL),
        (route(200), INCONCLUSIVE),
        (route(200, "POST"), INCONCLUSIVE),
        (route(301, "GET"), INCONCLUSIVE),
        (route(401), INCONCLUSIVE),
        (route(403), INCONCLUSIVE),
        (route(405, "GET"), INCONCLUSIVE),
        (route(500), INCONCLUSIVE),
        (route(None, text="timed out"), INCONCLUSIVE),
    ],
)
def test_a_route_exists_only_where_options_says_so(answer: RouteAnswer, verdict: Verdict) -> None:
    check = checks(night(1), probe=only("/ingest/returns", answer))["routes"]

    assert check.verdict is verdict
    if verdict is not PASS:
        (detail,) = check.details
        assert detail.startswith(f"{SETTINGS.base_url}/ingest/returns ")


def test_a_failed_route_is_told_before_those_without_an_answer() -> None:
    check = checks(night(1), probe=lambda url: route(404 if url.endswith("returns") else 500))["routes"]

    assert check.verdict is FAIL
    assert check.reason == "1 of 11 do not exist"
    assert check.details[0] == f"{SETTINGS.base_url}/ingest/returns answers OPTIONS with 404"
    assert len(check.details) == 11


@pytest.mark.parametrize(("number", "count"), [(0, 7), (1, 11), (2, 12), (3, 16)])
def test_each_job_of_the_night_is_asked_for_once_without_its_query(number: int, count: int) -> None:
    asked: list[str] = []

    def probe(url: str) -> RouteAnswer:
        asked.append(url)
        return route(200, "GET")

    checks(night(number), probe=probe)

    assert len(asked) == len(set(asked)) == count
    assert not [url for url in asked if "?" in url]


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


@pytest.mark.parametrize(("number", "verdict"), [(4, PASS), (3, INCONCLUSIVE)])
def test_a_service_that_is_closed_to_requests_without_a_token_suits_only_jobs_that_send_one(
    number: int, verdict: Verdict
) -> None:
    found = checks(replace(WITH_INVOKER, night=number), probe=lambda url: route(403))

    assert found["routes"].verdict is verdict
    if verdict is PASS:
        assert found["routes"].reason.startswith("not asked: the service is closed to requests without a token")
