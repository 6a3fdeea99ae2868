"""main.py as a user meets it: the same settings as under cdktf, one plain line for what is wrong, nothing written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def schedule(checkout: Checkout, stack: str, entity: str) -> str:
    return str(checkout.stack(stack)["resource"]["google_cloud_scheduler_job"][entity]["schedule"])


def test_the_committed_night_comes_from_cdktf_json(checkout: Checkout) -> None:
    checkout.set_context(night=2)

    assert checkout.main().returncode == 0
    assert schedule(checkout, "phase-core", "jobs") == "0 4 * * *"


def test_an_environment_variable_overrides_the_committed_night_for_one_command(checkout: Checkout) -> None:
    checkout.set_context(night=2)

    assert checkout.main(INGEST_NIGHT="1").returncode == 0
    assert schedule(checkout, "phase-core", "jobs") == "0 2 * * *"


def test_another_output_folder_is_taken_from_cdktf(checkout: Checkout) -> None:
    assert checkout.main(CDKTF_OUTDIR=str(checkout.root / "elsewhere")).returncode == 0

    assert (checkout.root / "elsewhere" / "manifest.json").exists()
    assert not (checkout.root / "cdktf.out").exists()


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "INGEST_NIGHT",
            "7",
            "night: 7 (from INGEST_NIGHT) is not a night of strategy phased; allowed: 0, 1, 2, 3",
        ),
        (
            "INGEST_NIGHT",
            "two",
            "night: 'two' (from INGEST_NIGHT) is not allowed; allowed: a night's number: 0, 1, 2 ...",
        ),
        (
            "INGEST_STRATEGY",
            "slow",
            "strategy: 'slow' (from INGEST_STRATEGY) is not allowed; allowed: phased or immediate",
        ),
        (
            "INGEST_BASE_URL",
            "http://example.com",
            "base_url: 'http://example.com' (from INGEST_BASE_URL) is not allowed; "
            "allowed: an https URL without a trailing slash or a query",
        ),
    ],
)
def test_a_bad_setting_stops_with_one_line_and_nothing_written(
    variable: str, value: str, line: str, checkout: Checkout
) -> None:
    done = checkout.main(**{variable: value})

    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{line}\n")
    assert not (checkout.root / "cdktf.out").exists()


def test_a_misspelt_setting_is_an_error_with_a_suggestion(checkout: Checkout) -> None:
    checkout.set_context(nigth=1)

    done = checkout.main()
    assert done.returncode == 1
    assert done.stderr == "nigth: not a setting (from cdktf.json context); did you mean 'night'?\n"


def test_problems_of_the_plan_stop_the_synth_all_in_one_report(checkout: Checkout) -> None:
    catalogue = checkout.root / "ingest" / "catalogue.py"
    text = catalogue.read_text()
    catalogue.write_text(
        text.replace('_daily("04:45")', '_daily("04:38")').replace('_daily("05:05")', '_daily("05:20")')
    )

    done = checkout.main()
    assert done.returncode == 1
    assert "purchase_orders: starts 04:38, 3 min after estimates; " in done.stderr
    assert "payroll_adjustments: starts 05:20, outside the wave of labor" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout.root / "cdktf.out").exists()


def test_a_python_without_the_packages_is_told_what_to_do(checkout: Checkout) -> None:
    # -S leaves site-packages out, as a Python outside .venv would.
    done = checkout.run(sys.executable, "-S", "main.py")

    assert done.returncode == 1
    assert "Run `make setup`, then use .venv/bin/python." in done.stderr
    assert "Traceback" not in done.stderr
