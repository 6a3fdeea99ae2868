"""What every stack of ours has: where its state is, its provider, the Terraform that it needs."""

from __future__ import annotations

from constructs import Construct
from constructs.bindings import App, GcsBackend, GoogleProvider, LocalBackend, TerraformStack
from ingest.settings import Settings

STATE_FOLDER = "../../../state"
"""From a stack's folder, cdktf.out/stacks/<stack>, to the repository's root: the same on every machine."""

TERRAFORM_WITH_IMPORT_BLOCKS = "1.5"


class IngestStack(TerraformStack):
    """It depends on no other stack, so that each deploys alone."""

    def __init__(self, scope: Construct, stack: str, *, settings: Settings) -> None:
        super().__init__(scope, stack)
        # Of a further attribute in this block, cdktf's HCL has only `0 = "required_version"`, which is no HCL.
        if not App.of(self).hcl_output:
            self.add_override("terraform.required_version", f">= {TERRAFORM_WITH_IMPORT_BLOCKS}")
        if settings.backend == "gcs":
            GcsBackend(self, bucket=settings.backend_bucket, prefix=f"{settings.backend_prefix}/{stack}")
        else:
            LocalBackend(self, path=f"{STATE_FOLDER}/{stack}.tfstate")
        # Capitals keep the ids that are not entities apart from those, which are lower case.
        GoogleProvider(self, "Google", project=settings.project, region=settings.region)
