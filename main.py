"""Synthesizes the stacks of one night: settings -> plan -> stacks. Run by `cdktf` and by hand."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # Before the first import of constructs, also under PYTHONSAFEPATH.


def main() -> None:
    try:
        synthesize()
    except Exception as error:
        # Of a file or folder, by Node's words for it: where it keeps its cache, or where the stacks go.
        if isinstance(error, OSError) or re.search(
            r"\bE(ACCES|EXIST|ISDIR|NOENT|NOSPC|NOTDIR|PERM|ROFS): ", str(error)
        ):
            sys.exit(f"main.py: {error}")
        raise


def synthesize() -> None:
    try:
        from toolchain import quiet_node, steering

        quiet_node(os.environ)
        from ingest.rules import Plan, problems
        from ingest.settings import load, read_context
        from ingest.text.shapes import ShapeError
        from stacks.night import night_app
    except ImportError as error:
        if error.name is None:  # Not Python's own words: the seam to cdktf says itself what to do.
            sys.exit(f"main.py: {error}")
        sys.exit(f"main.py: cannot import what it needs ({error}). Run `make setup`, then use .venv/bin/python.")
    if lines := steering(os.environ):
        sys.exit("\n".join(lines))
    try:
        settings = load(ROOT, os.environ)
    except ShapeError as error:
        sys.exit(str(error))
    if broken := problems(Plan(settings=settings, catalogue=settings.catalogue)):
        sys.exit("\n".join(map(str, broken)))
    # The variable is how `cdktf synth --output` says where to.
    outdir = Path(os.environ.get("CDKTF_OUTDIR", ROOT / "cdktf.out"))
    night_app(settings, outdir=outdir, context=read_context(ROOT)).synth()


if __name__ == "__main__":
    main()
