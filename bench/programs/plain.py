"""What main.py is compared with: 16 jobs written the ordinary way, with the ordinary imports."""

import os

from cdktf import App, LocalBackend, TerraformStack
from cdktf_cdktf_provider_google.cloud_scheduler_job import CloudSchedulerJob, CloudSchedulerJobHttpTarget
from cdktf_cdktf_provider_google.provider import GoogleProvider

app = App(outdir=os.environ["CDKTF_OUTDIR"])
stack = TerraformStack(app, "plain")
LocalBackend(stack, path="plain.tfstate")
GoogleProvider(stack, "google", project="kpi-auto-471020", region="us-central1")
for number in range(16):
    CloudSchedulerJob(
        stack,
        f"job_{number}",
        name=f"job-{number}",
        region="us-central1",
        schedule=f"{number} 4 * * *",
        time_zone="America/Phoenix",
        http_target=CloudSchedulerJobHttpTarget(uri=f"https://example.com/ingest/{number}", http_method="GET"),
    )
app.synth()
