"""Keeps a rehearsal away from everything real."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from operations.cloud.credentials import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from operations.cloud.private import is_loopback
from operations.errors import OperationError
from operations.terraform.synth import STEERING

# Credentials, other clouds' settings, and what would lead Terraform to other folders or the CLI to other settings.
_LEFT_OUT = (
    *("GOOGLE_", "GCLOUD_", "GCP_", "CLOUDSDK_", "GOOGLE_CLOUD_", "AWS_", "ARM_", "TFE_", "INGEST_", "CDKTF_"),
    *(*STEERING, "TF_VAR_", "TF_TOKEN_", "TF_LOG"),
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_NOBODY = "http://127.0.0.1:9"
"""Of a process that starts before the twin, as main.py does: nothing listens there."""
_METADATA = ("GCE_METADATA_", "NO_GCE_CHECK")


def twin_environ(environ: Mapping[str, str], endpoints: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment for what a rehearsal starts: no credentials of the caller's, and Google's APIs at `endpoints`.

    What asks another address gets the twin's 404: the google provider asks Google who it is, and the metadata server
    which project it is in, with each command. Terraform's plugin cache and gcloud's configuration are in `folder`.
    Raises OperationError for an address that is not on this machine.
    """
    for address in endpoints.values():
        if not is_loopback(address):
            raise OperationError(f"{address} is not on this machine; a rehearsal talks to loopback addresses only")
    cache = folder / "plugin-cache"
    cache.mkdir(exist_ok=True)
    kept = {k: v for k, v in environ.items() if not k.startswith((*_LEFT_OUT, *_METADATA)) and not _is_proxy(k)}
    twin = urlsplit(endpoints.get(ENDPOINT_VARIABLE, _NOBODY)).netloc
    return kept | {
        **endpoints,
        TOKEN_VARIABLE: "of-the-twin",
        "GCE_METADATA_HOST": twin,
        "HTTP_PROXY": f"http://{twin}",
        "HTTPS_PROXY": f"http://{twin}",
        "NO_PROXY": "127.0.0.1,localhost",
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "TF_PLUGIN_CACHE_DIR": str(cache),
        "CHECKPOINT_DISABLE": "1",
    }


@contextmanager
def without_proxies() -> Iterator[dict[str, str]]:
    """Takes the proxies out of this process's environment, which Google's clients go by; yields them."""
    taken = {key: os.environ.pop(key) for key in list(os.environ) if _is_proxy(key)}
    try:
        yield taken
    finally:
        os.environ.update(taken)


def with_proxies(environ: Mapping[str, str], proxies: Mapping[str, str]) -> dict[str, str]:
    """`environ` of a rehearsal for what may reach the network, as the download of Terraform's provider does."""
    return {key: value for key, value in environ.items() if not _is_proxy(key)} | dict(proxies)


def _is_proxy(variable: str) -> bool:
    return variable.lower() in _PROXIES
