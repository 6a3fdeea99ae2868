"""One deploy in a process of its own, so that it can be killed: folder, engine, Cloud Scheduler's address, stacks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from operations.cloud.credentials import local_scheduler_client
from operations.terraform.engine import Engine, Terraform
from rehearsal.builtin import BuiltIn
from rehearsal.builtin_identity import IdentityClient
from tests.given.domain import SETTINGS


def main(folder: str, engine: str, address: str, *stacks: str) -> None:
    client = local_scheduler_client(address)
    chosen: Engine
    if engine == "terraform":
        chosen = Terraform(Path(folder), SETTINGS, os.environ, lambda: client)
    else:
        chosen = BuiltIn(Path(folder), client, IdentityClient(os.environ))
    chosen.plan(stacks)
    chosen.apply(stacks, print)


if __name__ == "__main__":
    main(*sys.argv[1:])
