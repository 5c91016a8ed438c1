"""What uploads of built files have in common: put into S3, copied to a volume. A file is named by its content.

Old files stay: runs that were submitted with them may still start.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lakehouse.artifacts import Artifact
from lakehouse.names import physical_name, volume_path
from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels
from platform_assets.resource_types.sdk_errors import unless_missing

_VERSION = "version"  # S3 metadata: what the bytes were built from


@dataclass(frozen=True)
class ArtifactUpload(Resource):
    """A built file in the artifact bucket and in a volume, where runs take it from."""

    volume: str
    bucket: str = "artifacts"

    folder: ClassVar[str]  # of the bucket
    group = "platform_artifacts"
    kept_elsewhere = frozenset({"version", "in_bucket", "in_volume"})

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name and the volume's."""
        yield from simple_name_problems(self.name, self.name)
        yield from name_problems(self.volume, "catalog.schema.volume", physical_name(target, self.volume))

    @property
    @abstractmethod
    def artifact(self) -> Artifact:
        """What is built."""

    @abstractmethod
    def build(self) -> bytes:
        """Build it."""

    @abstractmethod
    def copy(self, clients: Clients) -> None:
        """Copy it from the bucket to the volume."""

    @property
    def object_key(self) -> str:
        """Where it is in the bucket."""
        return f"{self.folder}/{self.artifact.file_name}"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Bucket and volume."""
        return (f"s3_bucket/{self.bucket}", f"volume/{self.volume.replace('.', '/')}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the path in the volume."""
        return f"{volume_path(target, self.volume)}/{self.artifact.file_name}"

    def desired(self, target: Target) -> State:
        """The file in both places."""
        return {"version": self.artifact.version, "in_bucket": True, "in_volume": True}

    def read(self, clients: Clients) -> State | None:
        """HeadObject and the file's metadata; a copy of another length is no copy."""
        s3, bucket, path = clients.aws("s3"), clients.target.bucket(self.bucket), self.physical_name(clients.target)
        stored = unless_missing(lambda: s3.head_object(Bucket=bucket, Key=self.object_key))
        copied = unless_missing(lambda: clients.workspace.files.get_metadata(path))
        if stored is None and copied is None:
            return None
        in_bucket = stored is not None and stored["Metadata"].get(_VERSION) == self.artifact.version
        same = copied is not None and stored is not None and copied.content_length == stored["ContentLength"]
        return {"version": self.artifact.version, "in_bucket": in_bucket, "in_volume": same}

    def create(self, clients: Clients, desired: State) -> None:
        """Build, put into the bucket, copy from there to the volume."""
        self.update(clients, desired, {"in_bucket": False, "in_volume": False})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """The part that is missing; what is there has the same content."""
        if "in_bucket" in before:
            metadata = {**mark_labels(clients.target), _VERSION: self.artifact.version}
            bucket, body = clients.target.bucket(self.bucket), self.build()
            clients.aws("s3").put_object(Bucket=bucket, Key=self.object_key, Body=body, Metadata=metadata)
        if "in_volume" in before:
            self.copy(clients)

    def delete(self, clients: Clients) -> None:
        """Delete both files."""
        s3, bucket = clients.aws("s3"), clients.target.bucket(self.bucket)
        unless_missing(lambda: s3.delete_object(Bucket=bucket, Key=self.object_key))
        unless_missing(lambda: clients.workspace.files.delete(self.physical_name(clients.target)))
