"""Types of what the fixtures `synthesize` and `synthesize_committed` give: each stack's cdk.tf.json by stack id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stacks = dict[str, Any]
Synthesize = Callable[..., Stacks]
