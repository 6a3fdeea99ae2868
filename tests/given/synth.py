"""Types of what the fixtures `synthesize` and `synthesize_committed` give: each stack's cdk.tf.json by stack id."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

Stacks = dict[str, Any]
Synthesize = Callable[..., Stacks]


def once(factory: pytest.TempPathFactory, key: object, make: Callable[[Path], object]) -> Path:
    """A folder of the whole run that `make` fills: in one of the test processes, while the others wait for it.

    `key` is what `make` depends on; equal keys are the ones of equal `repr`.
    """
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / f"once-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}"
    with FileLock(f"{folder}.lock"):
        done = folder / "done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
