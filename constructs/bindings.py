"""The one seam to cdktf and its google provider, or to CDK Terrain's; nothing else imports either.

CDK Terrain (`cdktn`) goes on where cdktf was archived, with the same API. With INGEST_CDK=cdktn its modules stand in
for cdktf's under the same names, so that the imports below, and the types, are the same for both.

`import cdktf_cdktf_provider_google.<x>` runs that package's `__init__`, which imports all of its 1,482 modules
(over 10 s and 400 MB). Putting a bare parent module into sys.modules first loads only the modules that we name.
Where the package is not laid out as expected, the plain import is used instead. Node, too, loads only these modules
(constructs/assembly.py).
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

import jsii

from constructs.assembly import cut_down

PROVIDER_PACKAGE = "cdktf_cdktf_provider_google"
PROVIDER_MODULES = (
    "_jsii",
    "bigquery_data_transfer_config",
    "bigquery_dataset_iam_member",
    "bigquery_table",
    "cloud_run_v2_service_iam_member",
    "cloud_scheduler_job",
    "data_google_bigquery_dataset",
    "iam_workload_identity_pool",
    "iam_workload_identity_pool_provider",
    "monitoring_alert_policy",
    "monitoring_dashboard",
    "project_iam_custom_role",
    "project_iam_member",
    "provider",
    "service_account",
    "service_account_iam_member",
    "storage_bucket",
    "storage_bucket_iam_member",
)
TERRAIN = "cdktn"
TERRAIN_PROVIDER_PACKAGE = "cdktn_provider_google"
VARIABLE = "INGEST_CDK"
KITS = ("cdktf", TERRAIN)


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
        if assembly := cut_down(Path(parent.__path__[0]), modules):
            importlib.import_module("cdktf")  # What the assembly builds on has to be there first.
            with suppress(Exception):
                # The package then asks for an assembly that is there already; where this failed, it loads its own.
                jsii.load(*assembly)
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


def refuse_unnamed() -> None:
    """Raises ImportError for modules that were imported and are not in PROVIDER_MODULES: Node may not know them."""
    lazily = not hasattr(sys.modules[PROVIDER_PACKAGE], "__file__")
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith(f"{PROVIDER_PACKAGE}.")}
    if lazily and (unnamed := loaded - set(PROVIDER_MODULES)):
        raise ImportError(f"{', '.join(sorted(unnamed))}: name it in PROVIDER_MODULES, constructs/bindings.py")


def stand_in(ours: str, theirs: str, modules: tuple[str, ...] = ()) -> None:
    """Lets `theirs` be imported under the name `ours`, with these of its modules.

    Raises ImportError, which says what to install, when `theirs` is not there.
    """
    try:
        sys.modules[ours] = load_lazily(theirs, modules) if modules else importlib.import_module(theirs)
        for module in modules:
            sys.modules[f"{ours}.{module}"] = importlib.import_module(f"{theirs}.{module}")
    except ImportError as error:
        sys.modules.pop(ours, None)
        raise ImportError(f"{VARIABLE}={theirs.partition('_')[0]}: {error}; `make terrain` installs it") from error


def choose(kit: str) -> None:
    """Makes cdktf's names stand for the kit of that name, "" for cdktf itself. Raises ImportError."""
    if kit not in ("", *KITS):
        raise ImportError(f"{VARIABLE}: {kit!r} is not allowed; allowed: {' or '.join(KITS)}")
    if kit == TERRAIN:
        stand_in("cdktf", TERRAIN)
        stand_in(PROVIDER_PACKAGE, TERRAIN_PROVIDER_PACKAGE, PROVIDER_MODULES)
    else:
        load_lazily(PROVIDER_PACKAGE, PROVIDER_MODULES)


choose(os.environ.get(VARIABLE, ""))

from cdktf import (  # noqa: E402
    App,
    Fn,
    GcsBackend,
    LocalBackend,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
)
from cdktf_cdktf_provider_google.bigquery_data_transfer_config import BigqueryDataTransferConfig  # noqa: E402
from cdktf_cdktf_provider_google.bigquery_dataset_iam_member import BigqueryDatasetIamMember  # noqa: E402
from cdktf_cdktf_provider_google.bigquery_table import (  # noqa: E402
    BigqueryTable,
    BigqueryTableView,
)
from cdktf_cdktf_provider_google.cloud_run_v2_service_iam_member import CloudRunV2ServiceIamMember  # noqa: E402
from cdktf_cdktf_provider_google.cloud_scheduler_job import (  # noqa: E402
    CloudSchedulerJob,
    CloudSchedulerJobHttpTarget,
    CloudSchedulerJobHttpTargetOidcToken,
    CloudSchedulerJobRetryConfig,
)
from cdktf_cdktf_provider_google.data_google_bigquery_dataset import DataGoogleBigqueryDataset  # noqa: E402
from cdktf_cdktf_provider_google.iam_workload_identity_pool import IamWorkloadIdentityPool  # noqa: E402
from cdktf_cdktf_provider_google.iam_workload_identity_pool_provider import (  # noqa: E402
    IamWorkloadIdentityPoolProvider,
    IamWorkloadIdentityPoolProviderOidc,
)
from cdktf_cdktf_provider_google.monitoring_alert_policy import (  # noqa: E402
    MonitoringAlertPolicy,
    MonitoringAlertPolicyAlertStrategy,
    MonitoringAlertPolicyAlertStrategyNotificationRateLimit,
    MonitoringAlertPolicyConditions,
    MonitoringAlertPolicyConditionsConditionMatchedLog,
    MonitoringAlertPolicyDocumentation,
    MonitoringAlertPolicyDocumentationLinks,
)
from cdktf_cdktf_provider_google.monitoring_dashboard import MonitoringDashboard  # noqa: E402
from cdktf_cdktf_provider_google.project_iam_custom_role import ProjectIamCustomRole  # noqa: E402
from cdktf_cdktf_provider_google.project_iam_member import ProjectIamMember  # noqa: E402
from cdktf_cdktf_provider_google.provider import GoogleProvider  # noqa: E402
from cdktf_cdktf_provider_google.service_account import ServiceAccount  # noqa: E402
from cdktf_cdktf_provider_google.service_account_iam_member import ServiceAccountIamMember  # noqa: E402
from cdktf_cdktf_provider_google.storage_bucket import (  # noqa: E402
    StorageBucket,
    StorageBucketVersioning,
)
from cdktf_cdktf_provider_google.storage_bucket_iam_member import (  # noqa: E402
    StorageBucketIamMember,
    StorageBucketIamMemberCondition,
)

__all__ = [
    "App",
    "BigqueryDataTransferConfig",
    "BigqueryDatasetIamMember",
    "BigqueryTable",
    "BigqueryTableView",
    "CloudRunV2ServiceIamMember",
    "CloudSchedulerJob",
    "CloudSchedulerJobHttpTarget",
    "CloudSchedulerJobHttpTargetOidcToken",
    "CloudSchedulerJobRetryConfig",
    "DataGoogleBigqueryDataset",
    "Fn",
    "GcsBackend",
    "GoogleProvider",
    "IamWorkloadIdentityPool",
    "IamWorkloadIdentityPoolProvider",
    "IamWorkloadIdentityPoolProviderOidc",
    "LocalBackend",
    "MonitoringAlertPolicy",
    "MonitoringAlertPolicyAlertStrategy",
    "MonitoringAlertPolicyAlertStrategyNotificationRateLimit",
    "MonitoringAlertPolicyConditions",
    "MonitoringAlertPolicyConditionsConditionMatchedLog",
    "MonitoringAlertPolicyDocumentation",
    "MonitoringAlertPolicyDocumentationLinks",
    "MonitoringDashboard",
    "ProjectIamCustomRole",
    "ProjectIamMember",
    "ServiceAccount",
    "ServiceAccountIamMember",
    "StorageBucket",
    "StorageBucketIamMember",
    "StorageBucketIamMemberCondition",
    "StorageBucketVersioning",
    "TerraformOutput",
    "TerraformResourceLifecycle",
    "TerraformStack",
]

refuse_unnamed()
