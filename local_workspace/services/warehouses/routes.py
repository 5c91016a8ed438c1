"""SQL warehouses API 2.0 and their permissions.

https://docs.databricks.com/api/workspace/warehouses
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from local_workspace.gateway.access_lists import parse_acl
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.store import Document
from local_workspace.services.warehouses import grants, state


def create_warehouse(call: Call) -> dict[str, Any]:
    """POST warehouses."""
    return {"id": state.create(call.workspace.store, call.caller, call.body)["id"]}


def get_warehouse(call: Call) -> dict[str, Any]:
    """GET warehouses/{id}."""
    return _describe(call, state.find(call.workspace.store, call.caller, call.params["id"], "CAN_VIEW"))


def list_warehouses(call: Call) -> dict[str, Any]:
    """GET warehouses: those the caller may see."""
    state.ensure_starter(call.workspace)
    found = state.list_visible(call.workspace.store, call.caller)
    return call.page([_describe(call, document) for document in found], "warehouses")


def edit_warehouse(call: Call) -> dict[str, Any]:
    """POST warehouses/{id}/edit."""
    state.edit(call.workspace.store, call.caller, call.params["id"], call.body)
    return {}


def delete_warehouse(call: Call) -> dict[str, Any]:
    """DELETE warehouses/{id}."""
    state.delete(call.workspace.store, call.caller, call.params["id"])
    return {}


def start_warehouse(call: Call) -> dict[str, Any]:
    """POST warehouses/{id}/start."""
    state.set_state(call.workspace.store, call.caller, call.params["id"], "RUNNING", "CAN_USE")
    return {}


def stop_warehouse(call: Call) -> dict[str, Any]:
    """POST warehouses/{id}/stop."""
    state.set_state(call.workspace.store, call.caller, call.params["id"], "STOPPED", "CAN_MANAGE")
    return {}


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/warehouses/{id}."""
    warehouse = state.find(call.workspace.store, call.caller, call.params["id"], "CAN_MANAGE")
    return grants.describe_acl(call.workspace.store, warehouse)


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/warehouses/{id}: replace."""
    return _put_acl(call, keep=False)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/warehouses/{id}: change the given entries."""
    return _put_acl(call, keep=True)


def get_permission_levels(call: Call) -> dict[str, Any]:
    """GET permissions/warehouses/{id}/permissionLevels."""
    state.find(call.workspace.store, call.caller, call.params["id"], "CAN_VIEW")
    levels = [{"permission_level": level, "description": text} for level, text in grants.DESCRIPTIONS.items()]
    return {"permission_levels": levels}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/sql/warehouses", create_warehouse),
    ("GET", "/api/2.0/sql/warehouses", list_warehouses),
    ("GET", "/api/2.0/sql/warehouses/{id}", get_warehouse),
    ("POST", "/api/2.0/sql/warehouses/{id}/edit", edit_warehouse),
    ("DELETE", "/api/2.0/sql/warehouses/{id}", delete_warehouse),
    ("POST", "/api/2.0/sql/warehouses/{id}/start", start_warehouse),
    ("POST", "/api/2.0/sql/warehouses/{id}/stop", stop_warehouse),
    *(
        (method, f"/api/2.0/permissions/{kind}/{{id}}{rest}", handler)
        for kind in ("warehouses", "sql/warehouses")  # the older path, which clients still call
        for method, rest, handler in (
            ("GET", "/permissionLevels", get_permission_levels),
            ("GET", "", get_permissions),
            ("PUT", "", set_permissions),
            ("PATCH", "", update_permissions),
        )
    ),
]


def _put_acl(call: Call, keep: bool) -> dict[str, Any]:
    store = call.workspace.store
    acl = parse_acl(store, call.body.get("access_control_list") or [], grants.LEVELS)
    return grants.describe_acl(store, state.put_acl(store, call.caller, call.params["id"], acl, keep))


def _describe(call: Call, document: Document) -> dict[str, Any]:
    host = urlsplit(call.workspace.host)
    path = f"/sql/1.0/warehouses/{document['id']}"
    running = document["state"] == "RUNNING"
    shown = {name: value for name, value in document.items() if name != "acl" and value is not None}
    return {
        **shown,
        "num_clusters": 1 if running else 0,
        "num_active_sessions": 0,
        "odbc_params": {"hostname": host.hostname, "path": path, "port": host.port, "protocol": host.scheme},
        "health": {"status": "HEALTHY"} if running else {},
    }
