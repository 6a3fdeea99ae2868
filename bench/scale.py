"""python -m bench scale: 16, 160 and 1,600 entities, from the rules to Terraform's plan. Explained in docs/scale.md."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

from bench import calls
from bench.command import PROGRAMS, ROOT, python
from bench.many import COUNTS, GROUP, SLOTS, plan, world
from bench.measures import environment
from bench.result import machine, markdown
from bench.rounds import medians, progress
from ingest.preview import clock_warnings, run_windows
from ingest.rollout import changes
from ingest.rules import GAP_MINUTES, problems
from ingest.settings import Settings, load
from operations.cloud.credentials import ENDPOINT_VARIABLE, local_scheduler_client
from operations.errors import OperationError
from operations.terraform.engine import OUTPUT, Terraform, stack_folder
from operations.terraform.synth import night_environ
from rehearsal.safety import twin_environ
from twin.clock import Clock
from twin.scheduler import Scheduler
from twin.server import scheduler_app, serve

AT = datetime(2026, 10, 20, 4, tzinfo=UTC)
PLANS = 3
"""Rounds of Terraform's plans, which take longest, are no more than this."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure for each of COUNTS, in `unit`; `missing` says why there are none."""

    name: str
    values: Sequence[float] = ()
    unit: str = ""
    missing: str = ""

    def cells(self) -> list[str]:
        if not self.values:
            return [self.name, *["not measured"] * len(COUNTS), ""]
        shown = [f"{_digits(value)} {self.unit}".strip() for value in self.values]
        few, many = self.values[0], self.values[-1]
        return [self.name, *shown, f"{many / few:,.1f}" if few else ""]


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


@dataclass
class Requests:
    """What reaches the Cloud Scheduler of one size: calls that read and calls that write."""

    reads: int = 0
    writes: int = 0

    def count(self, app: Callable[..., Any]) -> Callable[..., Any]:
        def counted(environ: Mapping[str, Any], start: Any) -> Any:
            if environ["REQUEST_METHOD"] == "GET":
                self.reads += 1
            else:
                self.writes += 1
            return app(environ, start)

        return counted

    def take(self) -> tuple[int, int]:
        """Reads and writes since the last time."""
        counts = (self.reads, self.writes)
        self.reads = self.writes = 0
        return counts


@dataclass
class Site:
    """One size's synthesized stack, and the Cloud Scheduler that Terraform deploys it to."""

    folder: Path
    environ: Mapping[str, str]
    address: str
    requests: Requests = field(default_factory=Requests)

    @property
    def terraform(self) -> Terraform:
        return Terraform(self.folder, load(ROOT, {}), self.environ, lambda: local_scheduler_client(self.address))

    def plan(self) -> object:
        return self.terraform.run(GROUP.stack, "plan", "-input=false", "-out=plan")

    def apply(self) -> object:
        return self.terraform.run(GROUP.stack, "apply", "-input=false", "plan")


def measure(folder: Path, rounds: int) -> list[Row]:
    """Every row. What is synthesized goes to `folder`. Raises MeasureError where the synth fails."""
    settings = load(ROOT, {})
    places = {count: folder / str(count) for count in COUNTS}
    rows = [*arithmetic(settings), *pure(settings, rounds), *synthesis(places, folder, rounds)]
    try:
        rows += terraform(settings, places, rounds)
    except OperationError as error:
        rows.append(Row(name="Terraform: plan", missing=str(error)))
    return [*rows, *requests()]


def arithmetic(settings: Settings) -> list[Row]:
    return [
        Row(name=f"minutes that a wave takes, {GAP_MINUTES} min apart", values=[GAP_MINUTES * n for n in COUNTS]),
        Row(
            name="violations that the rules find",
            values=[len(problems(plan(settings, count))) for count in COUNTS],
        ),
    ]


def pure(settings: Settings, rounds: int) -> list[Row]:
    plans = {count: plan(settings, count) for count in COUNTS}
    worlds = {count: world(count) for count in COUNTS}

    def preview(count: int) -> None:
        created = changes({}, worlds[count])
        run_windows(created, AT, settings.time_zone)
        clock_warnings(created, AT, settings.time_zone)

    return [
        Row(name="rules", values=_milliseconds(lambda count: problems(plans[count]), rounds), unit="ms"),
        Row(name="preview of a night that creates all", values=_milliseconds(preview, rounds), unit="ms"),
    ]


def synthesis(places: Mapping[int, Path], folder: Path, rounds: int) -> list[Row]:
    program = str(PROGRAMS / "phase_stack.py")
    wrapper = str(PROGRAMS / "peak_memory.py")
    environ = environment(folder)
    runs, peaks = {}, {}
    for count, place in places.items():
        place.mkdir(parents=True, exist_ok=True)
        own = {**environ, "CDKTF_OUTDIR": str(place / OUTPUT)}
        name = f"PhaseStack of {count} jobs"
        runs[str(count)] = python(name, program, str(count), environ=own).printed
        peaks[str(count)] = python(f"memory of {name}", wrapper, program, str(count), environ=own).printed
    seconds, memory = medians(runs, rounds), medians(peaks, 1)
    sizes = [(stack_folder(place, GROUP.stack) / "cdk.tf.json").stat().st_size / 1e3 for place in places.values()]
    return [
        Row(name="synth of one stack, imports aside", values=list(seconds.values()), unit="s"),
        Row(name="peak memory of its Python", values=list(memory.values()), unit="MB"),
        Row(name="its JSON", values=sizes, unit="kB"),
    ]


def terraform(settings: Settings, places: Mapping[int, Path], rounds: int) -> list[Row]:
    """Terraform's plan of a stack before and after its first deploy, and the requests that each makes."""
    rounds = min(rounds, PLANS)
    with sites(settings, places) as by_count:
        for site in by_count.values():
            site.terraform.initialise(GROUP.stack)
        plans = {str(count): partial(_seconds, site.plan) for count, site in by_count.items()}
        create = medians(plans, rounds)
        for site in by_count.values():
            site.requests.take()
        applies, written = [], []
        for count, site in by_count.items():
            progress(f"apply of {count} jobs")
            applies.append(_seconds(site.apply))
            written.append(site.requests.take()[1])
        unchanged = medians(plans, rounds)
        # The run that warms up is one as well.
        read = [site.requests.take()[0] / (rounds + 1) for site in by_count.values()]
    return [
        Row(name="Terraform: plan that creates all", values=list(create.values()), unit="s"),
        Row(name="Terraform: apply that creates all, once", values=applies, unit="s"),
        Row(name="Terraform: plan without a change", values=list(unchanged.values()), unit="s"),
        Row(name="reads from Cloud Scheduler in that plan", values=read),
        Row(name="writes to Cloud Scheduler in that apply", values=written),
    ]


def requests() -> list[Row]:
    return [
        Row(name="reads for status, preflight or gate", values=[calls.pages(count) for count in COUNTS]),
        Row(name="requests to BigQuery for freshness", values=[calls.queries(count) for count in COUNTS]),
    ]


@contextmanager
def sites(settings: Settings, places: Mapping[int, Path]) -> Iterator[dict[int, Site]]:
    """A Cloud Scheduler of its own for each size, without jobs and without a state."""
    with ExitStack() as stack:
        by_count = {}
        for count, place in places.items():
            asked = Requests()
            app = scheduler_app(Scheduler(Clock(AT)), lambda name: None, Lock())
            address = stack.enter_context(serve(asked.count(app)))
            environ = twin_environ(os.environ, {ENDPOINT_VARIABLE: f"{address}/v1/"}, place)
            by_count[count] = Site(place, night_environ(place, settings, environ=environ), address, asked)
        yield by_count


def table(rows: Sequence[Row], rounds: int) -> str:
    """A Markdown table with a column for each size, and the ratio of the last to the first."""
    head = ("what", *(f"{count:,} entities" for count in COUNTS), f"{COUNTS[-1]:,} : {COUNTS[0]}")
    note = f"Medians of {rounds} interleaved rounds, of Terraform's plans {min(rounds, PLANS)}"
    lines = markdown([head, *(row.cells() for row in rows)], note)
    lines += [f"Not measured, {row.name}: {row.missing}" for row in rows if row.missing]
    return "\n".join([*lines, f"A day has {SLOTS} slots of {GAP_MINUTES} minutes."])


def report(rows: Sequence[Row]) -> dict[str, object]:
    return {
        **machine(),
        "counts": list(COUNTS),
        "results": [
            {"name": row.name, "values": list(row.values), "unit": row.unit, "missing": row.missing} for row in rows
        ],
    }


def _milliseconds(action: Callable[[int], object], rounds: int) -> list[float]:
    runs = {str(count): partial(_seconds, partial(action, count)) for count in COUNTS}
    return [seconds * 1000 for seconds in medians(runs, rounds).values()]


def _seconds(action: Callable[[], object]) -> float:
    start = perf_counter()
    action()
    return perf_counter() - start
