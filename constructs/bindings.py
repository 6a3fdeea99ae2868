"""The one seam to cdktf and its google provider; nothing else imports either.

`import cdktf_cdktf_provider_google.<x>` runs that package's `__init__`, which imports all of its 1,482 modules
(over 10 s and 400 MB). Putting a bare parent module into sys.modules first loads only the modules that we name.
Where the package is not laid out as expected, the plain import is used instead.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from types import ModuleType

PROVIDER_PACKAGE = "cdktf_cdktf_provider_google"
PROVIDER_MODULES = ("_jsii", "cloud_scheduler_job", "provider")


def load_lazily(package: str, modules: tuple[str, ...]) -> ModuleType:
    """Imports `modules` of `package` without running the package's `__init__`; all of it when that fails.

    Raises ImportError when the package is not installed.
    """
    if package in sys.modules:
        return sys.modules[package]
    spec = PathFinder.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return importlib.import_module(package)
    parent = ModuleType(package)
    parent.__spec__ = spec
    parent.__path__ = list(spec.submodule_search_locations)
    # Annotations of one generated module may name another.
    parent.__dict__["__getattr__"] = lambda name: _submodule(package, name)
    sys.modules[package] = parent
    try:
        for module in modules:
            importlib.import_module(f"{package}.{module}")
    except Exception:
        for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
            del sys.modules[name]
        return importlib.import_module(package)
    return parent


def _submodule(package: str, name: str) -> ModuleType:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError:
        raise AttributeError(name) from None


load_lazily(PROVIDER_PACKAGE, PROVIDER_MODULES)

from cdktf import (  # noqa: E402
    App,
    GcsBackend,
    LocalBackend,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
)
from cdktf_cdktf_provider_google.cloud_scheduler_job import (  # noqa: E402
    CloudSchedulerJob,
    CloudSchedulerJobHttpTarget,
    CloudSchedulerJobHttpTargetOidcToken,
    CloudSchedulerJobRetryConfig,
)
from cdktf_cdktf_provider_google.provider import GoogleProvider  # noqa: E402

__all__ = [
    "App",
    "CloudSchedulerJob",
    "CloudSchedulerJobHttpTarget",
    "CloudSchedulerJobHttpTargetOidcToken",
    "CloudSchedulerJobRetryConfig",
    "GcsBackend",
    "GoogleProvider",
    "LocalBackend",
    "TerraformOutput",
    "TerraformResourceLifecycle",
    "TerraformStack",
]
