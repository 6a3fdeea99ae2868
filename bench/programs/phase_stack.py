"""Builds and synthesizes one PhaseStack with as many jobs as the argument says; prints the seconds, without imports."""

import os
import sys
from pathlib import Path
from time import perf_counter

from bench.many import GROUP, jobs
from constructs.bindings import App
from ingest.settings import load
from stacks.phase import PhaseStack

ROOT = Path(__file__).resolve().parents[2]


def main(count: int) -> None:
    settings = load(ROOT, os.environ)
    wanted = jobs(count)
    start = perf_counter()
    app = App(outdir=os.environ["CDKTF_OUTDIR"])
    PhaseStack(app, GROUP, jobs=wanted, settings=settings)
    app.synth()
    print(perf_counter() - start)


if __name__ == "__main__":
    main(int(sys.argv[1]))
