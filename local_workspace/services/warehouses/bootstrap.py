"""What a new workspace has of SQL warehouses: the starter warehouse, and who may create more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.services.warehouses.state import allow_creation, ensure_starter

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

DEPLOYER = "lakehouse-deployer"


def bootstrap(workspace: Workspace) -> None:
    """Bring both about; safe to repeat."""
    ensure_starter(workspace)
    for name, document in workspace.store.scan("principal"):
        if document["display_name"] == DEPLOYER:
            allow_creation(workspace.store, name)
