"""The errors that end a command."""

from __future__ import annotations

SIGN_IN = "run `gcloud auth application-default login`, or renew GOOGLE_OAUTH_ACCESS_TOKEN"
"""What to do about credentials that are missing or not accepted."""

SET_QUOTA_PROJECT = (
    "run `gcloud auth application-default set-quota-project PROJECT` with a project in which they have "
    "roles/serviceusage.serviceUsageConsumer, or set GOOGLE_CLOUD_QUOTA_PROJECT"
)
"""What to do about user credentials without a quota project."""


class OperationError(Exception):
    """What is wrong, where, and what to do. The command line prints it without a traceback and exits with `code`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class FailedError(OperationError):
    """What was to be found out is known, and it is not as it has to be: exit code 1, also of a command that judges."""
