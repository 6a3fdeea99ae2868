"""What `diff --full` shows of a plan, as Terraform 1.11.4 with the google provider 6.50.0 rendered it."""

from __future__ import annotations

from operations.terraform.plan_text import harmless

PLAN = """\
  # google_cloud_scheduler_job.invoices will be updated in-place
  ~ resource "google_cloud_scheduler_job" "invoices" {
        description      = <<-EOT
            a
            ::error::boo ${x} \x1b[31mred \u202eabc
        EOT
        schedule         = "15 2 * * *"

      ~ http_target {
          - body        = "eyJwYXNzd29yZCI6IlNFQ1JFVDUifQ==" -> null
          ~ headers     = {
              - "Authorization" = "Bearer SECRET1" -> null
              - "X-Json"        = jsonencode(
                    {
                      - a = "SECRET2"
                      - b = [
                          - 1,
                        ]
                    }
                ) -> null
              - "X-Multi"       = <<-EOT
                    SECRET3
                    "X" = SECRET4

                EOT -> null
                "X-Same"        = "SECRET5"
                # (1 unchanged element hidden)
            }
          ~ http_method = "POST" -> "GET"
          ~ uri         = "https://u:SECRET6@h.example/x?key=SECRET7" -> "https://s.example/ingest/jobs?mode=full"
        }
        http_target {
            body        = null
            headers     = {}
        }
      - pubsub_target {
          - attributes = {
              - "k" = "SECRET8"
            } -> null
          - data       = <<-EOT
                SECRET9
            EOT -> null
          - topic_name = "projects/p/topics/ingest" -> null
        }
    }
"""

SHOWN = """\
  # google_cloud_scheduler_job.invoices will be updated in-place
  ~ resource "google_cloud_scheduler_job" "invoices" {
        description      = <<-EOT
            a
            \\x3a:error::boo ${x} \\x1b[31mred \\u202eabc
        EOT
        schedule         = "15 2 * * *"

      ~ http_target {
          - body        = (not shown)
          ~ headers     = {
              - "Authorization" = (not shown)
              - "X-Json"        = (not shown)
              - "X-Multi"       = (not shown)
                "X-Same"        = (not shown)
            }
          ~ http_method = "POST" -> "GET"
          ~ uri         = "https://h.example/x?key=..." -> "https://s.example/ingest/jobs?mode=full"
        }
        http_target {
            body        = null
            headers     = {}
        }
      - pubsub_target {
          - attributes = {
              - "k" = (not shown)
            } -> null
          - data       = (not shown)
          - topic_name = "projects/p/topics/ingest" -> null
        }
    }"""


def test_a_plan_is_shown_without_what_may_be_a_secret_and_what_a_workflow_would_obey() -> None:
    assert harmless(PLAN) == SHOWN
