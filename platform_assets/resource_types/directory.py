"""Folders of the workspace and who may do what in them. https://docs.databricks.com/api/workspace/workspace"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.workspace_object import WorkspaceObject

if TYPE_CHECKING:
    from databricks.sdk.service.workspace import ObjectInfo


@dataclass(frozen=True)
class Directory(WorkspaceObject):
    """A folder in the estate's folder of the workspace."""

    type_name = "directory"
    object_type = "DIRECTORY"
    permissions_type = "directories"

    def desired_content(self) -> dict[str, Any]:
        """Nothing: what lies in it is declared by itself."""
        return {}

    def read_content(self, clients: Clients, found: ObjectInfo) -> dict[str, Any]:
        """Nothing."""
        return {}

    def put(self, clients: Clients, path: str) -> None:
        """Make it, and the estate's folder if there is none."""
        clients.workspace.workspace.mkdirs(path)
