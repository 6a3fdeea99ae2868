"""What a night declares, and what is missing until the live jobs are that."""

from __future__ import annotations

from operations.terraform.declared import Declared, declared_jobs
from tests.checkout import ROOT
from tests.given.domain import night


def test_the_declared_side_does_not_touch_the_output_folder(nights: dict[int, list[Declared]]) -> None:
    output = ROOT / "cdktf.out" / "manifest.json"
    before = output.stat().st_mtime_ns if output.exists() else None

    assert declared_jobs(ROOT, night(2), {"PATH": "/usr/bin:/bin"}) == nights[2]
    assert (output.stat().st_mtime_ns if output.exists() else None) == before
