"""Synthesizes the stacks of one night: settings -> plan -> stacks. Run by `cdktf` and by hand."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # Before the first import of constructs, also under PYTHONSAFEPATH.


def main() -> None:
    try:
        from toolchain import quiet_node

        quiet_node(os.environ)
        from constructs.bindings import App
        from ingest.catalogue import GROUPS
        from ingest.rollout import state_at
        from ingest.rules import Plan, problems
        from ingest.settings import SettingsError, load, read_context
        from stacks.phase import PhaseStack
    except ImportError as error:
        sys.exit(f"main.py: cannot import what it needs ({error}). Run `make setup`, then use .venv/bin/python.")
    try:
        settings = load(ROOT, os.environ)
    except SettingsError as error:
        sys.exit(str(error))
    if found := problems(Plan(settings=settings)):
        sys.exit("\n".join(map(str, found)))

    app = App(outdir=str(ROOT / "cdktf.out"), context=read_context(ROOT))
    world = state_at(settings.rollout, settings.night, adopt_existing=settings.adopt_existing)
    for group in GROUPS:
        PhaseStack(app, group, jobs=[j for j in world.values() if j.entity.group == group.name], settings=settings)
    app.synth()


if __name__ == "__main__":
    main()
