"""What a reviewer reads of a night: every job of every phase in the order of their times, without version noise."""

from __future__ import annotations

from typing import Any

import yaml

from ingest.schedule import Cadence


def inventory_text(head: str, stacks: dict[str, Any]) -> str:
    content = {stack: _jobs(stacks[stack]) for stack in sorted(stacks) if stack.startswith("phase-")}
    body = yaml.safe_dump(content, sort_keys=False, width=200, allow_unicode=True)
    return f"# {head}\n# It is exact: a job that is not listed does not exist. Made by `make inventories`.\n{body}"


def _jobs(stack: dict[str, Any]) -> dict[str, Any]:
    imports = {entry["to"]: entry["id"] for entry in stack.get("import", [])}
    jobs = {}
    for kind, resources in stack.get("resource", {}).items():
        for name, fields in resources.items():
            address = f"{kind}.{name}"
            jobs[address] = _job(fields, imports.pop(address, None))
    if imports:
        raise ValueError(f"imports without a resource: {imports}")
    return dict(sorted(jobs.items(), key=lambda item: Cadence.verbatim(item[1]["schedule"]).slot))


def _job(fields: dict[str, Any], imported: str | None) -> dict[str, Any]:
    """The fields with the nested ones on one line each; what this function does not know stays as it is."""
    left = {key: value for key, value in fields.items() if key != "//"}
    target = left.pop("http_target")
    lifecycle = left.pop("lifecycle", {})
    shown = {key: left.pop(key) for key in ("name", "schedule", "time_zone")}
    shown["target"] = f"{target.pop('http_method')} {target.pop('uri')}"
    if imported:
        shown["import"] = imported
    if lifecycle.pop("prevent_destroy", False):
        shown["guard"] = "prevent_destroy"
    if ignored := lifecycle.pop("ignore_changes", None):
        shown["left as found"] = ", ".join(ignored)
    if retry := left.pop("retry_config", None):
        shown["retry"] = ", ".join(f"{key} {value}" for key, value in retry.items())
    shown |= left
    rest = {"http_target": target, "lifecycle": lifecycle}
    return shown | {key: value for key, value in rest.items() if value}
