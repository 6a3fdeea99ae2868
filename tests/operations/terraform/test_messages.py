"""Terraform's own words about states (1.11.4, recorded), bare and as the cdktf CLI prints them, in ours."""

from __future__ import annotations

import pytest

from operations.terraform.engine import reason
from operations.terraform.messages import plain

FOLDER = "/repository/rollout.out/stacks/phase-labor"
GCS_LOCK = """
Error: Error acquiring the state lock

Error message: writing "gs://b/p/x/default.tflock" failed: googleapi: Error
412: At least one of the pre-conditions you specified did not hold.
Lock Info:
  ID:        1700000000000005
  Path:      gs://b/p/x/default.tflock
  Operation: OperationTypeApply
  Who:       ann@laptop
  Version:   1.11.4
  Created:   2026-11-24 17:00:00.123 +0000 UTC
  Info:      


Terraform acquires a state lock to protect the state from being written
"""  # noqa: W291
BARRED = "".join(f"             \x1b[31m│\x1b[0m \x1b[0m{line}\n" for line in GCS_LOCK.splitlines())
IN_THE_CLI = f"phase-labor  \x1b[31m╷\x1b[0m\x1b[0m\n{BARRED}             \x1b[31m╵\x1b[0m\x1b[0m\n"
LOCAL_LOCK = """
│ Error: Error acquiring the state lock
│
│ Error message: resource temporarily unavailable
│ Lock Info:
│   ID:        80a6c2a4-3d09-5f4a-43a7-6d28a5d0fd1c
│   Path:      ../../../state/phase-labor.tfstate
│   Operation: OperationTypePlan
│   Who:       ann@laptop
│   Version:   1.11.4
│   Created:   2026-11-24 17:00:00.123456789 +0000 UTC
│   Info:
"""
LOCK_DENIED = """
Error: Error acquiring the state lock

Error message: writing "gs://b/p/x/default.tflock" failed: googleapi: Error
403: someone@example.com does not have storage.objects.create access to the
Google Cloud Storage object.
storage: object doesn't exist
"""
READ_DENIED = (
    "Error: error loading state: Failed to open state file at gs://b/p/x/default.tfstate: googleapi: got HTTP response "
    'code 403 with body: {"error": {"code": 403, "message": "someone@example.com does not have storage.objects.get '
    'access to the Google Cloud Storage object."}}'
)
NOT_SAVED = """
Error: Failed to save state

Error saving state: Failed to upload state to gs://b/p/x/default.tfstate:
googleapi: Error 403: someone@example.com does not have
storage.objects.create access to the Google Cloud Storage object.

Error: Failed to persist state to backend

The error shown above has prevented Terraform from writing the updated state
to the configured backend. To allow for recovery, the state has been written
to the file "errored.tfstate" in the current working directory.
"""
NO_BUCKET = "Error: Failed to get existing workspaces: querying Cloud Storage failed: storage: bucket doesn't exist"
NO_BUCKET_LATER = (
    'Error: error loading state: writing "gs://b/p/x/default.tflock" failed: googleapi: Error 404: The specified '
    "bucket does not exist.\nstorage: object doesn't exist"
)
CHANGED = "│ Error: Backend configuration changed\n│\n│ A change in the backend configuration has been detected"


@pytest.mark.parametrize("output", [GCS_LOCK, IN_THE_CLI], ids=["Terraform", "the cdktf CLI"])
def test_a_lock_in_a_bucket_names_who_holds_it_and_the_generation_that_breaks_it(output: str) -> None:
    assert plain(output, bucket="b", folder=FOLDER) == (
        "another deploy holds the lock on the state gs://b/p/x/default.tflock (ann@laptop, since 2026-11-24 17:00:00 "
        "UTC), and nobody else may work on it until that ends; wait for it to end, then run this again. Only if "
        f"ann@laptop says that it is dead: `terraform force-unlock 1700000000000005` in {FOLDER}, then run this again"
    )


def test_a_lock_on_this_machine_ends_with_its_process() -> None:
    found = plain(LOCAL_LOCK, bucket="", folder=FOLDER)
    assert found is not None
    assert found.startswith("another plan holds the lock on the state ../../../state/phase-labor.tfstate (ann@laptop,")
    assert "force-unlock" not in found


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (LOCK_DENIED, "you may not lock Terraform's state in the bucket b (someone@example.com does not have"),
        (READ_DENIED, "you may not read Terraform's state in the bucket b (someone@example.com does not have"),
        (
            NOT_SAVED,
            f"kept in {FOLDER}/errored.tfstate. Do not deploy again before it is: fix what stops the writing ",
        ),
        (NOT_SAVED, f"`terraform state push errored.tfstate` in {FOLDER}"),
        (NO_BUCKET, "the bucket b for Terraform's state does not exist"),
        (NO_BUCKET_LATER, "the bucket b for Terraform's state does not exist"),
        (CHANGED, "initialised with another backend"),
    ],
)
def test_what_is_wrong_with_the_bucket_is_said_with_what_to_do(output: str, words: str) -> None:
    assert words in str(plain(output, bucket="b", folder=FOLDER))


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Error: Error creating Job: googleapi: Error 403: denied",
        "Error: Error creating Job: Error 409: already exists",
    ],
)
@pytest.mark.parametrize("bucket", ["", "b"])
def test_errors_about_jobs_stay_as_terraform_says_them(output: str, bucket: str) -> None:
    assert plain(output, bucket=bucket, folder=FOLDER) is None


def test_a_reason_is_one_line_without_frames() -> None:
    assert reason("╷\n│ Error: no\n│ \n│   good\n╵\n") == "Error: no good"
    errors = [f"│ Error: {text}\n" for text in ("no", "no", "good", "way", "more")]
    assert reason("".join(errors)) == "Error: no; good; and 2 more"
