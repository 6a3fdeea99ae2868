"""Each rule with what it accepts and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from operations.policy.evaluate import Judgement, Rule, Stack, Verdict
from operations.policy.rules import RULES
from tests.given.policy import ACCOUNT, HEAD, POOL, REMOVE, ROOT_URL, SAMPLES, changed, stack

JOB = "google_cloud_scheduler_job"
BUCKET = "google_storage_bucket"
ALERT = "google_monitoring_alert_policy"
QUERY = "google_bigquery_data_transfer_config"
PROVIDER = "google_iam_workload_identity_pool_provider"
ROLE = "google_project_iam_custom_role"
ON_PROJECT = "google_project_iam_member"
ON_ACCOUNT = "google_service_account_iam_member"
ON_SERVICE = "google_cloud_run_v2_service_iam_member"
ADOPTED = {"import": [{"to": f"{JOB}.x", "id": "projects/p/locations/l/jobs/j"}]}
LEFT_ALONE = {"prevent_destroy": True, "ignore_changes": ["description", "attempt_deadline", "retry_config"]}


def of(kind: str, **fields: Any) -> Stack:
    return stack(kind, changed(SAMPLES[kind], **fields))


def head(**fields: Any) -> Stack:
    return stack(terraform=changed(HEAD["terraform"], **fields))


def adopted(**fields: Any) -> Stack:
    return stack(JOB, changed(SAMPLES[JOB], **fields), **ADOPTED)


def provider(**fields: Any) -> Stack:
    return stack(provider={"google": [{"project": "p", **fields}]})


def job(uri: str) -> Stack:
    return of(JOB, http_target__uri=uri)


def audience(value: object) -> Stack:
    token = {"service_account_email": ACCOUNT} | ({} if value is REMOVE else {"audience": value})
    return of(JOB, http_target__oidc_token=token)


def described(text: str) -> Stack:
    return of(JOB, description=text)


def granted(role: str, kind: str = ON_PROJECT) -> Stack:
    return of(kind, role=role)


def condition(text: object) -> Stack:
    return of(PROVIDER, attribute_condition=text)


RESHAPED = '${element(split("/", google_service_account.invoker.name), 5)}'
TWO_CONDITIONS = [*SAMPLES[ALERT]["conditions"], {"condition_absent": {"duration": "3600s"}}]
ABSENT = [{"condition_absent": {"duration": "3600s"}}]
WHOLE = {"role": "roles/run.viewer", "members": ["user:a@example.com"]}
GOOGLE = {"source": "hashicorp/google", "version": "6.50.0"}
AGENT = "serviceAccount:service-1@gcp-sa-bigquerydatatransfer.iam.gserviceaccount.com"

EXAMPLES: dict[str, tuple[list[Stack], list[Stack]]] = {
    "ING001": (
        [stack(), head(required_version="~> 1.9")],
        [head(required_version=REMOVE), head(required_version="< 2"), stack(terraform=None)],
    ),
    "ING002": (
        [stack(), head(required_providers={"google": GOOGLE})],
        [
            head(required_providers__google__version=">= 6.0"),
            head(required_providers__google__version=REMOVE),
            head(required_providers__google__source="somebody/google"),
            head(required_providers={"google": GOOGLE, "null": {"source": "hashicorp/null", "version": "3.2.4"}}),
            head(required_providers={}),
            stack(provider={"google": [{}], "google-beta": [{}]}),
        ],
    ),
    "ING003": (
        [stack(), described("see /ingest/jobs and 4:00/daily"), job(f"{ROOT_URL}/home/jobs")],
        [
            described("made by /home/somebody/main.py"),
            described("see file:///Users/somebody/x"),
            described("C:\\Users\\somebody"),
            of(JOB, **{"//": {"metadata": {"trace": ["App (/root/project/main.py:1)"]}}}),
            head(backend={"local": {"path": "/data/phase-core.tfstate"}}),
        ],
    ),
    "ING004": (
        [stack(), of(ON_SERVICE), of("google_monitoring_dashboard"), described('"100%" of $5'), described(RESHAPED)],
        [
            described("${file(1)}"),
            described("${google_service_account.absent.email}"),
            described("%{ if true }x%{ endif }"),
            described("${var.name}"),
            described('${element(split("/", var.name), 5)}'),
            described('${element(split("/", google_service_account.absent.name), 5)}'),
            described('${format("%s", file("/etc/passwd"), google_service_account.invoker.name)}'),
            described("${nonsensitive(google_service_account.invoker.email)}"),
            described("${google_service_account.invoker"),
        ],
    ),
    "ING005": (
        [stack(), of(JOB)],
        [
            of(JOB, provisioner=[{"local-exec": {"command": "true"}}]),
            stack("null_resource", {}),
            stack(data={"terraform_remote_state": {"x": {"backend": "gcs"}}}),
            stack(data={"external": {"x": {"program": ["sh"]}}}),
            stack(module={"x": {"source": "./x"}}),
        ],
    ),
    "ING006": (
        [stack(), of(JOB), job(f"{ROOT_URL}/ingest/jobs?tokens=all"), described("needs no password")],
        [
            provider(access_token="x"),  # noqa: S106
            provider(credentials="key.json"),
            of(JOB, http_target__headers={"Authorization": "x"}),
            job(f"{ROOT_URL}/ingest/jobs?api_key=x"),
            described("-----BEGIN " + "PRIVATE KEY-----"),
            described("ya29" + ".a0AfH6SMBxxxxxxxxx"),
            described('{"private_key' + '_id": "1"}'),
            stack(output={"x": {"value": "AIza" + "A" * 35}}),
        ],
    ),
    "ING007": (
        [of(JOB), of(BUCKET)],
        [stack("google_service_account_key", {}), stack("google_secret_manager_secret_version", {})],
    ),
    "ING101": (
        [of(JOB)],
        [job("http://example.com/ingest"), job("https://u:p@example.com/ingest"), job(""), job("https:///ingest")],
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
    "ING103": (
        [
            of(
                JOB,
                http_target={
                    "uri": "https://run.googleapis.com/v2/x",
                    "oauth_token": {"service_account_email": ACCOUNT},
                },
            )
        ],
        [of(JOB, http_target={"uri": f"{ROOT_URL}/x", "oauth_token": {"service_account_email": ACCOUNT}})],
    ),
    "ING104": (
        [of(JOB), of(JOB, retry_config__retry_count=0), of(JOB, retry_config__max_doublings=16)],
        [
            of(JOB, retry_config=REMOVE),
            of(JOB, lifecycle=LEFT_ALONE, retry_config=REMOVE),
            of(JOB, retry_config__retry_count=6),
            of(JOB, retry_config__min_backoff_duration="4s"),
            of(JOB, retry_config__max_backoff_duration="3601s"),
            of(JOB, retry_config__min_backoff_duration="700s"),
            of(JOB, retry_config__max_retry_duration=REMOVE),
            of(JOB, retry_config__max_doublings=17),
            adopted(retry_config=REMOVE),
        ],
    ),
    "ING105": (
        [of(JOB), of(JOB, attempt_deadline="15s")],
        [
            of(JOB, attempt_deadline=REMOVE),
            of(JOB, attempt_deadline="1801s"),
            of(JOB, attempt_deadline="14.9s"),
            of(JOB, attempt_deadline="30m"),
        ],
    ),
    "ING106": ([of(JOB), of(JOB, paused=True)], [of(JOB, paused=REMOVE), of(JOB, paused=None)]),
    "ING107": (
        [adopted(lifecycle=LEFT_ALONE)],
        [adopted(), adopted(lifecycle={"prevent_destroy": False}), adopted(lifecycle={"ignore_changes": ["paused"]})],
    ),
    "ING108": (
        [of(JOB), of(JOB, http_target__headers={"Accept": "application/json"})],
        [of(JOB, http_target__headers={"User-Agent": "x"}), of(JOB, http_target__headers={"user-agent": "x"})],
    ),
    "ING109": (
        [of(JOB)],
        [of(JOB, schedule="0 0 4 * * *"), of(JOB, schedule=REMOVE), of(JOB, time_zone=REMOVE)],
    ),
    "ING201": (
        [of(ON_PROJECT), of(ON_SERVICE), of(ON_ACCOUNT)],
        [stack(kind, WHOLE) for kind in ("google_project_iam_binding", "google_cloud_run_v2_service_iam_policy")],
    ),
    "ING202": (
        [of(ON_PROJECT), granted("roles/bigquery.jobUser"), granted("roles/run.viewer", ON_SERVICE)],
        [granted(f"roles/{role}") for role in ("owner", "editor", "viewer")],
    ),
    "ING203": (
        [of(ON_SERVICE), described("open to allUsers of the team")],
        [
            of(ON_SERVICE, member="allUsers"),
            of(ON_SERVICE, member="allAuthenticatedUsers"),
            stack("google_storage_bucket_iam_binding", {"role": "roles/storage.objectViewer", "members": ["allUsers"]}),
            stack("google_bigquery_dataset", {"access": [{"special_group": "allAuthenticatedUsers"}]}),
        ],
    ),
    "ING204": (
        [of(ON_SERVICE), of("google_cloud_run_service_iam_member")],
        [granted("roles/run.invoker"), of(ON_SERVICE, name=REMOVE)],
    ),
    "ING205": (
        [of(ON_PROJECT), granted("roles/bigquery.jobUser"), granted("projects/kpi-auto-471020/roles/ingestDeployer")],
        [
            granted("roles/cloudscheduler.admin"),
            granted("roles/iam.serviceAccountUser"),
            of(ON_PROJECT, role=REMOVE),
            stack("google_folder_iam_member", {"role": "projects/p/roles/r"}),
        ],
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
    "ING207": (
        [of(ON_ACCOUNT), of(ON_ACCOUNT, role="roles/iam.serviceAccountTokenCreator", member=AGENT)],
        [
            granted("roles/iam.serviceAccountTokenCreator", ON_ACCOUNT),
            granted("roles/iam.serviceAccountAdmin", ON_ACCOUNT),
        ],
    ),
    "ING208": (
        [
            of(PROVIDER),
            condition('assertion.repository == "a-team/ingest" && assertion.ref == "refs/heads/main"'),
            condition("assertion.repository_id == '123456'"),
        ],
        [
            condition(REMOVE),
            condition("assertion.repository_owner == 'a-team'"),
            condition("assertion.repository == 'a-team/ingest' || true"),
            condition("assertion.repository != 'a-team/ingest'"),
            of(PROVIDER, oidc__issuer_uri="http://example.com"),
        ],
    ),
    "ING209": (
        [
            of(ON_ACCOUNT),
            of(ON_ACCOUNT, member="principal://iam.googleapis.com/x/subject/repo:a-team/ingest:ref:refs/heads/main"),
        ],
        [of(ON_ACCOUNT, member=f"{POOL}/*"), of(ON_ACCOUNT, member=f"{POOL}/attribute.repository_owner/a-team")],
    ),
    "ING301": (
        [of(BUCKET)],
        [
            of(BUCKET, uniform_bucket_level_access=REMOVE),
            of(BUCKET, public_access_prevention="inherited"),
            of(BUCKET, public_access_prevention=REMOVE),
        ],
    ),
    "ING302": (
        [of(BUCKET), of(BUCKET, versioning=[{"enabled": True}], force_destroy=False)],
        [of(BUCKET, versioning=REMOVE), of(BUCKET, versioning__enabled=False), of(BUCKET, force_destroy=True)],
    ),
    "ING401": (
        [of(ALERT)],
        [
            of(ALERT, documentation=REMOVE),
            of(ALERT, documentation__content=""),
            of(ALERT, notification_channels=[]),
            of(ALERT, notification_channels=REMOVE),
        ],
    ),
    "ING402": ([of(ALERT), of(ALERT, enabled=REMOVE)], [of(ALERT, enabled=False)]),
    "ING403": (
        [of(ALERT)],
        [of(ALERT, alert_strategy=REMOVE), of(ALERT, conditions=TWO_CONDITIONS)],
    ),
    "ING404": ([of(QUERY)], [of(QUERY, service_account_name=REMOVE), of(QUERY, disabled=True)]),
}

# What is of the rule's kind, and still none of its business.
ELSEWHERE: dict[str, list[Stack]] = {
    "ING102": [of(JOB, http_target__oidc_token=REMOVE)],
    "ING103": [of(JOB)],
    "ING104": [adopted(lifecycle=LEFT_ALONE, retry_config=REMOVE)],
    "ING105": [adopted(lifecycle=LEFT_ALONE, attempt_deadline=REMOVE)],
    "ING106": [adopted(lifecycle=LEFT_ALONE, paused=REMOVE)],
    "ING107": [of(JOB)],
    "ING204": [granted("roles/run.viewer", ON_SERVICE)],
    "ING209": [granted("roles/iam.serviceAccountUser", ON_ACCOUNT)],
    "ING403": [of(ALERT, conditions=ABSENT)],
}

BY_ID = {rule.id: rule for rule in RULES}
ids = sorted(EXAMPLES)


def judgements(rule: Rule, given: Stack) -> list[Judgement]:
    return [rule.judge(subject) for subject in given.subjects()]


def verdicts(rule: Rule, given: Stack) -> set[Verdict]:
    return {judgement.verdict for judgement in judgements(rule, given)}


def test_every_rule_has_an_id_of_its_own_and_examples_of_both_kinds() -> None:
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
    for given in ELSEWHERE.get(rule, []):
        (subject,) = [subject for subject in given.subjects() if subject.address.endswith(".x")]
        assert BY_ID[rule].judge(subject).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_rule_is_content_with_every_sample_of_the_stacks_to_come(kind: str) -> None:
    broken = {rule.id: found.details for rule in RULES for found in judgements(rule, stack(kind)) if found.details}

    assert {rule: details for rule, details in broken.items() if rule not in ("ING102", "ING103", "ING403")} == {}
