"""Wheels: built from this repository, uploaded to S3, copied to a volume through the Files API.

https://docs.databricks.com/api/workspace/files
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from lakehouse.targets import Target
from lakehouse.wheels import Wheel
from platform_assets.resource_types.artifact_upload import ArtifactUpload
from platform_assets.resource_types.model import Clients


@dataclass(frozen=True)
class WheelUpload(ArtifactUpload):
    """A wheel in the artifact bucket and in a volume, where runs take it from."""

    wheel: Wheel = field(kw_only=True)

    type_name = "wheel"
    folder = "wheels"
    kinds = frozenset({"databricks", "python"})

    def find_problems(self, target: Target) -> Iterator[str]:
        """What any upload is asked, and that each module compiles."""
        yield from super().find_problems(target)
        yield from self.wheel.find_broken_modules()

    @property
    def artifact(self) -> Wheel:
        """The wheel."""
        return self.wheel

    def build(self) -> bytes:
        """Build it."""
        return self.wheel.build()

    def copy(self, clients: Clients) -> None:
        """Download, upload."""
        bucket = clients.target.bucket(self.bucket)
        stored = clients.aws("s3").get_object(Bucket=bucket, Key=self.object_key)["Body"].read()
        clients.workspace.files.upload(self.physical_name(clients.target), io.BytesIO(stored), overwrite=True)
