"""Hypothesis for these tests: no time limit for one example, which a busy machine breaks."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", deadline=None, max_examples=60)
settings.load_profile("unit")
