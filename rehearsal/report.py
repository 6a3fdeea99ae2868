"""What a rehearsal came to: rows, JSON, and a page for a browser."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import PackageLoader

from operations.ledger.words import what
from operations.local.files import write_atomic
from operations.timeline.measured import Measurement, last_midnight
from operations.timeline.page import environment, parts
from operations.timeline.schedule import Schedule, schedule
from rehearsal.rehearse import Rehearsal, Step

HEAD = ("step", "gate", "deployed", "gated", "writes to Scheduler", "runs", "failed", "seconds")


def verdict(step: Step) -> str:
    if step.blocked:
        return "blocked"
    return "open" if step.gated_at else "no change"


def writes_text(step: Step) -> str:
    """Such as "4 create, 4 resume"."""
    counts = Counter(verb for verb, _ in step.writes)
    return ", ".join(f"{count} {verb}" for verb, count in sorted(counts.items())) or "none"


def row(step: Step) -> tuple[str, ...]:
    return (
        step.title,
        verdict(step),
        f"{step.deployed_at:%a %H:%M}",
        f"{step.gated_at:%a %H:%M}" if step.gated_at else "",
        writes_text(step),
        str(len(step.attempts)),
        str(step.failures),
        f"{step.seconds:.1f}",
    )


def outcome(rehearsal: Rehearsal) -> str:
    """The last line: whether all is well."""
    if rehearsal.lost:
        return "LOST: " + "; ".join(rehearsal.lost)
    if not rehearsal.passed:
        return f"The rollout cannot go on after {rehearsal.steps[-1].title}."
    blocked = [step.title for step in rehearsal.steps if step.blocked]
    well = f"It was blocked at {', '.join(blocked)}, fixed, and came to its end" if blocked else "Every gate opened"
    return f"{well}; nothing was lost: each table has what its runs were to read, the adopted jobs are all there."


def as_json(rehearsal: Rehearsal, engine: str) -> dict[str, Any]:
    return {
        "strategy": rehearsal.settings.strategy,
        "engine": engine,
        "passed": rehearsal.passed,
        "lost": rehearsal.lost,
        "faults": [
            {"fault": str(caught.fault), "night": caught.fault.night, "caught_by": caught.by, "text": str(caught)}
            for caught in rehearsal.faults
        ],
        "measured": [measurement.as_json() for measurement in measured(rehearsal)],
        "history": [record.as_json() for record in rehearsal.records],
        "steps": [
            {
                "title": step.title,
                "deployed_at": step.deployed_at.isoformat(),
                "gated_at": step.gated_at and step.gated_at.isoformat(),
                "writes": [{"method": verb, "job": job} for verb, job in step.writes],
                "runs": len(step.attempts),
                "failed": step.failures,
                "gate": verdict(step),
                "problems": step.problems,
                "seconds": round(step.seconds, 2),
            }
            for step in rehearsal.steps
        ],
    }


def measured(rehearsal: Rehearsal) -> list[Measurement]:
    """The attempts of the last night that was lived through on the way forward; empty where there was none."""
    step = _last_full_night(rehearsal)
    names = {entity.job_name: entity.name for entity in rehearsal.settings.catalogue}
    attempts = step.attempts if step else []
    return [Measurement(names[a.job], a.started, a.ended, a.ok) for a in attempts if a.job in names]


def _last_full_night(rehearsal: Rehearsal) -> Step | None:
    nights = [step for step in rehearsal.steps if step.gated_at and step.attempts]
    return max(nights, key=lambda step: (step.preview.night, step.deployed_at), default=None)


def _schedule(rehearsal: Rehearsal) -> Schedule:
    """After the last full night, with its attempts."""
    step, runs, settings = _last_full_night(rehearsal), measured(rehearsal), rehearsal.settings
    if step is None:
        return schedule(settings, rehearsal.twin.clock.now)
    moment = last_midnight(runs, settings.time_zone) if runs else step.deployed_at
    return schedule(settings, moment, night=step.preview.night, measured=runs)


def page(rehearsal: Rehearsal, engine: str) -> str:
    """HTML in one file, without anything from elsewhere."""
    return (
        environment(PackageLoader("rehearsal", "."))
        .get_template("report.html.jinja")
        .render(
            settings=rehearsal.settings,
            engine=engine,
            head=HEAD,
            steps=[(step, row(step)) for step in rehearsal.steps],
            outcome=outcome(rehearsal),
            faults=rehearsal.faults,
            records=[(record, "".join(what(record))) for record in rehearsal.records],
            passed=rehearsal.passed,
            timeline=parts(_schedule(rehearsal)),
        )
    )


def write_page(path: Path, content: str) -> None:
    """Raises OperationError."""
    write_atomic(path, content.encode())
