"""The policy's rules, in the order of docs/policy.md, which is generated from them.

The fields are those of the google provider 6.50.0. A rule about a kind of resource that no stack has yet holds from the
day on which one has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ingest.limits import BACKOFF, CRON_FIELDS, DEADLINE, DOUBLINGS, RETRIES
from operations.policy.evaluate import NOT_APPLICABLE, STACK, Check, Judgement, Rule, Subject, judged, not_applicable

RULES: list[Rule] = []

Path = tuple[str, ...]
"""The keys that lead to a value in the JSON."""

JOB = "google_cloud_scheduler_job"
BUCKET = "google_storage_bucket"
ALERT = "google_monitoring_alert_policy"
SCHEDULED_QUERY = "google_bigquery_data_transfer_config"
PROVIDER = "google_iam_workload_identity_pool_provider"
CUSTOM_ROLE = "google_project_iam_custom_role"
ACCOUNT_MEMBER = "google_service_account_iam_member"
SERVICE_MEMBERS = {"google_cloud_run_v2_service_iam_member": "name", "google_cloud_run_service_iam_member": "service"}
"""The grants on one Cloud Run service, and the field that names it."""

PROJECT_ROLES = {
    "roles/bigquery.jobUser": "a query is a job, and jobs belong to a project, not to a dataset",
}
"""The predefined roles that may be granted on the project, and why nothing narrower will do."""

ACCOUNT_ROLES = {
    "roles/iam.serviceAccountUser": "to give a job or a query this one account as its identity",
    "roles/iam.workloadIdentityUser": "to let a CI job become this one account, without a key",
}
"""The roles that may be granted on one service account."""

SERVICE_AGENT = re.compile(r"serviceAccount:\S+@gcp-sa-[a-z-]+\.iam\.gserviceaccount\.com")
TOO_MUCH_FOR_A_ROLE = (
    re.compile(r"resourcemanager\.\w+\.setIamPolicy"),
    re.compile(r"iam\.roles\.(create|update)"),
    re.compile(r"iam\.serviceAccountKeys\.\w+"),
    re.compile(r"iam\.serviceAccounts\.(actAs|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)"),
)
"""Permissions by which an account gets more than the role says: other accounts' identities, or other grants."""

KEYS_IN_STATE = {"google_service_account_key", "google_storage_hmac_key", "google_secret_manager_secret_version"}
CODE_RUNNERS = {"null_resource", "terraform_data", "external", "http", "local_file", "terraform_remote_state"}
SECRET_NAMES = re.compile(r"(?i)(access_token|api_?key|authorization|client_secret|cookie|credentials|password|secret)")
SECRET_VALUES = re.compile(
    r"-----BEGIN|\bAIza[\w-]{35}|\bya29\.[\w-]{10}|\bGOCSPX-[\w-]{10}|\bghp_\w{20}|\bAKIA[A-Z0-9]{16}"
    r"|\bBearer [\w.~+/-]{16}|\beyJ[\w-]{10,}\.eyJ|[\"']private_key(_id)?[\"']|[?&](access_token|api_?key|token)="
)
MACHINE_PATH = re.compile(
    r"(?:^|[\s\"'=(:]|file://)"
    r"(?:/(?:builds|home|mnt|opt|private|root|srv|tmp|usr|Users|var|work|workspace)/|~/|[A-Za-z]:\\)"
)
REFERENCE = re.compile(r"(data\.)?(google_\w+)\.([\w-]+)(\.\w+|\[\d+\]|\[\"[\w-]+\"\])+")
FUNCTION = re.compile(r"\b(basename|element|format|join|lower|replace|split|trimprefix|trimsuffix)\(")
TEXT = re.compile(r'"[^"\\]*"')
REPOSITORY_CONDITION = re.compile(
    r"(assertion|attribute)\.repository\s*==\s*(['\"])[\w.-]+/[\w.-]+\2"
    r"|(assertion|attribute)\.repository_id\s*==\s*(['\"])\d+\4"
)
DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def rule(id_: str, title: str, reason: str) -> Callable[[Check], Check]:
    def add(check: Check) -> Check:
        RULES.append(Rule(id_, title, reason, check))
        return check

    return add


# The stack as a whole


@rule(
    "ING001",
    "Terraform's version has a lower bound",
    "Import blocks need 1.5; an older Terraform ends with a syntax error in the middle of a night.",
)
def required_version(subject: Subject) -> Judgement:
    if subject.kind != STACK:
        return NOT_APPLICABLE
    declared = subject.body.get("terraform", {}).get("required_version", "")
    wrong = f"required_version is {declared!r}; declare one with a lower bound, such as '>= 1.5'"
    return judged([] if re.match(r"(>=|~>|=)?\s*\d+\.\d+", declared) else [wrong])


@rule(
    "ING002",
    "The only provider is hashicorp/google, pinned to one version",
    "A range lets two nights plan differently; another provider is code with the project's credentials.",
)
def pinned_provider(subject: Subject) -> Judgement:
    if subject.kind != STACK:
        return NOT_APPLICABLE
    required = subject.body.get("terraform", {}).get("required_providers", {})
    return judged(_wrong_providers(required, subject.body.get("provider", {})))


def _wrong_providers(required: Mapping[str, Any], configured: Mapping[str, Any]) -> Iterator[str]:
    if not required:
        yield "required_providers is missing"
    for name in configured.keys() - required.keys():
        yield f"provider {name} is not in required_providers"
    for name, wanted in required.items():
        # Terraform completes a bare name with its default namespace, hashicorp.
        if wanted.get("source") not in ("google", "hashicorp/google", "registry.terraform.io/hashicorp/google"):
            yield f"provider {name} comes from {wanted.get('source')!r}; allowed: hashicorp/google"
        if not re.fullmatch(r"=?\s*\d+\.\d+\.\d+", wanted.get("version") or ""):
            yield f"provider {name} has version {wanted.get('version')!r}; pin one, such as '6.50.0'"


@rule(
    "ING003",
    "No absolute path of a machine is in the JSON",
    "The JSON must be the same on every machine; a path of one breaks the others, and tells who built it.",
)
def no_machine_path(subject: Subject) -> Judgement:
    if subject.kind != STACK:
        return NOT_APPLICABLE
    found = {text for _, text in _strings(subject.body, metadata=True) if MACHINE_PATH.search(text)}
    backend = subject.body.get("terraform", {}).get("backend", {}).get("local", {}).get("path", "")
    found |= {backend} if backend.startswith("/") else set()
    return judged(f"{_short(text)} names a place on one machine" for text in sorted(found))


@rule(
    "ING004",
    "Interpolations refer to the stack's own resources, and only reshape their texts",
    "`${` and `%{` in a text are code to Terraform: a title or a URL with them is run, or breaks the plan.",
)
def known_references(subject: Subject) -> Judgement:
    if subject.kind != STACK:
        return NOT_APPLICABLE
    known = {one.address for one in subject.stack.subjects()}
    return judged(_unknown_references(subject.body, known))


def _unknown_references(body: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    for _, text in _strings(body):
        # A doubled sign is how Terraform writes the plain one.
        left = text.replace("$${", "").replace("%%{", "")
        if "%{" in left:
            yield f"{_short(text)} has a template directive"
        for expression in re.findall(r"\$\{(.*?)(?:\}|$)", left, re.DOTALL):
            references = list(REFERENCE.finditer(expression))
            rest = FUNCTION.sub("(", TEXT.sub("", REFERENCE.sub("", expression)))
            if not references or re.search(r"[^\s(),\d]", rest):
                yield f"${{{expression}}} is no reference to a resource"
            for found in references:
                if f"{found[1] or ''}{found[2]}.{found[3]}" not in known:
                    yield f"${{{expression}}} refers to a resource that the stack does not have"


@rule(
    "ING005",
    "Nothing runs code or reads another stack's state",
    "A provisioner runs on whatever machine deploys; a remote state ties stacks together, which deploy alone.",
)
def no_code(subject: Subject) -> Judgement:
    if subject.kind == STACK:
        sections = [name for name in ("module", "check") if subject.body.get(name)]
        return judged(f"the stack has a {name} block" for name in sections)
    problems = [f"{subject.kind} runs code or reads a state"] if subject.kind in CODE_RUNNERS else []
    problems += ["has a provisioner"] if "provisioner" in subject.body or "connection" in subject.body else []
    return judged(problems)


@rule(
    "ING006",
    "No credential is in the JSON",
    "The JSON is printed, uploaded by CI and copied into the state: a key in it is a key given away.",
)
def no_credentials(subject: Subject) -> Judgement:
    if subject.kind != STACK:
        return NOT_APPLICABLE
    return judged(sorted(set(_credentials(subject.body))))


def _credentials(body: Mapping[str, Any]) -> Iterator[str]:
    for path, text in _strings(body):
        # A resource's name is ours to choose; its fields begin behind it.
        fields = path[3:] if path[:1] in (("resource",), ("data",)) else path
        named = next((name for name in fields if SECRET_NAMES.fullmatch(name)), None)
        if named and text:
            yield f"{'.'.join(path)} holds a value"
        elif SECRET_VALUES.search(text):
            yield f"{'.'.join(path)} looks like a key or a token"


@rule(
    "ING007",
    "No resource makes a key",
    "Terraform keeps what it made in its state, in the clear. Identities are given by OIDC, without keys.",
)
def no_keys(subject: Subject) -> Judgement:
    if subject.kind == STACK or subject.is_data:
        return NOT_APPLICABLE
    return judged([f"{subject.kind} puts its key into the state"] if subject.kind in KEYS_IN_STATE else [])


# Jobs


@rule(
    "ING101",
    "A job's target is an https URL",
    "A job sends its identity token along; over http anyone between can read it.",
)
def https_target(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    uri = _target(subject).get("uri", "")
    url = urlsplit(uri)
    problems = [] if url.scheme == "https" and url.hostname else [f"the target is {_short(uri)}"]
    return judged(problems + (["the URL holds a user or a password"] if "@" in url.netloc else []))


@rule(
    "ING102",
    "The audience of a job's OIDC token is the service's root",
    "Without one the whole URL with its query is the audience, and Cloud Run refuses the token.",
)
def audience(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    target = _target(subject)
    if not target.get("oidc_token"):
        return not_applicable("the job sends no OIDC token")
    declared = target["oidc_token"].get("audience") or ""
    url = urlsplit(declared)
    fits = url.scheme == "https" and url.hostname and not (url.query or url.fragment or declared.endswith("/"))
    if not fits:
        return judged([f"the audience is {declared!r}; it must be the service's https root, without a query"])
    inside = target["uri"].startswith(f"{declared}/")
    return judged([] if inside else [f"the audience {declared} is not the root of {_short(target['uri'])}"])


@rule(
    "ING103",
    "An OAuth token goes to Google's APIs only",
    "An access token works for all of the account's APIs: a service that gets one can use it in its turn.",
)
def oauth(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    target = _target(subject)
    if not target.get("oauth_token"):
        return not_applicable("the job sends no OAuth token")
    host = urlsplit(target["uri"]).hostname or ""
    return judged([] if host.endswith(".googleapis.com") else [f"it is sent to {host}; use oidc_token"])


@rule(
    "ING104",
    "A job's retries are declared, within Cloud Scheduler's limits",
    "Undeclared means none, and an update clears what was set: one failed attempt then loses the night.",
)
def retries(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    if _left_as_found(subject, "retry_config"):
        return not_applicable("adopted, and left as it was found")
    declared = _blocks(subject.body.get("retry_config"))
    return judged(_wrong_retries(declared[0]) if declared else ["retry_config is not declared"])


def _wrong_retries(retry: Mapping[str, Any]) -> Iterator[str]:
    for name, allowed in (("retry_count", RETRIES), ("max_doublings", DOUBLINGS)):
        value = retry.get(name)
        if not isinstance(value, int) or value not in allowed:
            yield f"{name} is {value!r}; allowed: {allowed.text()}"
    least, most = _seconds(retry.get("min_backoff_duration")), _seconds(retry.get("max_backoff_duration"))
    for name, value in (("min_backoff_duration", least), ("max_backoff_duration", most)):
        if value is None or value not in BACKOFF:
            yield f"{name} is {retry.get(name)!r}; allowed: {BACKOFF.text('s')}"
    if least is not None and most is not None and least > most:
        yield f"min_backoff_duration {least:g}s is over max_backoff_duration {most:g}s"
    if _seconds(retry.get("max_retry_duration")) is None:
        yield f"max_retry_duration is {retry.get('max_retry_duration')!r}; declare it, 0s for no limit"


@rule(
    "ING105",
    f"A job's attempt deadline is declared, {DEADLINE.text(' s')}",
    "The default of 3 minutes cuts a longer ingest off and calls it failed, while it goes on running.",
)
def deadline(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    if _left_as_found(subject, "attempt_deadline"):
        return not_applicable("adopted, and left as it was found")
    declared = subject.body.get("attempt_deadline")
    seconds = _seconds(declared)
    fits = seconds is not None and seconds in DEADLINE
    return judged([] if fits else [f"attempt_deadline is {declared!r}; allowed: {DEADLINE.text('s')}"])


@rule(
    "ING106",
    "A job declares whether it is paused",
    "Undeclared, a job that somebody paused by hand looks in order to Terraform, and never runs.",
)
def paused(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    if _left_as_found(subject, "retry_config"):
        return not_applicable("adopted, and left as it was found")
    return judged([] if isinstance(subject.body.get("paused"), bool) else ["paused is not declared"])


@rule(
    "ING107",
    "What is imported has prevent_destroy",
    "It was there before the rollout: going back must never take it away.",
)
def guarded(subject: Subject) -> Judgement:
    if subject.kind == STACK or not subject.imported:
        return NOT_APPLICABLE
    held = (subject.body.get("lifecycle") or {}).get("prevent_destroy") is True
    return judged([] if held else ["lifecycle.prevent_destroy is not true"])


@rule(
    "ING108",
    "A job sets no User-Agent header",
    "The provider strips it when it reads the job: the plan shows a change for ever.",
)
def user_agent(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    headers = _target(subject).get("headers") or {}
    return judged(f"it sets {name}" for name in headers if name.lower() == "user-agent")


@rule(
    "ING109",
    "A job's schedule has five fields, and its time zone is declared",
    "The default zone is UTC: 4 AM would be 9 PM of the evening before in Phoenix.",
)
def schedule(subject: Subject) -> Judgement:
    if not _is(subject, JOB):
        return NOT_APPLICABLE
    fields = (subject.body.get("schedule") or "").split()
    problems = [] if len(fields) == CRON_FIELDS else [f"schedule is {subject.body.get('schedule')!r}"]
    return judged(problems + ([] if subject.body.get("time_zone") else ["time_zone is not declared"]))


# Grants


@rule(
    "ING201",
    "No grant is authoritative",
    "An *_iam_policy or *_iam_binding takes away whatever others were granted, such as Google's own agents.",
)
def not_authoritative(subject: Subject) -> Judgement:
    if not _grants(subject):
        return NOT_APPLICABLE
    whole = re.search(r"_iam_(policy|binding)$", subject.kind)
    return judged([f"{subject.kind} replaces others' grants; use *_iam_member"] if whole else [])


@rule(
    "ING202",
    "No primitive role is granted",
    "Owner, editor and viewer reach every service of the project, and all that are yet to come.",
)
def no_primitive_role(subject: Subject) -> Judgement:
    if not _grants(subject):
        return NOT_APPLICABLE
    found = {text for _, text in _strings(subject.body) if re.fullmatch(r"roles/(owner|editor|viewer)", text)}
    return judged(f"grants {role}" for role in sorted(found))


@rule(
    "ING203",
    "Nothing is granted to everyone",
    "allUsers is the internet, allAuthenticatedUsers anyone with a Google account.",
)
def not_public(subject: Subject) -> Judgement:
    if subject.kind == STACK or subject.is_data:
        return NOT_APPLICABLE
    found = {text for _, text in _strings(subject.body) if text in ("allUsers", "allAuthenticatedUsers")}
    return judged(f"is open to {who}" for who in sorted(found))


@rule(
    "ING204",
    "run.invoker is granted on one service only",
    "On the project it would let the account call every service there, those of other teams as well.",
)
def invoker_of_one_service(subject: Subject) -> Judgement:
    if not _grants(subject) or subject.body.get("role") != "roles/run.invoker":
        return NOT_APPLICABLE
    named = SERVICE_MEMBERS.get(subject.kind)
    if named is None:
        return judged([f"{subject.kind} is no grant on one service; use google_cloud_run_v2_service_iam_member"])
    return judged([] if subject.body.get(named) else [f"{named} is not declared"])


@rule(
    "ING205",
    "Grants on the project are of custom roles, or of a few narrow ones",
    "A grant on the project reaches everything in it. Allowed: "
    + "; ".join(f"{role} ({why})" for role, why in PROJECT_ROLES.items())
    + ".",
)
def narrow_on_project(subject: Subject) -> Judgement:
    found = re.fullmatch(r"google_(project|folder|organization)_iam_(member|binding|policy)", subject.kind)
    if not found or subject.is_data:
        return NOT_APPLICABLE
    if found[1] != "project":
        return judged([f"grants on a whole {found[1]}"])
    role = subject.body.get("role") or ""
    custom = re.fullmatch(r"projects/[\w.:-]+/roles/\w+", role) or re.fullmatch(
        rf"\$\{{{CUSTOM_ROLE}\.[\w-]+\.(id|name)\}}", role
    )
    return judged([] if custom or role in PROJECT_ROLES else [f"grants {role or 'no role'} on the project"])


@rule(
    "ING206",
    "A custom role names its permissions, and none that leads to others",
    "Who may set grants, make keys or act as any account has more than the role says.",
)
def plain_custom_role(subject: Subject) -> Judgement:
    if not _is(subject, CUSTOM_ROLE):
        return NOT_APPLICABLE
    permissions = subject.body.get("permissions") or []
    problems = [] if permissions else ["it has no permissions"]
    for name in permissions:
        if "*" in name or any(one.fullmatch(name) for one in TOO_MUCH_FOR_A_ROLE):
            problems.append(f"{name} leads further than it says")
    return judged(problems)


@rule(
    "ING207",
    "A grant on a service account is to use it, and to no more",
    "Allowed: "
    + "; ".join(f"{role}, {why}" for role, why in ACCOUNT_ROLES.items())
    + "; roles/iam.serviceAccountTokenCreator for Google's own service agents.",
)
def narrow_on_account(subject: Subject) -> Judgement:
    if not _is(subject, ACCOUNT_MEMBER):
        return NOT_APPLICABLE
    role, member = subject.body.get("role") or "", subject.body.get("member") or ""
    by_agent = role == "roles/iam.serviceAccountTokenCreator" and SERVICE_AGENT.fullmatch(member)
    return judged([] if role in ACCOUNT_ROLES or by_agent else [f"grants {role or 'no role'} to {_short(member)}"])


@rule(
    "ING208",
    "A workload identity provider lets one repository in",
    "Without a condition every repository of the issuer can have a token: for GitHub, anyone's.",
)
def one_repository(subject: Subject) -> Judgement:
    if not _is(subject, PROVIDER):
        return NOT_APPLICABLE
    condition = subject.body.get("attribute_condition") or ""
    # An alternative would let others in beside the repository.
    named = REPOSITORY_CONDITION.search(condition) and "||" not in condition
    problems = [] if named else [f"attribute_condition is {condition!r}; compare assertion.repository with one"]
    issuers = [oidc.get("issuer_uri") or "" for oidc in _blocks(subject.body.get("oidc"))]
    return judged(problems + [f"the issuer is {uri!r}" for uri in issuers if not uri.startswith("https://")])


@rule(
    "ING209",
    "Workload identity is granted to one repository or subject, not to the pool",
    "All that the pool ever lets in would become the account, also by a provider that is added later.",
)
def not_the_whole_pool(subject: Subject) -> Judgement:
    if not _is(subject, ACCOUNT_MEMBER) or subject.body.get("role") != "roles/iam.workloadIdentityUser":
        return NOT_APPLICABLE
    member = subject.body.get("member") or ""
    one = re.match(r"principal://.+/subject/.+", member) or re.match(
        r"principalSet://.+/attribute\.\w+/([\w-]+/[\w.-]+|\d+)$", member
    )
    return judged([] if one else [f"is granted to {_short(member)}"])


# Buckets


@rule(
    "ING301",
    "A bucket has uniform access and no public access",
    "The state names every job, URL and account; per-object lists let single objects out unseen.",
)
def private_bucket(subject: Subject) -> Judgement:
    if not _is(subject, BUCKET):
        return NOT_APPLICABLE
    problems = []
    if subject.body.get("uniform_bucket_level_access") is not True:
        problems.append("uniform_bucket_level_access is not true")
    if subject.body.get("public_access_prevention") != "enforced":
        problems.append(f"public_access_prevention is {subject.body.get('public_access_prevention')!r}, not 'enforced'")
    return judged(problems)


@rule(
    "ING302",
    "A bucket keeps old versions, and is not emptied to be destroyed",
    "A state that was overwritten or lost can then be had back; without it every job would be imported anew.",
)
def lasting_bucket(subject: Subject) -> Judgement:
    if not _is(subject, BUCKET):
        return NOT_APPLICABLE
    versions = _blocks(subject.body.get("versioning"))
    problems = [] if versions and versions[0].get("enabled") is True else ["versioning is not enabled"]
    return judged(problems + (["force_destroy is true"] if subject.body.get("force_destroy") else []))


# Monitoring


@rule(
    "ING401",
    "An alert says what to do, and reaches somebody",
    "An alert without a channel is not seen; one without documentation is not understood at 5 AM.",
)
def useful_alert(subject: Subject) -> Judgement:
    if not _is(subject, ALERT):
        return NOT_APPLICABLE
    texts = [block.get("content") for block in _blocks(subject.body.get("documentation"))]
    problems = [] if any(texts) else ["documentation.content is not declared"]
    return judged(problems + ([] if subject.body.get("notification_channels") else ["notification_channels is empty"]))


@rule(
    "ING402",
    "An alert is enabled",
    "A disabled alert looks like a quiet one.",
)
def enabled_alert(subject: Subject) -> Judgement:
    if not _is(subject, ALERT):
        return NOT_APPLICABLE
    return judged(["enabled is not true"] if subject.body.get("enabled", True) is not True else [])


@rule(
    "ING403",
    "An alert on a log has a rate limit, and no other condition",
    "Cloud Monitoring refuses it otherwise, when it is applied.",
)
def alert_on_log(subject: Subject) -> Judgement:
    if not _is(subject, ALERT):
        return NOT_APPLICABLE
    conditions = _blocks(subject.body.get("conditions"))
    if not any(condition.get("condition_matched_log") for condition in conditions):
        return not_applicable("it has no condition on a log")
    problems = [] if len(conditions) == 1 else [f"it has {len(conditions)} conditions"]
    strategies = _blocks(subject.body.get("alert_strategy"))
    limited = any(strategy.get("notification_rate_limit") for strategy in strategies)
    return judged(problems + ([] if limited else ["alert_strategy.notification_rate_limit is not declared"]))


@rule(
    "ING404",
    "A scheduled query runs as a service account, and is not disabled",
    "Without one it runs as the person who deployed it, and stops on the day they leave.",
)
def query_of_an_account(subject: Subject) -> Judgement:
    if not _is(subject, SCHEDULED_QUERY):
        return NOT_APPLICABLE
    problems = [] if subject.body.get("service_account_name") else ["service_account_name is not declared"]
    return judged(problems + (["disabled is true"] if subject.body.get("disabled") else []))


def rules_table() -> str:
    """The rules as the Markdown table of docs/policy.md."""
    lines = ["| rule | what holds | why |", "|---|---|---|"]
    lines += [f"| {one.id} | {_cell(one.title)} | {_cell(one.reason)} |" for one in RULES]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _is(subject: Subject, kind: str) -> bool:
    return subject.kind == kind and not subject.is_data


def _grants(subject: Subject) -> bool:
    return not subject.is_data and re.search(r"_iam_(member|binding|policy)$", subject.kind) is not None


def _target(subject: Subject) -> Mapping[str, Any]:
    found = _blocks(subject.body.get("http_target"))
    return found[0] if found else {}


def _left_as_found(subject: Subject, field: str) -> bool:
    """Whether an adopted job leaves the field alone, since nobody wrote down what it was (docs/decisions.md, 5)."""
    ignored = (subject.body.get("lifecycle") or {}).get("ignore_changes") or []
    return subject.imported and field in ignored


def _blocks(value: Any) -> list[Mapping[str, Any]]:
    """A nested block, which Terraform's JSON has as an object or as a list of them."""
    return [value] if isinstance(value, Mapping) else list(value or [])


def _seconds(duration: object) -> float | None:
    found = DURATION.fullmatch(duration) if isinstance(duration, str) else None
    return float(found[1]) if found else None


def _strings(
    value: Any, path: tuple[str, ...] = (), *, metadata: bool = False
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in the JSON with the keys that lead to it; with `metadata` also what cdktf notes under "//"."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            if metadata or key != "//":
                yield from _strings(one, (*path, key), metadata=metadata)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, path, metadata=metadata)


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 80 else f"{text[:77]}...")
