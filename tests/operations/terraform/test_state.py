"""The states of both backends, written here in Terraform's format version 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.terraform.state import LocalStore, UnreadableError
from tests.given.states import write_state


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
