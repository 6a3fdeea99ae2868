"""LogAlert: a notification when Cloud Logging gets an entry that matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from constructs import Construct
from constructs.bindings import (
    MonitoringAlertPolicy,
    MonitoringAlertPolicyAlertStrategy,
    MonitoringAlertPolicyAlertStrategyNotificationRateLimit,
    MonitoringAlertPolicyConditions,
    MonitoringAlertPolicyConditionsConditionMatchedLog,
    MonitoringAlertPolicyDocumentation,
    MonitoringAlertPolicyDocumentationLinks,
)
from ingest.settings import Settings

ONE_NOTIFICATION_IN = "3600s"
"""Of each combination of the labels; without it the API refuses a condition on logs."""

CLOSES_AFTER = "86400s"
"""An incident stays open until the next night has had its turn; the API takes 30 minutes to 7 days."""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """What is sent when an entry matches.

    `labels` maps names to extractors such as "EXTRACT(jsonPayload.status)"; each combination of their values is an
    incident of its own. `subject` and `playbook` take them by `extracted`. The playbook is Markdown without tables and
    code, which Cloud Monitoring does not render in notifications; with its variables unfilled it may have 8,192
    characters and 10,240 bytes. `links` maps a link's text to its address, three at most.
    (Source: cloud.google.com/monitoring/alerts/doc-variables, monitoring/v3/alert.proto.)
    """

    title: str
    labels: Mapping[str, str]
    subject: str
    playbook: str
    links: Mapping[str, str]


class LogAlert(Construct):
    """An alert policy with one condition, which is all that a condition on logs may have beside it.

    `matches` is Cloud Logging's filter; `address` is the policy's name in Terraform's state.
    """

    def __init__(
        self, scope: Construct, address: str, *, matches: str, notification: Notification, settings: Settings
    ) -> None:
        super().__init__(scope, address)
        policy = MonitoringAlertPolicy(
            self,
            "Policy",
            display_name=notification.title,
            combiner="OR",
            severity="ERROR",
            conditions=[
                MonitoringAlertPolicyConditions(
                    display_name=notification.title,
                    condition_matched_log=MonitoringAlertPolicyConditionsConditionMatchedLog(
                        filter=matches, label_extractors=dict(notification.labels)
                    ),
                )
            ],
            alert_strategy=MonitoringAlertPolicyAlertStrategy(
                auto_close=CLOSES_AFTER,
                notification_rate_limit=MonitoringAlertPolicyAlertStrategyNotificationRateLimit(
                    period=ONE_NOTIFICATION_IN
                ),
            ),
            notification_channels=list(settings.notification_channels),
            documentation=MonitoringAlertPolicyDocumentation(
                subject=notification.subject,
                content=notification.playbook,
                mime_type="text/markdown",
                links=[
                    MonitoringAlertPolicyDocumentationLinks(display_name=text, url=url)
                    for text, url in notification.links.items()
                ],
            ),
        )
        policy.override_logical_id(address)


def extracted(label: str) -> str:
    """Where Cloud Monitoring puts in what was extracted. The second $ keeps Terraform from reading a reference."""
    return f"$${{log.extracted_label.{label}}}"


def logs_url(project: str, matches: str) -> str:
    """The Logs Explorer with that filter."""
    return f"https://console.cloud.google.com/logs/query;query={quote(matches, safe='')}?project={project}"
