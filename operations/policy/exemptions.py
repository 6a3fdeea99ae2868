"""The exemptions from the policy's rules: data, each with its reason. None at present."""

from __future__ import annotations

from operations.policy.evaluate import Exemption

EXEMPTIONS: tuple[Exemption, ...] = ()
