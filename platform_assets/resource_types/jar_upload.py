"""JARs: built from this repository, uploaded to S3 under libs/, copied into a volume by a notebook run.

A file is named by its content; old files stay, since runs that were submitted with them may still start.
https://docs.databricks.com/aws/en/jobs/tasks/jar
"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.jars import JARS, Jar, build_jar
from lakehouse.names import volume_path
from lakehouse.targets import Target, read_settings
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.notebook import notebook_path
from platform_assets.resource_types.notebook_run import run_notebook
from platform_assets.resource_types.ownership import mark_labels
from platform_assets.resource_types.sdk_errors import unless_missing

_FOLDER = "libs"
_COPY = "copy_file"
_VERSION = "version"  # S3 metadata: what the bytes were built from


def jar_path(target: Target, name: str, volume: str) -> str:
    """Return the path in the volume of a JAR of lakehouse/jars.py."""
    return f"{volume_path(target, volume)}/{JARS[name].file_name}"


@dataclass(frozen=True)
class JarUpload(Resource):
    """A JAR of lakehouse/jars.py, named as there, in the artifact bucket and in a volume, where runs take it from."""

    volume: str
    bucket: str = "artifacts"

    type_name = "jar"
    group = "platform_artifacts"
    kinds = frozenset({"databricks", "java"})

    @property
    def jar(self) -> Jar:
        """What is built."""
        return JARS[self.name]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Bucket, the location that lets the notebook read it, the notebook, and the volume."""
        places = (f"s3_bucket/{self.bucket}", f"external_location/{self.bucket}", f"notebook/{_COPY}")
        return (*places, f"volume/{self.volume.replace('.', '/')}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the path in the volume."""
        return jar_path(target, self.name, self.volume)

    def desired(self, target: Target) -> State:
        """The file in both places."""
        return {"version": self.jar.version, "in_bucket": True, "in_volume": True}

    def read(self, clients: Clients) -> State | None:
        """HeadObject and the file's metadata; a copy of another length is no copy."""
        s3, bucket, path = clients.aws("s3"), clients.target.bucket(self.bucket), self.physical_name(clients.target)
        stored = unless_missing(lambda: s3.head_object(Bucket=bucket, Key=self._object_key))
        copied = unless_missing(lambda: clients.workspace.files.get_metadata(path))
        if stored is None and copied is None:
            return None
        in_bucket = stored is not None and stored["Metadata"].get(_VERSION) == self.jar.version
        same = copied is not None and stored is not None and copied.content_length == stored["ContentLength"]
        return {"version": self.jar.version, "in_bucket": in_bucket, "in_volume": same}

    def create(self, clients: Clients, desired: State) -> None:
        """Build, put into the bucket, copy from there to the volume."""
        self.update(clients, desired, {"in_bucket": False, "in_volume": False})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """The part that is missing. A new object is copied anew: another machine's compiler makes other bytes."""
        bucket = clients.target.bucket(self.bucket)
        if "in_bucket" in before:
            metadata = {**mark_labels(clients.target), _VERSION: self.jar.version}
            body = build_jar(self.jar, read_settings().cache_home)
            clients.aws("s3").put_object(Bucket=bucket, Key=self._object_key, Body=body, Metadata=metadata)
        source, destination = f"s3://{bucket}/{self._object_key}", self.physical_name(clients.target)
        copy = notebook_path(clients.target, _COPY)
        run_notebook(clients.workspace, copy, {"source": source, "destination": destination})

    def delete(self, clients: Clients) -> None:
        """Delete both files."""
        s3, bucket = clients.aws("s3"), clients.target.bucket(self.bucket)
        unless_missing(lambda: s3.delete_object(Bucket=bucket, Key=self._object_key))
        unless_missing(lambda: clients.workspace.files.delete(self.physical_name(clients.target)))

    @property
    def _object_key(self) -> str:
        return f"{_FOLDER}/{self.jar.file_name}"
