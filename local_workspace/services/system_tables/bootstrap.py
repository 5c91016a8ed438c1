"""Declares the system tables when the workspace comes up, and lets the deployer read the audit log. Idempotent.

On a real workspace a metastore admin grants that once: docs/explanation/estate.md, "Who changed it".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.services.system_tables.tables import declare_tables
from local_workspace.services.unity_catalog.bootstrap import DEPLOYER
from local_workspace.services.unity_catalog.securables import SYSTEM

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


def bootstrap(workspace: Workspace) -> None:
    """Make the catalog system with its schemas and tables; a grant that was revoked later stays revoked."""
    audit = f"{SYSTEM}.access"
    is_new = workspace.unity.securables.find("schema", audit) is None
    with workspace.store.transaction():
        declare_tables(workspace)
        for name, principal in workspace.store.scan("principal") if is_new else ():
            if principal["display_name"] == DEPLOYER:
                workspace.unity.grants.change("schema", audit, [{"principal": name, "add": ["USE_SCHEMA", "SELECT"]}])
