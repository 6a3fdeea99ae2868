"""Each rule with what it accepts and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from operations.policy.evaluate import Judgement, Rule, Stack, Verdict
from operations.policy.rules import RULES
from tests.given.policy import ACCOUNT, JOB, REMOVE, ROLE, ROOT_URL, SAMPLES, changed, stack


def of(kind: str, **fields: Any) -> Stack:
    return stack(kind, changed(SAMPLES[kind], **fields))


def job(uri: str) -> Stack:
    return of(JOB, http_target__uri=uri)


def audience(value: object) -> Stack:
    token = {"service_account_email": ACCOUNT} | ({} if value is REMOVE else {"audience": value})
    return of(JOB, http_target__oidc_token=token)


def described(text: str) -> Stack:
    return of(JOB, description=text)


EXAMPLES: dict[str, tuple[list[Stack], list[Stack]]] = {
    "ING006": (
        [stack(), of(JOB), job(f"{ROOT_URL}/ingest/jobs?tokens=all"), described("needs no password")],
        [
            stack(provider={"google": [{"access_token": "x"}]}),
            stack(provider={"google": [{"credentials": "key.json"}]}),
            of(JOB, http_target__headers={"Authorization": "x"}),
            job(f"{ROOT_URL}/ingest/jobs?api_key=x"),
            described("-----BEGIN " + "PRIVATE KEY-----"),
            described("ya29" + ".a0AfH6SMBxxxxxxxxx"),
            described('{"private_key' + '_id": "1"}'),
            stack(output={"x": {"value": "AIza" + "A" * 35}}),
        ],
    ),
    "ING102": (
        [of(JOB)],
        [
            audience(REMOVE),
            audience(f"{ROOT_URL}/ingest/jobs?mode=incremental"),
            audience(f"{ROOT_URL}/"),
            audience(ROOT_URL.replace("https", "http")),
            audience("https://example.com"),
        ],
    ),
    "ING104": (
        [
            of(JOB),
            of(JOB, retry_config__min_backoff_duration="5s"),
            of(JOB, retry_config__max_backoff_duration="3600s"),
        ],
        [
            of(JOB, retry_config__min_backoff_duration="4s"),
            of(JOB, retry_config__min_backoff_duration=REMOVE),
            of(JOB, retry_config__max_backoff_duration="3601s"),
            of(JOB, retry_config__max_backoff_duration="1h"),
        ],
    ),
    "ING108": (
        [of(JOB), of(JOB, http_target__headers={"Accept": "application/json"})],
        [of(JOB, http_target__headers={"User-Agent": "x"}), of(JOB, http_target__headers={"user-agent": "x"})],
    ),
    "ING206": (
        [of(ROLE)],
        [
            of(ROLE, permissions=[]),
            of(ROLE, permissions=["cloudscheduler.*"]),
            of(ROLE, permissions=["resourcemanager.projects.setIamPolicy"]),
            of(ROLE, permissions=["iam.serviceAccounts.actAs"]),
            of(ROLE, permissions=["iam.serviceAccountKeys.create"]),
        ],
    ),
}

# What is of the rule's kind, and still none of its business.
ELSEWHERE = {"ING102": of(JOB, http_target__oidc_token=REMOVE), "ING104": of(JOB, retry_config=REMOVE)}

BY_ID = {rule.id: rule for rule in RULES}
ids = sorted(EXAMPLES)


def judgements(rule: Rule, given: Stack) -> list[Judgement]:
    return [rule.judge(subject) for subject in given.subjects()]


def verdicts(rule: Rule, given: Stack) -> set[Verdict]:
    return {judgement.verdict for judgement in judgements(rule, given)}


def test_every_rule_has_an_id_of_its_own_a_reason_and_examples_of_both_kinds() -> None:
    assert sorted(rule.id for rule in RULES) == ids, "a rule without examples, or twice the same id"
    assert all(compliant and broken for compliant, broken in EXAMPLES.values())
    assert all(rule.title and rule.reason.endswith(".") for rule in RULES)


@pytest.mark.parametrize("rule", ids)
def test_a_rule_is_content_with_its_compliant_examples(rule: str) -> None:
    for given in EXAMPLES[rule][0]:
        assert Verdict.NON_COMPLIANT not in verdicts(BY_ID[rule], given), given
        assert Verdict.COMPLIANT in verdicts(BY_ID[rule], given), given


@pytest.mark.parametrize("rule", ids)
def test_a_rule_refuses_each_of_its_other_examples_and_says_why(rule: str) -> None:
    for given in EXAMPLES[rule][1]:
        found = [one for one in judgements(BY_ID[rule], given) if one.verdict is Verdict.NON_COMPLIANT]
        assert len(found) == 1, given
        assert all(found[0].details)


@pytest.mark.parametrize("rule", ids)
def test_a_rule_does_not_apply_to_what_it_is_not_about(rule: str) -> None:
    assert Verdict.NON_COMPLIANT not in verdicts(BY_ID[rule], stack("google_project_service", {}))


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_a_rule_about_some_jobs_does_not_apply_to_the_others(rule: str) -> None:
    assert verdicts(BY_ID[rule], ELSEWHERE[rule]) == {Verdict.NOT_APPLICABLE}
