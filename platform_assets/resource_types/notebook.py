"""Notebooks in the workspace, from source files of this repository, in a folder of the estate's own.

https://docs.databricks.com/api/workspace/workspace
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.workspace_object import ensure_folder, read_source, require_source

SOURCES = Path(__file__).parent.parent / "notebooks"


def notebook_path(target: Target, name: str) -> str:
    """Return the workspace path of a notebook."""
    return f"{_folder(target)}/{name}"


@dataclass(frozen=True)
class Notebook(Resource):
    """A Python notebook; its source is platform_assets/notebooks/<name>.py. The folder is the estate's mark."""

    type_name = "notebook"
    group = "platform_artifacts"
    kinds = frozenset({"databricks", "python"})
    kept_elsewhere = frozenset({"content"})
    references = {}

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, which is its file's."""
        yield from simple_name_problems(self.name, self.name)

    @property
    def source(self) -> bytes:
        """The notebook in source format."""
        return read_source(self.key, SOURCES / f"{self.name}.py")

    def physical_name(self, target: Target) -> str:
        """Return the workspace path."""
        return notebook_path(target, self.name)

    def desired(self, target: Target) -> State:
        """What is in it, as a digest."""
        return {"content": _digest(self.source)}

    def read(self, clients: Clients) -> State | None:
        """Export."""
        from databricks.sdk.service.workspace import ExportFormat

        path = self.physical_name(clients.target)
        found = unless_missing(lambda: clients.workspace.workspace.download(path, format=ExportFormat.SOURCE).read())
        return None if found is None else {"content": _digest(found)}

    def create(self, clients: Clients, desired: State) -> None:
        """Make the folder if there is none, import."""
        ensure_folder(clients, _folder(clients.target))
        self.update(clients, desired, {})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Import over what is there."""
        import base64

        from databricks.sdk.service.workspace import ImportFormat, Language

        clients.workspace.workspace.import_(
            self.physical_name(clients.target),
            content=base64.b64encode(self.source).decode(),
            format=ImportFormat.SOURCE,
            language=Language.PYTHON,
            overwrite=True,
        )

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Notebook:
        """Its name, if this repository has a source of that name."""
        require_source(SOURCES, f"{self.name}.py")
        return self

    def delete(self, clients: Clients) -> None:
        """Delete."""
        unless_missing(lambda: clients.workspace.workspace.delete(self.physical_name(clients.target)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Notebook]:
        """List the estate's folder."""
        clients = listing.clients
        found = unless_missing(lambda: list(clients.workspace.workspace.list(_folder(clients.target))))
        for one in found or ():
            yield cls((one.path or "").rpartition("/")[2])


def _folder(target: Target) -> str:
    return f"/Shared/{target.bucket_prefix}"


def _digest(source: bytes) -> str:
    return hashlib.sha256(source.strip()).hexdigest()[:12]
