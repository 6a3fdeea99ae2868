"""Builds and synthesizes one PhaseStack with as many jobs as the argument says; prints the seconds, without imports."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from constructs.bindings import App
from ingest.catalogue import CATALOGUE, GROUPS
from ingest.rollout import Hold, Job
from ingest.settings import load
from stacks.phase import PhaseStack

ROOT = Path(__file__).resolve().parents[2]


def jobs(count: int) -> list[Job]:
    """The catalogue over and over, each time under new names."""
    rows = [CATALOGUE[number % len(CATALOGUE)] for number in range(count)]
    entities = [replace(entity, name=f"{entity.name}_{number}") for number, entity in enumerate(rows)]
    return [Job(entity, entity.target, Hold.DECLARED, imported=False) for entity in entities]


def main(count: int) -> None:
    settings = load(ROOT, os.environ)
    wanted = jobs(count)
    start = perf_counter()
    app = App(outdir=os.environ["CDKTF_OUTDIR"])
    PhaseStack(app, GROUPS[0], jobs=wanted, settings=settings)
    app.synth()
    print(perf_counter() - start)


if __name__ == "__main__":
    main(int(sys.argv[1]))
