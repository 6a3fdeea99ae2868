"""Keeps a rehearsal away from everything real."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from operations.cloud.credentials import TOKEN_VARIABLE, is_loopback
from operations.errors import OperationError
from toolchain import STEERS_TERRAFORM

# Credentials, other clouds' settings, and what would lead Terraform to other folders or the CLI to other settings.
_LEFT_OUT = (
    *("GOOGLE_", "GCLOUD_", "GCP_", "CLOUDSDK_", "GOOGLE_CLOUD_", "AWS_", "ARM_", "TFE_", "INGEST_", "CDKTF_"),
    *(*STEERS_TERRAFORM, "TF_VAR_", "TF_TOKEN_", "TF_LOG"),
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def twin_environ(environ: Mapping[str, str], endpoints: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment for what a rehearsal starts: no credentials of the caller's, and Google's APIs at `endpoints`.

    Terraform's plugin cache and gcloud's configuration are in `folder`. Raises OperationError for an address that is
    not on this machine.
    """
    for address in endpoints.values():
        if not is_loopback(address):
            raise OperationError(f"{address} is not on this machine; a rehearsal talks to loopback addresses only")
    cache = folder / "plugin-cache"
    cache.mkdir(exist_ok=True)
    kept = {k: v for k, v in environ.items() if not k.startswith(_LEFT_OUT) and k.lower() not in _PROXIES}
    return kept | {
        **endpoints,
        TOKEN_VARIABLE: "of-the-twin",
        "CLOUDSDK_CONFIG": str(folder / "gcloud"),
        "TF_PLUGIN_CACHE_DIR": str(cache),
        "CHECKPOINT_DISABLE": "1",
    }
