"""docs/policy.md lists the rules as they are in the code."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from commands.setup.policy import policy
from operations.policy.rules import rules_table
from tests.checkout import ROOT

PAGE = ROOT / "docs" / "policy.md"
BEGIN, END = "<!-- rules: begin -->\n", "\n<!-- rules: end -->"
REGENERATE = ".venv/bin/python -m pytest tests/docs/test_policy_page.py --snapshot-update"


def test_the_page_has_the_table_that_the_command_prints(request: pytest.FixtureRequest) -> None:
    head, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table, end, tail = rest.partition(END)
    assert begin, f"{PAGE.name} needs the line {BEGIN.strip()}"
    assert end, f"{PAGE.name} needs the line {END.strip()}"
    if request.config.option.update_snapshots:
        PAGE.write_text(f"{head}{begin}{rules_table()}{end}{tail}", encoding="utf-8")
        table = rules_table()

    assert table == rules_table(), f"docs/policy.md differs from the rules; run `{REGENERATE}` and commit it"


def test_the_command_prints_that_table() -> None:
    assert CliRunner().invoke(policy, ["--rules"], standalone_mode=False).stdout == f"{rules_table()}\n"
