"""Terraform on what cdktf synthesized."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from ingest.rollout import IDENTITY_STACK
from ingest.settings import Settings
from operations.errors import OperationError
from operations.terraform.messages import flat, plain
from operations.terraform.plan_text import harmless
from operations.terraform.process import InterruptedOperationError, run, side_by_side
from operations.terraform.state import BucketStore, StateError, keep_private, refuse_left_behind

# Google's clients are imported where they are used: completion of a deploy's options loads this module.
if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient

OUTPUT = "rollout.out"
"""Where our commands synthesize to: a plain `cdktf deploy` beside them writes to cdktf.out/."""

PROVIDER_LOCK = ".terraform.lock.hcl"
"""In the repository's root: the hashes of the provider, where the team has committed them."""

_NOT_INSTALLED = "Required plugins are not installed"
"""Terraform's words for a stack's folder whose provider is gone or broken: its init was killed, or somebody emptied the
plugin cache of their CLI configuration, to which the folder only points, or another init wrote to it at the same time.
"""

_CACHE = "TF_PLUGIN_CACHE_DIR"

LOCK_TIMEOUT = "-lock-timeout=10s"
"""A Terraform whose command was killed needs some seconds to stop in order and let go of the state."""

LOG = "terraform.log"
"""In OUTPUT: all that Terraform printed for the last command, for its owner alone as it may show what jobs send."""

Show = Callable[[str], None]


def unseen(text: str) -> None:
    """Shows nothing."""


GO_ON = "What was applied stays; run the same command again, Terraform does only what is missing"

_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


NO_OP = "no-op"
TAINTED = "replace_because_tainted"
"""Terraform's reason for a replace (internal/command/jsonplan)."""


@dataclass(frozen=True)
class Planned:
    """What Terraform plans for one resource: `action` in Terraform's words, the names of the fields that change.

    `before` is what is live, `after` what it is to be, and `recorded` what the state had before it was refreshed: the
    resource's attributes, or None where there is none.
    """

    stack: str
    address: str
    action: str
    fields: list[str]
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    recorded: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The entity's, for a job."""
        return self.address.partition(".")[2]

    @property
    def is_job(self) -> bool:
        return self.address.startswith("google_cloud_scheduler_job.")

    @property
    def imports(self) -> bool:
        return self.action.startswith("import")


def changing(planned: Iterable[Planned]) -> list[Planned]:
    """Without what stays as it is."""
    return [resource for resource in planned if resource.action != NO_OP]


class Engine(Protocol):
    """What deploys stacks. All that it knows of earlier deploys it reads from the state."""

    @property
    def name(self) -> str:
        """For people."""

    def plan(self, stacks: Sequence[str]) -> list[Planned]:
        """What becomes of the stacks' resources, sorted, also of those that stay as they are. Raises OperationError."""

    def apply(self, stacks: Sequence[str], show: Show = unseen) -> None:
        """Does what was planned last; `show` gets a line for each job. Raises OperationError, with some of it done."""

    def release(self, stack: str, address: str) -> None:
        """Takes a resource out of the stack's state; it stays live. Raises OperationError."""

    def take(self, stack: str, address: str, job: str) -> None:
        """Takes a live job, by its full name, into the stack's state. Raises OperationError."""


def stack_folder(root: Path, stack: str) -> Path:
    """Where a stack is synthesized to; its state is in state/ of `root`, as the JSON's local backend says."""
    return root / OUTPUT / "stacks" / stack


def terraform_binary(environ: Mapping[str, str] = os.environ) -> str:
    """The command, which may be another by the variable that the cdktf CLI reads too. Raises OperationError."""
    binary = environ.get("TERRAFORM_BINARY_NAME", "terraform")
    if shutil.which(binary, path=environ.get("PATH")) is None:
        raise OperationError(f"{binary} is not on PATH; install Terraform 1.5 or later (import blocks need it)")
    return binary


class Log:
    """A file that begins again with each command; it never stops one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

    def append(self, text: str) -> None:
        with self._lock, suppress(OSError):
            file = os.open(self._path, self._flags, 0o600)
            with open(file, "w", encoding="utf-8", errors="replace") as log:
                log.write(text)
            self._flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def own_cache(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for a plugin cache of the checkout's own, where the caller's Terraform has one; else none.

    Terraform's caches bear one init at a time, and no plan beside it: commands of two checkouts broke a shared one, and
    the hashes of what was half written stayed in their lock files (hashicorp/terraform 31964).
    """
    home = Path(environ.get("HOME", ""))
    named = environ.get("TF_CLI_CONFIG_FILE") or environ.get("TERRAFORM_CONFIG")
    files = [Path(named)] if named else [home / ".terraformrc", *(home / ".terraform.d").glob("*.tfrc*")]
    if not environ.get(_CACHE) and not any(map(_names_a_cache, files)):
        return {}
    # The stacks' lock files are of no further use; with the variable, they do not keep it from taking what is cached.
    return {_CACHE: str(root / OUTPUT / ".plugins"), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


def _names_a_cache(file: Path) -> bool:
    try:
        return "plugin_cache_dir" in file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


class Terraform:
    """Runs Terraform in the stacks' folders under `root`; `environ` is the whole environment of its processes.

    `make_client` gives a client of the Cloud Scheduler that `environ` points Terraform to; `progress` gets its steps.
    """

    name = "Terraform with the google provider"

    def __init__(
        self,
        root: Path,
        settings: Settings,
        environ: Mapping[str, str],
        make_client: Callable[[], CloudSchedulerClient],
        progress: Show = unseen,
    ) -> None:
        self._root = root
        self._settings = settings
        self._environ = {**environ, **own_cache(root, environ)}
        self._make_client = make_client
        self._binary = terraform_binary(environ)
        self._planned: list[Planned] = []
        self._progress = progress
        self._log = Log(root / OUTPUT / LOG)

    def plan(self, stacks: Sequence[str]) -> list[Planned]:
        """Plans the stacks side by side and leaves each plan in its folder.

        Raises OperationError; StateError where the state is locked or out of reach, or where the other backend has it.
        """
        refuse_left_behind(self._root, self._settings, stacks)
        refuse_unsaved(self._root, stacks)
        keep_private(self._root)
        if self._settings.backend == "gcs":
            BucketStore(self._settings, self._environ).check()
        # Before any plan: an init touches the plugin cache that the other stacks' plans read.
        for stack in stacks:
            self.initialise(stack)
        try:
            plans = side_by_side(self._plan, stacks)
        except OperationError as error:
            if _NOT_INSTALLED not in str(error):
                raise
            for stack in stacks:
                self._init(stack)
            plans = side_by_side(self._plan, stacks)
        self._planned = sorted(chain.from_iterable(plans), key=attrgetter("stack", "address"))
        return self._planned

    def plan_text(self, stack: str) -> str:
        """Terraform's own rendering of the plan that `plan` left, without what may be a secret."""
        return harmless(self.run(stack, "show", "plan"))

    def apply(self, stacks: Sequence[str], show: Show = unseen) -> None:
        """Applies the plans that `plan` left; `show` gets a line for each job. Repairs what a killed deploy left.

        The identity is applied before the others, which are applied side by side. Raises OperationError; where a job to
        be created is live and not recorded, before anything is applied.
        """
        if creates := [r for r in self._planned if r.action == "create" and r.stack in stacks]:
            refuse_unrecorded(self._make_client(), self._root, creates)
        for part in in_order(stacks):
            self._apply_part(part, show)

    def _apply_part(self, stacks: Sequence[str], show: Show) -> None:
        def apply(stack: str) -> None:
            self._apply(stack, show)

        try:
            side_by_side(apply, stacks)
        except InterruptedOperationError:
            raise InterruptedOperationError(f"the deploy of {', '.join(stacks)} was interrupted. {GO_ON}") from None
        except StateError:
            raise
        except OperationError as error:
            imported, unmanaged = self.import_orphans(stacks)
            if not imported:
                taken = f" Live already: {', '.join(unmanaged)}; record with `ingest-rollout adopt --record`."
                raise OperationError(f"{error}.{taken if unmanaged else ''} {GO_ON}") from None
            show(f"{', '.join(imported)}: made by an earlier deploy that was cut off, now in the state")
            self.plan(stacks)
            side_by_side(apply, stacks)

    def release(self, stack: str, address: str) -> None:
        self.run(stack, "state rm", LOCK_TIMEOUT, address)

    def take(self, stack: str, address: str, job: str) -> None:
        self.run(stack, "import", "-input=false", LOCK_TIMEOUT, address, job)

    def initialise(self, stack: str) -> None:
        """Once for each stack's folder and backend, and one at a time. Raises OperationError.

        Where the repository has a lock file, Terraform takes only a provider with one of its hashes.
        """
        pinned = self._root / PROVIDER_LOCK
        if pinned.exists():
            shutil.copy(pinned, stack_folder(self._root, stack))
        if not (stack_folder(self._root, stack) / ".terraform").exists():
            self._progress(f"initialising {stack}")
            self._init(stack)
        else:
            self.follow_backend(stack)

    def _init(self, stack: str) -> None:
        is_pinned = (self._root / PROVIDER_LOCK).exists()
        if not is_pinned:
            # It may have the hash of what a broken init left.
            (stack_folder(self._root, stack) / PROVIDER_LOCK).unlink(missing_ok=True)
        self.run(stack, "init", "-input=false", *(["-lockfile=readonly"] if is_pinned else []))

    def follow_backend(self, stack: str) -> None:
        """Initialises a folder again that was initialised with another backend than the stack has now.

        It moves no state. Raises OperationError.
        """
        recorded = _read(stack_folder(self._root, stack) / ".terraform" / "terraform.tfstate").get("backend")
        if recorded:
            wanted = self._backend(stack)
            given = {k: v for k, v in recorded["config"].items() if v is not None}
            if wanted != {recorded["type"]: given}:
                self.run(stack, "init", "-reconfigure", "-input=false")

    def _backend(self, stack: str) -> dict[str, Any]:
        """The backend that the stack is synthesized with, by its type."""
        content = _read(stack_folder(self._root, stack) / "cdk.tf.json")
        backend: dict[str, Any] = content.get("terraform", {}).get("backend", {})
        return backend

    def import_orphans(self, stacks: Sequence[str]) -> tuple[list[str], list[str]]:
        """Imports the jobs that a deploy made just before it was killed, without saving them in the state.

        Such a job is planned to be created and is live already, just as it is declared. Gives the names of those, and
        of the unmanaged ones: jobs that are live and differ, which are left alone. Raises OperationError.
        """
        client = self._make_client()
        imported: list[str] = []
        unmanaged: list[str] = []
        for stack in stacks:
            self.initialise(stack)
            creates = [resource for resource in self._plan(stack) if resource.action == "create"]
            for address, job, differs in _live_already(client, self._root, stack, creates):
                if not differs:
                    self.take(stack, address, job)
                (unmanaged if differs else imported).append(job.rpartition("/")[2])
        return imported, unmanaged

    def _apply(self, stack: str, show: Show) -> None:
        self._progress(f"applying {stack}")
        self.run(
            stack,
            "apply",
            "-input=false",
            LOCK_TIMEOUT,
            "-json",
            "plan",
            on_event=lambda event: _show_event(event, show),
        )
        for resource in self._planned:
            # Of an import, Terraform reports nothing.
            if resource.stack == stack and resource.is_job and resource.action == "import":
                show(f"{resource.name}: imported")

    def _plan(self, stack: str) -> list[Planned]:
        self._progress(f"planning {stack}")
        plan = self._plan_json(stack)
        # A job whose create was answered and whose resume was not: it is live, and no reason to make it again.
        tainted = [change for change in plan.get("resource_changes", []) if change.get("action_reason") == TAINTED]
        for change in tainted:
            self.run(stack, "untaint", LOCK_TIMEOUT, change["address"])
        if tainted:
            plan = self._plan_json(stack)
        return planned(stack, plan)

    def _plan_json(self, stack: str) -> dict[str, Any]:
        self.run(stack, "plan", "-input=false", LOCK_TIMEOUT, "-out=plan")
        try:
            plan: dict[str, Any] = json.loads(self.run(stack, "show", "-json", "plan"))
            return plan
        except (ValueError, RecursionError) as error:
            self._refuse_another_program()
            raise OperationError(f"{stack}: Terraform's plan is no JSON of its own ({error}); run this again") from None

    def run(
        self, stack: str, command: str, *arguments: str, on_event: Callable[[Mapping[str, Any]], None] | None = None
    ) -> str:
        """What `terraform <command>` printed in the stack's folder; `on_event` gets what `-json` reports line by line.

        Raises OperationError with its reason; StateError where that is the state's.
        """
        if cache := self._environ.get(_CACHE):
            # Terraform makes no folder for it, and refuses to work without.
            Path(cache).mkdir(parents=True, exist_ok=True)
        colours = [] if "-json" in arguments else ["-no-color"]
        done = run(
            [self._binary, *command.split(), *colours, *arguments],
            stack_folder(self._root, stack),
            self._environ,
            on_line=(lambda line: on_event(_event(line))) if on_event else None,
        )
        # A plan in JSON is for us.
        if command != "show":
            self._log.append(f"{stack}: terraform {' '.join([command, *arguments])}\n{done.stdout}{done.stderr}\n")
        if done.code:
            output = _errors(done.stdout) + done.stderr if on_event else done.stderr
            if about := self.about_state(stack, output):
                raise StateError(f"{stack}: {about}")
            self._refuse_another_program()
            raise OperationError(f"{stack}: terraform {command} failed: {reason(output)} (all of it: {OUTPUT}/{LOG})")
        return done.stdout

    def _refuse_another_program(self) -> None:
        """Raises OperationError where what TERRAFORM_BINARY_NAME names is no Terraform; asked once something failed."""
        done = run([self._binary, "version"], self._root, self._environ)
        if done.code or not re.match(r"(Terraform|OpenTofu) v\d", done.stdout):
            raise OperationError(
                f"TERRAFORM_BINARY_NAME: {self._binary} is no Terraform; unset it, or name Terraform 1.5 or later"
            )

    def about_state(self, stack: str, output: str) -> str | None:
        """What is wrong with the stack's state by Terraform's words, and what to do; None: they are about another."""
        bucket = self._backend(stack).get("gcs", {}).get("bucket", "")
        return plain(output, bucket=bucket, folder=str(stack_folder(self._root, stack)))


def refuse_unrecorded(client: CloudSchedulerClient, root: Path, creates: Sequence[Planned]) -> None:
    """Raises OperationError for jobs that are to be created and are live otherwise than declared.

    One that is live just as declared was made by a deploy that was killed.
    """
    stacks = dict.fromkeys(resource.stack for resource in creates)
    live = (job for stack in stacks for _, job, differs in _live_already(client, root, stack, creates) if differs)
    if unrecorded := [job.rpartition("/")[2] for job in live]:
        raise OperationError(
            f"{', '.join(unrecorded)}: live and not recorded, so creating would end in 409 ALREADY_EXISTS; nothing was "
            "applied. Record with `ingest-rollout adopt --record`, commit baseline.json and deploy again"
        )


def _live_already(
    client: CloudSchedulerClient, root: Path, stack: str, creates: Iterable[Planned]
) -> Iterator[tuple[str, str, bool]]:
    """Of the stack's jobs that are to be created, those that are live: address, full name, whether they differ.

    Raises OperationError.
    """
    from google.api_core.exceptions import GoogleAPICallError

    from operations.cloud import jobs
    from operations.cloud.errors import message

    addresses = {resource.address for resource in creates}
    try:
        for address, job, resource in jobs.resources(_read(stack_folder(root, stack) / "cdk.tf.json")):
            if address in addresses and (live := jobs.find(client, job)):
                yield address, job, bool(jobs.differences(jobs.declared(resource), live))
    except GoogleAPICallError as error:
        raise OperationError(f"Cloud Scheduler cannot be asked for its jobs: {message(error)}") from None


def refuse_unsaved(root: Path, stacks: Sequence[str]) -> None:
    """Raises StateError where an apply left a state that it could not save, ours or that of a plain `cdktf deploy`."""
    for stack in stacks:
        for folder in (stack_folder(root, stack), root / "cdktf.out" / "stacks" / stack):
            if (folder / "errored.tfstate").exists():
                raise StateError(
                    f"{stack}: {folder / 'errored.tfstate'} is the state of an earlier deploy that could not save it; "
                    f"`terraform state push errored.tfstate` in that folder, remove the file, then run this again"
                )


def in_order(stacks: Sequence[str]) -> list[list[str]]:
    """The stacks in groups to be applied one after the other: the jobs name the identity's account, so it is first."""
    groups = [[s for s in stacks if s == IDENTITY_STACK], [s for s in stacks if s != IDENTITY_STACK]]
    return [group for group in groups if group]


def reason(stderr: str) -> str:
    """Terraform's errors on one line, each once and two at the most, without the bars that frame them."""
    text = flat(stderr)
    _, label, errors = text.partition("Error: ")
    if not label:
        return text
    each = list(dict.fromkeys(errors.split(" Error: ")))
    more = f"; and {len(each) - 2} more" if len(each) > 2 else ""
    return f"Error: {'; '.join(each[:2])}{more}"


def _event(line: str) -> dict[str, Any]:
    """A line of Terraform's machine-readable output; an empty object for another line."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _show_event(event: Mapping[str, Any], show: Show) -> None:
    hook = event.get("hook", {})
    name = hook.get("resource", {}).get("resource_name", "")
    action = str(hook.get("action", ""))
    if event.get("type") == "apply_complete":
        show(f"{name}: {_DONE.get(action, action)}")
    elif event.get("type") == "apply_errored":
        show(f"{name}: {action} failed")


def _errors(output: str) -> str:
    """The errors in Terraform's machine-readable output, as it prints them for people."""
    diagnostics = [event.get("diagnostic", {}) for event in map(_event, output.splitlines())]
    errors = [error for error in diagnostics if error.get("severity") == "error"]
    return "".join(f"Error: {error.get('summary', '')}\n\n{error.get('detail', '')}\n" for error in errors)


def _read(path: Path) -> dict[str, Any]:
    """A JSON file's object; an empty one where the file is missing or was cut off."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError, RecursionError):
        return {}


def _bare(value: Any) -> Any:
    """Without what is empty: Terraform takes null, "", {} and [] of an optional field for the same."""
    if isinstance(value, Mapping):
        return {key: bare for key, item in value.items() if (bare := _bare(item)) not in (None, "", {}, [])}
    return [_bare(item) for item in value] if isinstance(value, list) else value


def planned(stack: str, plan: Mapping[str, Any]) -> list[Planned]:
    """What becomes of each resource by the JSON of `terraform show -json plan` (format 1.x)."""
    # Where the refresh found something else than the state had.
    drift = {resource["address"]: resource["change"].get("before") for resource in plan.get("resource_drift", [])}
    resources = []
    for resource in plan.get("resource_changes", []):
        change = resource["change"]
        actions = [a for a in change["actions"] if a != "no-op"]
        verbs = ["import"] if change.get("importing") else []
        verbs += ["replace"] if len(actions) > 1 else actions
        before, after = change.get("before"), change.get("after")
        fields = []
        if actions == ["update"]:
            fields = [key for key in after if _bare(before.get(key)) != _bare(after[key])]
        address = resource["address"]
        recorded = None if change.get("importing") else drift.get(address, before)
        resources.append(Planned(stack, address, " and ".join(verbs) or NO_OP, fields, before, after, recorded))
    return resources
