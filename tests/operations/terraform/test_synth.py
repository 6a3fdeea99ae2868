"""What main.py and Terraform find in their environment."""

from __future__ import annotations

import pytest

from operations.errors import OperationError
from operations.terraform.synth import night_environ
from tests.checkout import ROOT
from tests.given.domain import SETTINGS


def test_variables_that_lead_terraform_elsewhere_are_refused_by_name_all_at_once() -> None:
    with pytest.raises(OperationError) as raised:
        night_environ(ROOT, SETTINGS, environ={"PATH": "/bin", "TF_WORKSPACE": "dev", "TF_DATA_DIR": "elsewhere"})

    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["TF_WORKSPACE", "TF_DATA_DIR"]


def test_what_changes_the_stacks_or_floods_the_errors_is_left_out() -> None:
    given = dict.fromkeys(("CDKTF_CONTEXT_JSON", "SYNTH_HCL_OUTPUT", "TF_STATE_PERSIST_INTERVAL", "TF_LOG"), "1")

    assert given.keys() & night_environ(ROOT, SETTINGS, environ=given).keys() == set()
    assert night_environ(ROOT, SETTINGS, environ=given | {"TF_LOG_PATH": "/log"})["TF_LOG"] == "1"
