"""Where each stack keeps its state."""

from __future__ import annotations

import json

from tests.checkout import ROOT
from tests.given.synth import Synthesize


def test_state_is_local_under_a_path_that_no_machine_is_in(synthesize: Synthesize) -> None:
    stacks = synthesize(night=3)

    assert str(ROOT) not in json.dumps(stacks)
    for name, stack in stacks.items():
        assert stack["terraform"]["backend"] == {"local": {"path": f"../../../state/{name}.tfstate"}}


def test_state_is_in_a_bucket_by_setting_a_prefix_for_each_stack(synthesize: Synthesize) -> None:
    stacks = synthesize(night=3, backend="gcs", backend_bucket="a-bucket", backend_prefix="folder")

    for name, stack in stacks.items():
        assert stack["terraform"]["backend"] == {"gcs": {"bucket": "a-bucket", "prefix": f"folder/{name}"}}
