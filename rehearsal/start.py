"""How a rehearsal begins. Loads neither Google's clients nor DuckDB: main.py is to run while they are imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.schedule import time_zone
from ingest.settings import Settings
from operations.local.repository import ROOT
from operations.terraform.process import interruptible
from rehearsal.safety import twin_environ
from rehearsal.workspace import Workspace, synthesize_nights

DEPLOY_TIME = time(21)
"""When a night's deploy begins, in the settings' time zone."""


def next_monday(settings: Settings, now: datetime) -> datetime:
    """The Monday after `now` (aware) at the time of a deploy, so that a rehearsal is the same on every weekday."""
    today = now.astimezone(time_zone(settings.time_zone)).date()
    monday = today + timedelta(days=7 - today.weekday())
    return datetime.combine(monday, DEPLOY_TIME, time_zone(settings.time_zone))


@contextmanager
def synthesized(settings: Settings) -> Iterator[Workspace]:
    """All nights in a temporary folder that ends with the block. Raises OperationError."""
    with TemporaryDirectory(prefix="ingest-rehearsal-") as name:
        folder = Path(name)
        environ = twin_environ(os.environ, {}, folder)
        with interruptible(), ThreadPoolExecutor(1) as pool:
            nights = pool.submit(synthesize_nights, ROOT, settings, folder, environ)
            # Half a second, on another core than main.py's.
            import_module("rehearsal.session")
        yield Workspace(nights.result(), folder / "deploy")
