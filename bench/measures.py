"""The measures and their targets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.command import PROGRAMS, Command, MeasureError, python
from bench.result import Result
from bench.rounds import medians, progress
from toolchain import quiet_node

NIGHT = {"INGEST_STRATEGY": "phased", "INGEST_NIGHT": "3"}
"""The night on which all 16 jobs exist."""

FEW, MANY = 16, 1600
QUICK = 5
"""Commands of some 50 ms are run this many times as often."""


def measure_all(outdir: Path, rounds: int) -> list[Result]:
    """Runs every benchmark; what is synthesized goes to `outdir`. Raises MeasureError."""
    environ = environment(outdir)
    programs = {
        "main.py": "main.py",
        "plain": str(PROGRAMS / "plain.py"),
        "floor": str(PROGRAMS / "floor.py"),
    }
    return [
        *synthesis(programs, environ, rounds),
        *memory(programs, environ, rounds),
        cost_per_job(environ, rounds),
        plan_command(environ, rounds * QUICK),
        rehearsal(environ, rounds),
        *rehearsal_with_terraform(environ, rounds),
    ]


def environment(outdir: Path) -> dict[str, str]:
    """The caller's environment with the night, the folder and one Node for all.

    Without other settings of the project, and without Python's: PYTHONDONTWRITEBYTECODE alone has each run of ours
    compile its modules again, while the installed packages are compiled.
    """
    ours = ("INGEST_", "CDKTF_", "PYTHON")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environ |= {**NIGHT, "CDKTF_OUTDIR": str(outdir)}
    quiet_node(environ)
    return environ


def synthesis(programs: Mapping[str, str], environ: Mapping[str, str], rounds: int) -> list[Result]:
    runs = {name: python(name, path, environ=environ).seconds for name, path in programs.items()}
    seconds = medians(runs, rounds)
    main, plain, floor = (seconds[name] for name in ("main.py", "plain", "floor"))
    return [
        Result(
            name="time of main.py : plain program",
            measured=main / plain,
            target=0.14,
            unit="",
            detail=f"{main:.2f} s : {plain:.2f} s",
        ),
        Result(
            name="time of main.py : floor",
            measured=main / floor,
            target=0.5,
            unit="",
            detail=f"{main:.2f} s : {floor:.2f} s",
        ),
    ]


def memory(programs: Mapping[str, str], environ: Mapping[str, str], rounds: int) -> list[Result]:
    return [
        peak("main.py", "peak_memory.py", 80, programs, environ, rounds),
        peak("jsii's Node", "peak_memory_of_node.py", 120, programs, environ, rounds),
    ]


def peak(
    what: str, wrapper: str, target: float, programs: Mapping[str, str], environ: Mapping[str, str], rounds: int
) -> Result:
    """The megabytes that `wrapper` prints for main.py, with those for the plain program beside them."""
    path = str(PROGRAMS / wrapper)
    runs = {name: python(name, path, programs[name], environ=environ).printed for name in ("main.py", "plain")}
    megabytes = medians(runs, rounds)
    return Result(
        name=f"peak memory of {what}",
        measured=megabytes["main.py"],
        target=target,
        unit="MB",
        detail=f"plain program: {megabytes['plain']:.0f} MB",
    )


def cost_per_job(environ: Mapping[str, str], rounds: int) -> Result:
    program = str(PROGRAMS / "phase_stack.py")
    runs = {
        str(count): python(f"PhaseStack of {count} jobs", program, str(count), environ=environ).printed
        for count in (FEW, MANY)
    }
    seconds = medians(runs, rounds)
    few, many = seconds[str(FEW)], seconds[str(MANY)]
    return Result(
        name="each more job in a PhaseStack",
        measured=(many - few) / (MANY - FEW) * 1000,
        target=2,
        unit="ms",
        detail=f"{MANY} jobs {many:.2f} s, {FEW} jobs {few:.2f} s",
    )


def plan_command(environ: Mapping[str, str], rounds: int) -> Result:
    plan = Command(
        name="ingest-rollout plan",
        arguments=(str(Path(sys.executable).parent / "ingest-rollout"), "plan"),
        environ=environ,
        succeeds=(0, 2),
    )
    click = python("import click", "-c", "import click", environ=environ)
    seconds = medians({command.name: command.seconds for command in (plan, click)}, rounds)
    return Result(
        name="ingest-rollout plan : import click",
        measured=seconds[plan.name] / seconds[click.name],
        target=1.5,
        unit="",
        detail=f"{seconds[plan.name] * 1000:.0f} ms : {seconds[click.name] * 1000:.0f} ms",
    )


def rehearsal(environ: Mapping[str, str], rounds: int) -> Result:
    rehearse = python("rehearse", "-m", "commands", "rehearse", "--engine", "built-in", environ=environ)
    main = python("main.py", "main.py", environ=environ)
    seconds = medians({command.name: command.seconds for command in (rehearse, main)}, rounds)
    return Result(
        name="rehearse, built-in : main.py",
        measured=seconds["rehearse"] / seconds["main.py"],
        target=2,
        unit="",
        detail=f"{seconds['rehearse']:.2f} s : {seconds['main.py']:.2f} s",
    )


def rehearsal_with_terraform(environ: Mapping[str, str], rounds: int) -> list[Result]:
    """Nothing where Terraform cannot install the google provider."""
    command = python("rehearse", "-m", "commands", "rehearse", "--engine", "terraform", environ=environ)
    try:
        seconds = medians({command.name: command.seconds}, rounds)
    except MeasureError as error:
        progress(f"not measured, {error}\n")
        return []
    return [
        Result(
            name="rehearse, Terraform",
            measured=seconds["rehearse"],
            target=120,
            unit="s",
            detail="init, plan and apply of all nights, synth included",
        )
    ]
