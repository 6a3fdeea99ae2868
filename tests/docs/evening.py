"""Runs ingest-rollout as if it were another time, for what a page shows. Started by path in a checkout's root.

TIME is what the clock says. SERVICE, where given, is where the ingest service is asked.
"""

from __future__ import annotations

import datetime
import os
from typing import Any

TRUE = datetime.datetime
NOW = TRUE.fromisoformat(os.environ["TIME"])


class _AnyDatetime(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, TRUE)


class Stopped(TRUE, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        return NOW.astimezone(tz)


def main() -> None:
    # The clients need a clock that runs; ours take the stopped one when they are imported after it.
    import google.auth.transport.requests
    import google.cloud.bigquery
    import google.cloud.scheduler_v1  # noqa: F401

    datetime.datetime = Stopped  # type: ignore[misc]
    from commands.cli import main as run
    from operations.cloud import routes

    if address := os.environ.get("SERVICE"):
        get = routes.get

        def at_the_service(url: str, token: str = "") -> routes.Answer:
            return get(f"{address}/{url.split('/', 3)[3]}", token)

        routes.get = at_the_service
    run()


if __name__ == "__main__":
    main()
