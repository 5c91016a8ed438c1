"""Who may do what with a SQL warehouse: an ordered scale of levels per user, group or service principal."""

from __future__ import annotations

from typing import Any

from local_workspace.gateway import access_lists
from local_workspace.gateway.access_lists import gives_level
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.store import Document, Store

# Each level includes those before it.
LEVELS = ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER")
DESCRIPTIONS = {
    "CAN_VIEW": "Can view the SQL warehouse",
    "CAN_MONITOR": "Can monitor and use the SQL warehouse",
    "CAN_USE": "Can use the SQL warehouse",
    "CAN_MANAGE": "Can manage the SQL warehouse",
    "IS_OWNER": "Is owner of the SQL warehouse",
}


def check_level(caller: Principal, warehouse: Document, level: str) -> None:
    """Raise 403 unless the caller holds at least the level; workspace admins always do."""
    if not has_level(caller, warehouse, level):
        name = f"{warehouse['name']} ({warehouse['id']})"
        raise permission_denied(f"User '{caller.name}' does not have {level} on SQL Warehouse '{name}'.")


def has_level(caller: Principal, warehouse: Document, level: str) -> bool:
    """Say whether the caller holds at least the level."""
    return caller.is_admin or gives_level(caller, warehouse["acl"], LEVELS, level)


def describe_acl(store: Store, warehouse: Document) -> dict[str, Any]:
    """Return the permissions object of the API."""
    return access_lists.describe_acl(
        store, f"/sql/warehouses/{warehouse['id']}", "warehouses", warehouse["acl"], "CAN_MANAGE"
    )
