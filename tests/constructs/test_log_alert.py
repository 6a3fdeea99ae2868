"""Both alerts on logs have what Cloud Monitoring asks of one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.given.monitoring import CHANNEL, matched, policy


@pytest.mark.parametrize("name", ["failed_attempts", "job_did_not_run"])
def test_a_condition_on_logs_has_what_the_api_asks_of_it(monitoring: Any, name: str) -> None:
    found = policy(monitoring, name)

    assert len(found["conditions"]) == 1
    assert found["combiner"] == "OR"
    assert found["alert_strategy"] == {"auto_close": "86400s", "notification_rate_limit": {"period": "3600s"}}
    assert found["notification_channels"] == [CHANNEL]
    assert len(matched(found)["filter"]) < 20_000, "Cloud Logging's limit for a filter"


@pytest.mark.parametrize("name", ["failed_attempts", "job_did_not_run"])
def test_a_playbook_is_within_the_limits_and_leads_to_the_console(monitoring: Any, name: str) -> None:
    found = policy(monitoring, name)
    documentation, labels = found["documentation"], matched(found)["label_extractors"]
    content = documentation["content"]

    assert documentation["mime_type"] == "text/markdown"
    assert len(content) <= 8_192
    assert len(content.encode()) <= 10_240
    assert len(documentation["subject"]) <= 255
    assert len(documentation["links"]) <= 3
    assert "https://console.cloud.google.com/cloudscheduler?project=kpi-auto-471020" in content
    for label in labels:
        assert f"$${{log.extracted_label.{label}}}" in content, "Terraform reads a single $ as a reference of its own"
    assert content.count("${") == content.count("$${")
    for step in ("ingest-rollout status", "ingest-rollout freshness", "gcloud scheduler jobs run"):
        assert step in content
