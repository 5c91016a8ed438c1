"""Files in volumes, from files of this repository. https://docs.databricks.com/api/workspace/files

They lie in a folder of the volume that is the estate's mark, since a file carries none: what runs write lies beside it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse.artifacts import digest_content
from lakehouse.grammar.places import is_source
from lakehouse.names import volume_path
from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.volume import Volume

SOURCES = Path(__file__).parent.parent / "volume_files"


@dataclass(frozen=True)
class VolumeFile(Resource):
    """A file in the estate's folder of a volume; its source is platform_assets/volume_files/<volume>/<name>."""

    volume: Volume

    type_name = "volume_file"
    group = "platform_artifacts"
    kept_elsewhere = frozenset({"content"})

    def __post_init__(self) -> None:
        if any(part in ("", ".", "..") for part in self.name.split("/")):
            raise refuse(self.key, f"a name is a path such as reference/airlines.csv, not {self.name!r}")
        if not self.volume.files:
            raise refuse(self.key, f"say files=True of {self.volume.key}, or no file is found again")

    @property
    def key(self) -> str:
        """The asset key as text, such as volume_file/flights/ops/reference/airlines.csv."""
        return self._name_in(self.volume.key)

    @property
    def identity(self) -> str:
        """Names of volumes are kept in lower case, names of files as they are."""
        return self._name_in(self.volume.identity)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The volume."""
        return (self.volume.key, *self.after)

    @property
    def content(self) -> bytes:
        """What is to be in it.

        Raises:
            InvalidDeclaration: there is no such file in this repository.
        """
        source = SOURCES / self.volume.name / self.name
        if not is_source(source):
            raise refuse(self.key, f"there is no file {source.relative_to(SOURCES.parent.parent)} to put")
        return source.read_bytes()

    def physical_name(self, target: Target) -> str:
        """Return the path in the volume."""
        return f"{_folder(target, self.volume)}/{self.name}"

    def desired(self, target: Target) -> State:
        """What is in it, as a digest."""
        return {"content": digest_content(self.content)}

    def read(self, clients: Clients) -> State | None:
        """Download: the API shows size and time, and no digest that would be the same for the same bytes."""
        found = unless_missing(lambda: clients.workspace.files.download(self.physical_name(clients.target)))
        if found is None or found.contents is None:
            return None
        with found.contents as content:
            return {"content": digest_content(content.read())}

    def create(self, clients: Clients, desired: State) -> None:
        """Upload, with the folders above; over what is there, so that a lost answer is tried again."""
        path = self.physical_name(clients.target)
        clients.workspace.files.upload(path, io.BytesIO(self.content), overwrite=True)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """The same: a file is replaced as a whole."""
        self.create(clients, desired)

    def delete(self, clients: Clients) -> None:
        """Delete; folders stay, as the service leaves them."""
        unless_missing(lambda: clients.workspace.files.delete(self.physical_name(clients.target)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[VolumeFile]:
        """List the estate's folder of each volume of ours that says it holds declared files.

        Raises:
            Exception: a volume cannot be opened; what is in it is not known.
        """
        for volume in Volume.find_with_files(listing):
            folder = _folder(listing.clients.target, volume)
            yield from (cls(path.removeprefix(f"{folder}/"), volume) for path in _walk(listing.clients, folder))

    def _name_in(self, volume_key: str) -> str:
        return f"{self.type_name}/{volume_key.partition('/')[2]}/{self.name}"


def _folder(target: Target, volume: Volume) -> str:
    return f"{volume_path(target, volume.name)}/{target.bucket_prefix}"


def _walk(clients: Clients, folder: str) -> Iterator[str]:
    """Yield the paths of all files in a folder of a volume and in those below it; nothing where there is none."""
    for entry in unless_missing(lambda: list(clients.workspace.files.list_directory_contents(folder))) or ():
        if entry.is_directory:
            yield from _walk(clients, str(entry.path))
        else:
            yield str(entry.path)
