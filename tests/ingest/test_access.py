"""The roles of those who deploy, operate and preview."""

from __future__ import annotations

from ingest.access import DEPLOYER, OPERATOR
from operations.preflight import PERMISSIONS


def test_the_deployer_has_what_preflight_asks_for_and_the_operator_no_writes() -> None:
    assert set(PERMISSIONS) <= DEPLOYER.permissions.keys()
    writes = ("create", "update", "delete", "enable", "pause", "run", "setIamPolicy", "actAs")
    assert [one for one in OPERATOR.permissions if one.rpartition(".")[2] in writes] == ["bigquery.jobs.create"]
