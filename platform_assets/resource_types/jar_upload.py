"""JARs: built from this repository, uploaded to S3 under libs/, copied into a volume by a notebook run.

https://docs.databricks.com/aws/en/jobs/tasks/jar
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse.grammar.texts import choice_problems
from lakehouse.jars import JARS, Jar, build_jar
from lakehouse.names import volume_path
from lakehouse.targets import Target, read_settings
from platform_assets.resource_types.artifact_upload import ArtifactUpload
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.notebook import notebook_path
from platform_assets.resource_types.notebook_run import run_notebook

_COPY = "copy_file"


def jar_path(target: Target, name: str, volume: str) -> str:
    """Return the path in the volume of a JAR of lakehouse/jars.py."""
    return f"{volume_path(target, volume)}/{JARS[name].file_name}"


@dataclass(frozen=True)
class JarUpload(ArtifactUpload):
    """A JAR of lakehouse/jars.py, named as there, in the artifact bucket and in a volume, where runs take it from."""

    type_name = "jar"
    folder = "libs"
    kinds = frozenset({"databricks", "java"})

    def find_problems(self, target: Target) -> Iterator[str]:
        """That the JAR is one of lakehouse/jars.py."""
        yield from super().find_problems(target)
        yield from choice_problems("a JAR", self.name, JARS)

    @property
    def artifact(self) -> Jar:
        """The JAR."""
        return JARS[self.name]

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Also the location that lets the notebook read the bucket, and the notebook."""
        return (f"external_location/{self.bucket}", f"notebook/{_COPY}", *super().dependencies)

    def build(self) -> bytes:
        """Build it with what is there."""
        return build_jar(self.artifact, read_settings().cache_home)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """The part that is missing. A new object is copied anew: another machine's compiler makes other bytes."""
        super().update(clients, desired, {**before, "in_volume": False})

    def copy(self, clients: Clients) -> None:
        """Let a notebook run copy it."""
        source = f"s3://{clients.target.bucket(self.bucket)}/{self.object_key}"
        parameters = {"source": source, "destination": self.physical_name(clients.target)}
        run_notebook(clients.workspace, notebook_path(clients.target, _COPY), parameters)
