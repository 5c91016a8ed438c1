"""Files in the workspace, from files of this repository. https://docs.databricks.com/api/workspace/workspace"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.artifacts import digest_content
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.workspace_object import WorkspaceObject, ensure_folder, read_source, require_source

if TYPE_CHECKING:
    from databricks.sdk.service.workspace import ObjectInfo

SOURCES = Path(__file__).parent.parent / "workspace_files"


@dataclass(frozen=True)
class WorkspaceFile(WorkspaceObject):
    """A file in the estate's folder of the workspace; its source is platform_assets/workspace_files/<name>."""

    type_name = "workspace_file"
    object_type = "FILE"
    permissions_type = "files"
    kept_elsewhere = frozenset({"content"})

    @property
    def source(self) -> bytes:
        """What is to be in it."""
        return read_source(self.key, SOURCES / self.name)

    def desired_content(self) -> dict[str, Any]:
        """What is in it, as a digest."""
        return {"content": digest_content(self.source)}

    def read_content(self, clients: Clients, found: ObjectInfo) -> dict[str, Any]:
        """Export."""
        from databricks.sdk.service.workspace import ExportFormat

        content = clients.workspace.workspace.download(str(found.path), format=ExportFormat.AUTO).read()
        return {"content": digest_content(content)}

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Resource:
        """Who may do what, if this repository has a file of its name."""
        require_source(SOURCES, self.name)
        return super().rebuild(state, rebuilding)

    def put(self, clients: Clients, path: str) -> None:
        """Make the folder if there is none, import over what is there; RAW, so that no script becomes a notebook.

        As JSON: the SDK tries a lost answer again, which it does not for `upload`. The API takes 10 MB this way.
        """
        import base64

        from databricks.sdk.service.workspace import ImportFormat

        ensure_folder(clients, path.rpartition("/")[0])
        content = base64.b64encode(self.source).decode()
        clients.workspace.workspace.import_(path, content=content, format=ImportFormat.RAW, overwrite=True)
