from __future__ import annotations

from tests.status.conftest import client, impatient, nights, twin

__all__ = ["client", "impatient", "nights", "twin"]
