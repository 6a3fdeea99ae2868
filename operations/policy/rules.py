"""The policy's rules, in the order of docs/policy.md, which is generated from them, and the exemptions.

Each is about something that a setting, a row of the catalogue or of ingest/access.py, or baseline.json can break. What
constructs/ and stacks/ write the same way whatever they are given, their own tests prove.

Each yields what is wrong with one subject. The first line of its docstring is what it requires, the rest is why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ingest.limits import BACKOFF
from ingest.text.shown import SECRET_NAMES, SECRET_VALUES
from operations.policy.evaluate import STACK, Exemption, Rule, Subject

JOB = "google_cloud_scheduler_job"
CUSTOM_ROLE = "google_project_iam_custom_role"

TOO_MUCH_FOR_A_ROLE = (
    re.compile(r"resourcemanager\.\w+\.setIamPolicy"),
    re.compile(r"iam\.roles\.(create|update)"),
    re.compile(r"iam\.serviceAccountKeys\.\w+"),
    re.compile(r"iam\.serviceAccounts\.(actAs|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)"),
)
"""Permissions by which an account gets more than the role says: other accounts' identities, or other grants."""

DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def no_credentials(subject: Subject) -> Iterator[str]:
    """No credential is in the JSON.

    The JSON is printed, uploaded by CI and copied into the state: a key in it is a key given away.
    """
    for path, text in _strings(subject.body):
        # A resource's name is ours to choose; its fields begin behind it.
        fields = path[3:] if path[:1] in (("resource",), ("data",)) else path
        named = next((name for name in fields if SECRET_NAMES.fullmatch(name)), None)
        if named and text:
            yield f"{'.'.join(path)} holds a value"
        elif SECRET_VALUES.search(text):
            yield f"{'.'.join(path)} looks like a key or a token"


def audience(subject: Subject) -> Iterator[str]:
    """The audience of a job's OIDC token is the service's root.

    Without one the whole URL with its query is the audience, and Cloud Run refuses the token.
    """
    target = subject.body["http_target"]
    declared = target["oidc_token"].get("audience") or ""
    url = urlsplit(declared)
    if url.scheme != "https" or not url.hostname or url.query or url.fragment or declared.endswith("/"):
        yield f"the audience is {declared!r}; it must be the service's https root, without a query"
    elif not target["uri"].startswith(f"{declared}/"):
        yield f"the audience {declared} is not the root of {_short(target['uri'])}"


def backoff(subject: Subject) -> Iterator[str]:
    """The pauses between a job's retries are within Cloud Scheduler's limits.

    It takes 5 s to 1 h: a job that was recorded with other pauses cannot be written back when a night is undone.
    """
    for name in ("min_backoff_duration", "max_backoff_duration"):
        declared = subject.body["retry_config"].get(name)
        match = DURATION.fullmatch(declared or "")
        if not match or float(match[1]) not in BACKOFF:
            yield f"{name} is {declared!r}; allowed: {BACKOFF.text('s')}"


def user_agent(subject: Subject) -> Iterator[str]:
    """A job sets no User-Agent header.

    The provider strips it when it reads the job, so every plan shows a change.
    """
    headers = subject.body["http_target"].get("headers") or {}
    return (f"it sets {name}" for name in headers if name.lower() == "user-agent")


def plain_custom_role(subject: Subject) -> Iterator[str]:
    """A custom role names its permissions, and none that leads to others.

    Who may set grants, make keys or act as any account has more than the role says.
    """
    permissions = subject.body.get("permissions") or []
    if not permissions:
        yield "it has no permissions"
    for name in permissions:
        if "*" in name or any(pattern.fullmatch(name) for pattern in TOO_MUCH_FOR_A_ROLE):
            yield f"{name} leads further than it says"


def _is_stack(subject: Subject) -> bool:
    return subject.kind == STACK


def _is_job(subject: Subject) -> bool:
    return subject.kind == JOB


def _sends_oidc_token(subject: Subject) -> bool:
    return _is_job(subject) and bool(subject.body["http_target"].get("oidc_token"))


def _declares_retries(subject: Subject) -> bool:
    """An adopted job that was not recorded leaves its retries as they were found (docs/decisions.md, 5)."""
    return _is_job(subject) and "retry_config" in subject.body


def _is_custom_role(subject: Subject) -> bool:
    return subject.kind == CUSTOM_ROLE


RULES = (
    Rule("ING006", no_credentials, _is_stack),
    Rule("ING102", audience, _sends_oidc_token),
    Rule("ING104", backoff, _declares_retries),
    Rule("ING108", user_agent, _is_job),
    Rule("ING206", plain_custom_role, _is_custom_role),
)

EXEMPTIONS: tuple[Exemption, ...] = ()


def rules_table() -> str:
    """The rules as the Markdown table of docs/policy.md."""
    lines = ["| rule | requires | why |", "|---|---|---|"]
    lines += [f"| {rule.id} | {_cell(rule.title)} | {_cell(rule.reason)} |" for rule in RULES]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _strings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text in the JSON with the keys that lead to it, but for cdktf's notes under "//"."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key != "//":
                yield from _strings(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, path)


def _short(text: str) -> str:
    return json.dumps(text if len(text) <= 80 else f"{text[:77]}...")
