"""The stacks of one night."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from constructs.bindings import App
from ingest.catalogue import GROUPS
from ingest.settings import Settings
from stacks.foundation import FoundationStack
from stacks.identity import IdentityStack
from stacks.monitoring import MonitoringStack
from stacks.phase import PhaseStack


def night_app(
    settings: Settings,
    *,
    outdir: Path,
    context: Mapping[str, Any] | None = None,
) -> App:
    """An app with each group's stack as it is at the settings' night, and the stacks that further settings turn on.

    Its `synth()` writes to `outdir`. `context` is what the cdktf CLI would pass on from cdktf.json.
    """
    # cdktf's own validations ask `terraform version` once for each import, a third of a second in all.
    app = App(outdir=str(outdir), context=context, skip_validation=True)
    world = settings.world()
    for group in GROUPS:
        jobs = [job for job in world.values() if job.entity.group == group.name]
        PhaseStack(app, group, jobs=jobs, settings=settings)
    if settings.invoker_service_account:
        IdentityStack(app, settings=settings)
    if settings.has_foundation:
        FoundationStack(app, settings=settings)
    if settings.notification_channels:
        MonitoringStack(app, jobs=world.values(), settings=settings)
    return app
