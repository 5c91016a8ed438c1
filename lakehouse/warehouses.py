"""SQL warehouses by name: names are the targets' business, the API asks for ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


class NoSuchWarehouse(Exception):
    """There is none of that name, or the caller may not use it; the message names those there are."""


def find_warehouse(workspace: WorkspaceClient, name: str) -> str:
    """Return the id of a warehouse.

    Raises:
        NoSuchWarehouse: there is none that the caller may use.
    """
    ids = {warehouse.name: warehouse.id for warehouse in workspace.warehouses.list()}
    if found := ids.get(name):
        return found
    known = ", ".join(sorted(str(one) for one in ids)) or "none"
    raise NoSuchWarehouse(f"There is no SQL warehouse {name!r} that may be used; there are: {known}")
