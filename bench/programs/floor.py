"""The least that cdktf and its google provider, as they come, can do: load the whole assembly, synthesize one stack."""

import importlib
import os
import sys
from importlib.machinery import PathFinder
from types import ModuleType

PACKAGE = "cdktf_cdktf_provider_google"

spec = PathFinder.find_spec(PACKAGE)
assert spec is not None
assert spec.submodule_search_locations is not None
parent = ModuleType(PACKAGE)
parent.__path__ = list(spec.submodule_search_locations)
sys.modules[PACKAGE] = parent
importlib.import_module(f"{PACKAGE}._jsii")

from cdktf import App, TerraformStack  # noqa: E402

app = App(outdir=os.environ["CDKTF_OUTDIR"])
TerraformStack(app, "empty")
app.synth()
