"""What main.py and Terraform find in their environment, with a main.py of a few lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.terraform.synth import night_environ, synthesize, synthesize_all
from tests.checkout import ROOT
from tests.given.domain import SETTINGS, night


def test_variables_that_lead_terraform_elsewhere_are_refused_by_name_all_at_once() -> None:
    with pytest.raises(OperationError) as raised:
        night_environ(ROOT, SETTINGS, environ={"PATH": "/bin", "TF_WORKSPACE": "dev", "TF_DATA_DIR": "elsewhere"})

    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["TF_WORKSPACE", "TF_DATA_DIR"]


def test_what_changes_the_stacks_or_floods_the_errors_is_left_out() -> None:
    given = dict.fromkeys(("CDKTF_CONTEXT_JSON", "SYNTH_HCL_OUTPUT", "TF_STATE_PERSIST_INTERVAL", "TF_LOG"), "1")

    assert given.keys() & night_environ(ROOT, SETTINGS, environ=given).keys() == set()
    assert night_environ(ROOT, SETTINGS, environ=given | {"TF_LOG_PATH": "/log"})["TF_LOG"] == "1"


MAIN = """
import os, pathlib, sys
def main():
    if os.environ["INGEST_NIGHT"] == "3":
        sys.exit("no such night in " + os.environ["CDKTF_OUTDIR"])
    folder = pathlib.Path(os.environ["CDKTF_OUTDIR"])
    folder.mkdir()
    (folder / "night").write_text(f"{os.environ['INGEST_NIGHT']} {os.getpid()}")
if __name__ == "__main__":
    main()
"""


def test_each_night_goes_to_its_folder_by_one_process(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    folders = [tmp_path / "first", tmp_path / "second"]
    synthesize_all(tmp_path, {folder: night(n) for n, folder in enumerate(folders, 1)}, {})
    nights, processes = zip(*((folder / "night").read_text().split() for folder in folders), strict=True)

    assert (nights, len({*processes})) == (("1", "2"), 1)


def test_a_night_that_cannot_be_synthesized_ends_with_the_words_of_main(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)

    with pytest.raises(OperationError, match=r"main\.py` failed in .*:\nno such night in .*/rollout\.out$"):
        synthesize(tmp_path, night(3))
