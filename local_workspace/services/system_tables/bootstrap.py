"""Declares the system tables when the workspace comes up. Idempotent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.services.system_tables.tables import declare_tables

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


def bootstrap(workspace: Workspace) -> None:
    """Make the catalog system with its schemas and tables."""
    declare_tables(workspace)
