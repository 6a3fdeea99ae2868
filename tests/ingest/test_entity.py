"""The names that derive from an entity's, and that their prefixes are written in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ingest.catalogue import CATALOGUE
from ingest.entity import JOB_PREFIX, TABLE_PREFIX
from tests.checkout import ROOT
from tests.layout import ARROWS

BY_NAME = {entity.name: entity for entity in CATALOGUE}


@pytest.mark.parametrize(
    ("name", "job", "table"),
    [
        ("jobs", "v2-sync-jobs-daily", "raw_jobs"),
        ("purchase_orders", "v2-sync-purchase-orders-daily", "raw_purchase_orders"),
        ("business_units", "v2-sync-business-units-weekly", "raw_business_units"),
    ],
)
def test_a_job_and_a_table_are_named_after_the_entity(name: str, job: str, table: str) -> None:
    entity = BY_NAME[name]

    assert (entity.job_name, entity.table_name) == (job, table)
    assert entity.table("project", "dataset") == f"project.dataset.{table}"


def texts_of(path: Path) -> list[str]:
    """The texts in a module's code, without the docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]


@pytest.mark.parametrize("prefix", [JOB_PREFIX, TABLE_PREFIX])
def test_a_prefix_is_written_in_the_entitys_module_only(prefix: str) -> None:
    files = [path for name in ARROWS for path in (ROOT / name).rglob("*.py")]
    writers = {path.relative_to(ROOT).as_posix() for path in files for text in texts_of(path) if prefix in text}

    assert writers == {"ingest/entity.py"}
