"""python -m bench: runs the benchmarks and prints a table. A missed target is shown, it is not an error."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import calls, result, scale
from bench.command import ROOT, MeasureError
from bench.measures import measure_all

PAGES = {"speed": ROOT / "docs" / "performance.md", "scale": ROOT / "docs" / "scale.md"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed, or what grows with the jobs.")
    parser.add_argument("what", nargs="?", choices=PAGES, default="speed", help="speed if not given")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help="rewrite the table in the page as well")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each program, 5 if not given")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds: {options.rounds} is not allowed; allowed: 1 or more")
    try:
        with TemporaryDirectory() as folder:
            if options.what == "scale":
                rows = scale.measure(Path(folder), options.rounds)
                table, figures = scale.table(rows, options.rounds), scale.report(rows)
            else:
                results = measure_all(Path(folder), options.rounds)
                table = f"{result.table(results, options.rounds)}\n\n{calls.table()}"
                figures = result.report(results)
        print(json.dumps(figures, indent=2) if options.json else table)
        if options.write:
            result.write(PAGES[options.what], table)
    except (MeasureError, OSError, ValueError) as error:
        sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
