"""The states of both backends, written here in Terraform's format version 4."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.cloud.credentials import TOKEN_VARIABLE
from operations.terraform.state import (
    BucketStore,
    LocalStore,
    State,
    StateError,
    UnreadableError,
    keep_private,
    refuse_left_behind,
    store,
)
from tests.given.domain import SETTINGS
from tests.given.states import resource, write_state
from tests.given.storage import BUCKET, Storage

REMOTE = replace(SETTINGS, backend="gcs", backend_bucket=BUCKET)
JOB = resource("jobs", {"schedule": "0 2 * * *"})


def state(**changed: Any) -> State:
    return State("", {"lineage": "a", "serial": 3, "resources": [JOB], **changed})


def test_an_empty_file_of_a_killed_first_lock_is_no_state(tmp_path: Path) -> None:
    path = LocalStore(tmp_path).path("phase-core")
    path.parent.mkdir()
    path.touch()

    assert LocalStore(tmp_path).read("phase-core") is None


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[]", "null", "{}", '{"resources": [{}]}', '{"resources": [7]}', '{"resources": null}'),
        "\xff",
        "[" * 10**5,
    ],
)
def test_a_broken_state_file_is_named_with_what_to_do(tmp_path: Path, content: str) -> None:
    path = write_state(tmp_path, "phase-labor")
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UnreadableError) as caught:
        LocalStore(tmp_path).read("phase-labor")
    assert str(caught.value).startswith(f"{path}: cannot be read as Terraform state (")
    assert str(caught.value).endswith("; restore it from phase-labor.tfstate.backup, or say --from")


def test_a_state_is_continued_by_a_later_serial_that_holds_the_same() -> None:
    assert state().same_as(state())
    assert state().continued_by(state(serial=4))
    assert not state().same_as(state(serial=4))
    for other in (state(serial=2), state(lineage="b"), state(resources=[])):
        assert not state().continued_by(other)


def test_a_state_that_is_set_aside_replaces_no_earlier_one(tmp_path: Path) -> None:
    for name in ("moved", "moved-2", "moved-3"):
        write_state(tmp_path, "phase-core", JOB)
        assert LocalStore(tmp_path).set_aside("phase-core").name == f"phase-core.tfstate.{name}"
    assert LocalStore(tmp_path).read("phase-core") is None


def test_a_state_that_the_other_backend_holds_is_refused_before_its_jobs_are_made_again(tmp_path: Path) -> None:
    write_state(tmp_path, "phase-labor")
    write_state(tmp_path, "phase-core", JOB)
    refuse_left_behind(tmp_path, SETTINGS, ["phase-core", "phase-labor"])
    refuse_left_behind(tmp_path, REMOTE, ["phase-labor"])
    with pytest.raises(StateError, match=r"^state/phase-core\.tfstate holds 1 resources, and backend is gcs, "):
        refuse_left_behind(tmp_path, REMOTE, ["phase-labor", "phase-core"])

    LocalStore(tmp_path).set_aside("phase-core")
    refuse_left_behind(tmp_path, REMOTE, ["phase-core"])
    with pytest.raises(StateError, match=r"^the state of phase-core was moved to a bucket .*, and backend is local; "):
        refuse_left_behind(tmp_path, SETTINGS, ["phase-core"])


def test_local_states_are_taken_away_from_other_users(tmp_path: Path) -> None:
    keep_private(tmp_path)
    path = write_state(tmp_path, "phase-core")
    path.chmod(0o664)
    keep_private(tmp_path)

    assert [file.stat().st_mode & 0o077 for file in (path, path.parent)] == [0, 0]


def test_a_state_in_the_bucket_is_read_and_a_refusal_says_what_to_do(storage: Storage, tmp_path: Path) -> None:
    found = store(tmp_path, REMOTE, {**storage.environ, TOKEN_VARIABLE: "of-nobody"})
    assert isinstance(found, BucketStore)
    found.check()
    assert found.read("phase-core") is None
    storage.put(BUCKET, "ingest-schedules/phase-core/default.tfstate", json.dumps(state().content).encode())
    assert found.read("phase-core") == State(
        f"gs://{BUCKET}/ingest-schedules/phase-core/default.tfstate", state().content
    )

    storage.may = {"lock"}
    with pytest.raises(StateError, match=f"you may not read Terraform's state in the bucket {BUCKET} .someone@example"):
        found.check()
    storage.buckets.clear()
    with pytest.raises(StateError, match=f"the bucket {BUCKET} for Terraform's state does not exist"):
        found.read("phase-core")
