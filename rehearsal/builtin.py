"""The built-in applier: reads cdk.tf.json and makes the calls that the google provider makes, with Google's client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.scheduler_v1 import CloudSchedulerClient, Job

from ingest.baseline import RETRY
from operations.cloud import jobs
from operations.cloud.errors import message
from operations.cloud.scheduler import live_jobs
from operations.errors import OperationError
from operations.local.files import write_atomic
from operations.terraform.engine import NO_OP, Planned, Show, refuse_unrecorded, stack_folder, unseen
from operations.terraform.state import LocalStore
from rehearsal import builtin_identity
from rehearsal.builtin_identity import IdentityClient

# How Terraform calls the block that a flat key lies in.
_BLOCKS = dict.fromkeys(RETRY, "retry_config") | dict.fromkeys(("target", *jobs.TARGET), "http_target")


@dataclass(frozen=True)
class Step:
    """One job's change: `job` is its full name, `wanted` what it is to be, None to remove it.

    `make`, where it is given, does the change instead.
    """

    planned: Planned
    job: str
    wanted: jobs.Fields | None = None
    live: jobs.Fields | None = None
    make: Callable[[], None] | None = None


class BuiltIn:
    name = "built-in applier"

    def __init__(self, workspace: Path, client: CloudSchedulerClient, identity: IdentityClient) -> None:
        self._workspace = workspace
        self._client = client
        self._identity = identity
        self._steps: list[Step] = []

    def plan(self, stacks: Sequence[str]) -> list[Planned]:
        # Listed once a plan.
        listed = cache(partial(live_jobs, self._client))
        self._steps = [step for stack in stacks for step in self._plan(stack, listed)]
        return sorted((step.planned for step in self._steps), key=lambda planned: (planned.stack, planned.address))

    def release(self, stack: str, address: str) -> None:
        _State(self._workspace, stack).forget(address)

    def take(self, stack: str, address: str, job: str) -> None:
        _State(self._workspace, stack).put(address, job, jobs.find(self._client, job))

    def apply(self, stacks: Sequence[str], show: Show = unseen) -> None:
        creates = [step.planned for step in self._steps if step.planned.action == "create"]
        refuse_unrecorded(self._client, self._workspace, creates)
        for step in self._steps:
            try:
                self._take(step)
                if step.planned.action != NO_OP:
                    show(f"{step.job.rpartition('/')[2]}: {step.planned.action}")
            except GoogleAPICallError as error:
                action = step.planned.action
                raise OperationError(f"{step.planned.stack}: cannot {action} {step.job}: {message(error)}") from None

    def _plan(self, stack: str, listed: Callable[[str], dict[str, Job]]) -> list[Step]:
        content = json.loads((stack_folder(self._workspace, stack) / "cdk.tf.json").read_text(encoding="utf-8"))
        imports = {entry["to"]: entry["id"] for entry in content.get("import", [])}
        recorded = _State(self._workspace, stack).attributes()
        held = {address: attributes["id"] for address, attributes in recorded.items()}
        steps = []
        for address, job, resource in jobs.resources(content):
            if held.get(address, job) != job:
                raise OperationError(f"{stack}: {address} would be replaced by {job}; the {self.name} does not do that")
            live = _live(job, listed) if address in held or address in imports else None
            importing = address in imports and address not in held
            steps.append(self._step(stack, address, resource, job, live, recorded.get(address), importing=importing))
            held.pop(address, None)
        steps += self._plan_identity(stack, content, held)
        for address, job in held.items():
            before = _live(job, listed) if address.startswith(jobs.KIND) else None
            attributes = before and _attributes(job, before)
            steps.append(Step(Planned(stack, address, "delete", [], attributes, None, recorded[address]), job))
        return steps

    def _plan_identity(self, stack: str, content: Mapping[str, Any], held: dict[str, str]) -> Iterator[Step]:
        project = content["provider"]["google"][0]["project"]
        for address, resource in builtin_identity.resources(content):
            if held.pop(address, None) is None:
                make = partial(self._identity.create, address, resource, project)
                yield Step(Planned(stack, address, "create", []), address, make=make)

    def _step(
        self,
        stack: str,
        address: str,
        resource: Mapping[str, Any],
        job: str,
        live: jobs.Fields | None,
        recorded: Mapping[str, Any] | None,
        *,
        importing: bool,
    ) -> Step:
        wanted, ignored = jobs.declared(resource), jobs.ignored(resource)
        if live is None:
            if importing:
                raise OperationError(f"{stack}: cannot import {job}, it does not exist; set adopt_existing to false")
            planned = Planned(stack, address, "create", [], None, _attributes(job, wanted), recorded)
            return Step(planned, job, wanted)
        changed = jobs.differences(wanted, live, ignored)
        actions = ["import"] * importing + ["update"] * bool(changed)
        fields = sorted({_BLOCKS.get(key, key) for key in changed})
        wanted |= {key: live[key] for key in ignored}
        before, after = _attributes(job, live), _attributes(job, wanted)
        planned = Planned(stack, address, " and ".join(actions) or NO_OP, fields, before, after, recorded)
        return Step(planned, job, wanted, live)

    def _take(self, step: Step) -> None:
        state = _State(self._workspace, step.planned.stack)
        address, action = step.planned.address, step.planned.action
        if action == NO_OP:
            return
        if step.make:
            step.make()
            state.put(address, step.job)
        elif step.wanted is None:
            self._client.delete_job(name=step.job)
            state.forget(address)
        elif action == "create":
            # Saved first: a job that was made just before a kill is then known as ours.
            state.put(address, step.job, step.wanted)
            message = jobs.message(step.job, step.wanted)
            try:
                self._client.create_job(parent=step.job.rpartition("/jobs/")[0], job=message)
            except GoogleAPICallError:
                state.forget(address)
                raise
            self._set_paused(step.job, bool(step.wanted["paused"]))
        else:
            if action != "import":
                self._client.update_job(job=jobs.message(step.job, step.wanted))
                if step.live and step.wanted["paused"] not in (None, step.live["paused"]):
                    self._set_paused(step.job, bool(step.wanted["paused"]))
            state.put(address, step.job, step.wanted)

    def _set_paused(self, job: str, paused: bool) -> None:
        if paused:
            self._client.pause_job(name=job)
        else:
            self._client.resume_job(name=job)


def _live(job: str, listed: Callable[[str], dict[str, Job]]) -> jobs.Fields | None:
    parent, _, name = job.rpartition("/jobs/")
    live = listed(parent).get(name)
    return jobs.live(live) if live else None


def _attributes(job: str, fields: jobs.Fields) -> dict[str, Any]:
    """As Terraform's state has them."""
    email = fields["oidc_service_account_email"]
    tokens = [{"service_account_email": email, "audience": fields["oidc_audience"]}] if email else []
    target = {key: fields[key] for key in ("uri", "http_method", "headers", "body")} | {"oidc_token": tokens}
    plain = ("schedule", "time_zone", "description", "attempt_deadline", "paused")
    return {
        "id": job,
        "name": job.rpartition("/")[2],
        **{key: fields[key] for key in plain},
        "http_target": [target],
        "retry_config": [{key: fields[key] for key in RETRY}],
    }


class _State:
    """What a stack holds: full names by Terraform's address, in as much of Terraform's file format as we read."""

    def __init__(self, workspace: Path, stack: str) -> None:
        self._stack = stack
        self._store = LocalStore(workspace)

    def put(self, address: str, job: str, wanted: jobs.Fields | None = None) -> None:
        self._write(self.attributes() | {address: _attributes(job, wanted) if wanted else {"id": job}})

    def forget(self, address: str) -> None:
        self._write({key: held for key, held in self.attributes().items() if key != address})

    def attributes(self) -> dict[str, Mapping[str, Any]]:
        state = self._store.read(self._stack)
        return {f"{r['type']}.{r['name']}": r["instances"][0]["attributes"] for r in (state.resources if state else [])}

    def _write(self, attributes: Mapping[str, Mapping[str, Any]]) -> None:
        resources = [
            {"mode": "managed", "type": kind, "name": name, "instances": [{"attributes": held}]}
            for (kind, _, name), held in ((address.partition("."), held) for address, held in attributes.items())
        ]
        path = self._store.path(self._stack)
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, json.dumps({"version": 4, "resources": resources}, indent=1).encode())
