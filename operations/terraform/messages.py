"""What Terraform says about a state that it cannot lock, read or write, in our words."""

from __future__ import annotations

import re

from operations.errors import SIGN_IN
from operations.terraform.state import no_bucket, not_yours, unreachable

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# Terraform's frame, and before it the stack's name that the cdktf CLI puts before each line.
_FRAME = re.compile(r"^\s*(?:[\w-]+\s+)?[│╷╵]?\s*")

# As LockInfo.String() of Terraform's internal/states/statemgr/locker.go prints them.
_FIELDS = re.compile(r"^\s*(?:[\w-]+\s+)?[│╷╵]?\s*(ID|Path|Operation|Who|Created):[ \t]+(\S[^\n]*?)\s*$", re.MULTILINE)
_BUCKET = re.compile(r"gs://([^/\s\"]+)/")
_SAYS = re.compile(r"[^\s\"]+ does not have \S+ access to the Google Cloud Storage (?:object|bucket)")

_OPERATIONS = {
    "OperationTypeApply": "deploy",
    "OperationTypePlan": "plan",
    "OperationTypeRefresh": "refresh",
    "init": "init",
    "backend from": "move of the state",
    "backend to": "move of the state",
}


def flat(output: str) -> str:
    """The words on one line, without colours, frames and the names that the cdktf CLI puts before lines."""
    lines = [_FRAME.sub("", line) if re.search("[│╷╵]", line) else line for line in _plain(output).splitlines()]
    return " ".join(" ".join(lines).split())


def plain(output: str, *, bucket: str, folder: str) -> str | None:
    """What is wrong with the state, what to do; None where `output` is about something else.

    `bucket` is the backend's, "" for the local one; `folder` is the stack's, where a lock can be broken.
    """
    text = flat(output)
    if "Lock Info:" in text:
        return held(dict(_FIELDS.findall(_plain(output))), folder)
    if "errored.tfstate" in text:
        return state_not_saved(folder, _because(text, bucket))
    if "Backend configuration changed" in text or "Backend initialization required" in text:
        return (
            f"{folder} was initialised with another backend; to move the state there, run `ingest-rollout move-state`; "
            f"without a state to move, `terraform init -reconfigure` in {folder}"
        )
    named = _BUCKET.search(text)
    bucket = named.group(1) if named else bucket
    if not bucket:
        return None
    if "bucket does not exist" in text or "bucket doesn't exist" in text:
        return no_bucket(bucket)
    if "could not find default credentials" in text:
        return f"no Google Cloud credentials for the bucket of the state; {SIGN_IN}"
    # The provider's own errors are about jobs, and have neither of these.
    if not named and "Cloud Storage" not in text:
        return None
    if re.search(r"\b403\b", text):
        verb = "lock" if ".tflock" in text else "write" if "upload" in text else "read"
        return not_yours(bucket, verb, _says(text))
    if re.search(r"\b401\b", text):
        return f"the bucket of the state did not accept the credentials; {SIGN_IN}"
    if match := re.search(r"(dial tcp[^.]*|no such host|connection refused|i/o timeout)", text):
        return unreachable(bucket, match.group(1))
    return None


def held(lock: dict[str, str], folder: str) -> str:
    """About a lock that is held; `lock` has the fields of Terraform's lock info."""
    what = _OPERATIONS.get(lock.get("Operation", ""), "Terraform command")
    since = re.sub(r"(\.\d+)? \+0000 UTC$", " UTC", lock.get("Created", "an unknown time"))
    who = lock.get("Who", "somebody")
    text = (
        f"another {what} holds the lock on the state {lock.get('Path', '')} ({who}, since {since}), and nobody else "
        "may work on it until that ends; wait for it to end, then run this again."
    )
    if not lock.get("Path", "").startswith("gs://"):
        # The system lets go of a file's lock with its process, and Terraform refuses to break it.
        return f"{text} It runs on this machine, and its lock ends with its process"
    return (
        f"{text} Only if {who} says that it is dead: `terraform force-unlock {lock.get('ID', 'ID')}` in {folder}, "
        "then run this again"
    )


def state_not_saved(folder: str, because: str = "Terraform says above what does") -> str:
    """About an apply whose state could not be written."""
    return (
        f"what was applied could not be noted in the state, which is kept in {folder}/errored.tfstate. Do not deploy "
        f"again before it is: fix what stops the writing ({because}), then `terraform state push errored.tfstate` in "
        f"{folder}"
    )


def _because(text: str, bucket: str) -> str:
    named = _BUCKET.search(text)
    if re.search(r"\b403\b", text):
        return not_yours(named.group(1) if named else bucket, "write", _says(text))
    match = re.search(r"Failed to (?:upload|save) state[^:]*: (.*?)(?: Error: |$)", text)
    return match.group(1) if match else "Terraform says above what does"


def _says(text: str) -> str:
    match = _SAYS.search(text)
    return match.group(0).strip(" .") if match else "403"


def _plain(output: str) -> str:
    return _ESCAPES.sub("", output)
