"""IdentityStack: what the night "identity" needs to be there before its jobs."""

from __future__ import annotations

from constructs import Construct
from constructs.invoker import Invoker
from ingest.rollout import IDENTITY_STACK
from ingest.settings import Settings
from stacks.base import IngestStack


class IdentityStack(IngestStack):
    """The same on every night: a grant that nobody uses yet changes nothing, and going back leaves it."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, IDENTITY_STACK, settings=settings)
        Invoker(self, settings=settings)
