"""`ingest-rollout reconcile`: what it prints, its exit codes, and its records."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import cli
from tests.checkout import ROOT

EXAMPLE = ROOT / "docs" / "reconcile-example.toml"
STEM = "reconcile-2025-10-20-to-2025-10-26"


class Runs:
    """Runs the command in this process, through the command line's own `main`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["ingest-rollout", "reconcile", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            cli.main()
        printed = self.capsys.readouterr()
        return int(str(done.value.code)), printed.out, printed.err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(monkeypatch, capsys)


def spoilt(folder: Path, old: str, new: str) -> Path:
    """A copy of the example with one text replaced."""
    content = EXAMPLE.read_text(encoding="utf-8")
    assert old in content
    path = folder / "figures.toml"
    path.write_text(content.replace(old, new), encoding="utf-8")
    return path


def test_figures_within_their_targets_exit_with_0(run: Runs) -> None:
    code, out, err = run(EXAMPLE)

    assert (code, err) == (0, "")
    assert out.startswith("EXAMPLE FIGURES, not measured: the warehouse against ServiceTitan, 2025-10-20 to 2025-10-26")
    lines = [re.split("  +", line) for line in out.splitlines()]
    assert [
        "materials",
        "$107,730.06",
        "$100,706.06",
        "-$7,024.00 (-6.52 %)",
        "$107,101.40",
        "-$628.66 (-0.58 %)",
        "1 %",
        "$1,077.30",
        "pass",
    ] in lines
    assert lines[-1] == ["Verdict: pass"]


def test_a_metric_beyond_its_target_exits_with_1_and_says_by_how_much(run: Runs, tmp_path: Path) -> None:
    code, out, _ = run(spoilt(tmp_path, "107_101.40", "106_652.75"))

    assert code == 1
    assert "materials: fail: the gap is -$1,077.31 (-1.00 %), the limit $1,077.30" in out
    assert out.endswith("Verdict: fail\n")


def test_a_margin_beyond_two_points_exits_with_1(run: Runs, tmp_path: Path) -> None:
    code, out, _ = run(spoilt(tmp_path, "tolerance_points = 2", "tolerance_points = 0.25"))

    assert code == 1
    assert "gross_margin: fail: the gap is +0.3620 points, the limit 0.25 points" in out
    assert "0.25 points (plan: 2 points)" in out


def test_a_missing_figure_exits_with_2(run: Runs, tmp_path: Path) -> None:
    code, out, _ = run(spoilt(tmp_path, "value = 171_655.20", ""))

    assert code == 2
    assert "labor: inconclusive: now: there is no figure" in out
    assert "gross_margin: inconclusive: labor.now: there is no figure" in out
    assert out.endswith("Verdict: inconclusive\n")


def test_a_wrong_file_exits_with_2_without_a_traceback(run: Runs, tmp_path: Path) -> None:
    path = spoilt(tmp_path, "[labor.now]", "[labor.nwo]")

    assert run(path) == (2, "", f"{path}: labor.nwo: not a key; did you mean 'now'?\n")
    code, out, err = run(tmp_path / "none.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_a_tolerance_other_than_the_plans_is_shown_beside_it(run: Runs, tmp_path: Path) -> None:
    changed = "tolerance_percent = 0.75\ntolerance_absolute = 900"
    _, out, _ = run(spoilt(tmp_path, "tolerance_percent = 0.5", changed))

    assert "0.75 % or $900.00 (plan: 0.5 %)" in out


def test_json_has_every_gap_verdict_and_provenance(run: Runs) -> None:
    code, out, _ = run(EXAMPLE, "--json")
    found: dict[str, Any] = json.loads(out)

    assert (code, found["verdict"], found["example"]) == (0, "pass", True)
    materials = next(row for row in found["metrics"] if row["metric"] == "materials")
    assert materials["before"] == {
        "value": "100706.06",
        "gap": "-7024.00",
        "gap_percent": "-6.52",
        "limit": "1077.30",
        "verdict": "fail",
        "reasons": [],
    }
    assert found["figures"]["materials"]["reference"] == {
        "value": "107730.06",
        "source": "EXAMPLE: ServiceTitan, report Job Costing Summary",
        "by": "EXAMPLE: name",
        "as_of": "2025-11-03",
    }
    assert found["figures"]["job_count"]["before"] is None


def test_a_record_is_a_markdown_and_a_json_file_named_with_the_period(run: Runs, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "records"
    code, out, err = run(EXAMPLE, "--json", "--record", folder)
    page = (folder / f"{STEM}.md").read_text(encoding="utf-8")

    assert code == 0
    assert err.splitlines() == [f"recorded in {folder / STEM}.{ending}" for ending in ("json", "md")]
    assert (folder / f"{STEM}.json").read_text(encoding="utf-8") == out
    assert sorted(path.name for path in folder.iterdir()) == [f"{STEM}.json", f"{STEM}.md"]
    assert page.startswith("# EXAMPLE FIGURES, not measured: ")
    assert (
        "| labor | before | $168,818.00 | EXAMPLE: warehouse, gross margin query | EXAMPLE: name | 2025-10-27 |" in page
    )
    assert json.loads(out)["file_sha256"] in page


def test_what_failed_or_proves_nothing_is_recorded_too(run: Runs, tmp_path: Path) -> None:
    code, _, _ = run(spoilt(tmp_path, "value = 171_655.20", ""), "--record", tmp_path)

    assert code == 2
    page = (tmp_path / f"{STEM}.md").read_text(encoding="utf-8")
    assert "Verdict: **inconclusive**" in page
    assert "- labor: inconclusive: now: there is no figure" in page


def test_a_text_from_the_file_does_not_break_the_records_table(run: Runs, tmp_path: Path) -> None:
    run(spoilt(tmp_path, 'by = "EXAMPLE: name"', 'by = "a | b <i> `c`"'), "--record", tmp_path)

    assert r"| a \| b \<i\> \`c\` |" in (tmp_path / f"{STEM}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["md", "json"])
def test_a_record_that_is_there_is_replaced_only_when_told_to(run: Runs, tmp_path: Path, ending: str) -> None:
    there = tmp_path / f"{STEM}.{ending}"
    there.write_text("kept")
    code, out, err = run(EXAMPLE, "--record", tmp_path)

    assert code == 2
    assert "Verdict: pass" in out
    assert err == (
        f"not recorded: {tmp_path} already has {there.name}; "
        "use --overwrite to replace what is there, or another folder\n"
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(there.name, "kept")]

    assert run(EXAMPLE, "--record", tmp_path, "--overwrite")[0] == 0
    assert there.read_text() != "kept"


def test_a_record_that_cannot_be_written_leaves_nothing_half_written(
    run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run(EXAMPLE, "--record", tmp_path)

    assert code == 2
    assert err == f"{tmp_path / STEM}.json cannot be written (No space left on device); nothing was recorded\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_folders_place_is_said_in_one_line(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "records").write_text("")
    code, _, err = run(EXAMPLE, "--record", tmp_path / "records")

    assert (code, err.count("\n")) == (2, 1)
    assert err == f"not recorded: {tmp_path / 'records'} cannot be created (File exists)\n"
