"""Serving endpoints API 2.0 and their permissions: definitions only.

https://docs.databricks.com/api/workspace/servingendpoints
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.access_lists import describe_acl, parse_acl
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import not_implemented
from local_workspace.gateway.store import Document
from local_workspace.services.serving_endpoints import endpoints

FAILED = {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": "The local workspace serves no models"}
STATE = {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}


def create_endpoint(call: Call) -> dict[str, Any]:
    """POST serving-endpoints: for members of the workspace who may execute the models."""
    return _describe(call, endpoints.create(call, call.body))


def get_endpoint(call: Call) -> dict[str, Any]:
    """GET serving-endpoints/{name}."""
    return _describe(call, endpoints.find(call, call.params["name"], "CAN_VIEW"))


def list_endpoints(call: Call) -> dict[str, Any]:
    """GET serving-endpoints: those the caller may view."""
    return {"endpoints": [_describe(call, one) for one in endpoints.list_visible(call)]}


def update_config(call: Call) -> dict[str, Any]:
    """PUT serving-endpoints/{name}/config."""
    return _describe(call, endpoints.replace_config(call, call.params["name"], call.body))


def patch_tags(call: Call) -> dict[str, Any]:
    """PATCH serving-endpoints/{name}/tags."""
    changes = call.body.get("add_tags"), call.body.get("delete_tags")
    return {"tags": _list_tags(endpoints.change_tags(call, call.params["name"], *changes))}


def delete_endpoint(call: Call) -> dict[str, Any]:
    """DELETE serving-endpoints/{name}."""
    endpoints.delete(call, call.params["name"])
    return {}


def query_endpoint(call: Call) -> dict[str, Any]:
    """POST serving-endpoints/{name}/invocations: nothing here could answer."""
    endpoints.find(call, call.params["name"], "CAN_QUERY")
    raise not_implemented("The local workspace serves no models: it keeps the definitions of their endpoints only")


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/serving-endpoints/{id}."""
    return _describe_acl(call, endpoints.find_by_id(call, call.params["id"], "CAN_MANAGE"))


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/serving-endpoints/{id}: replace."""
    return _put_acl(call, keep=False)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/serving-endpoints/{id}: change the given entries."""
    return _put_acl(call, keep=True)


def get_permission_levels(call: Call) -> dict[str, Any]:
    """GET permissions/serving-endpoints/{id}/permissionLevels."""
    endpoints.find_by_id(call, call.params["id"], "CAN_VIEW")
    return {"permission_levels": [{"permission_level": level} for level in endpoints.LEVELS]}


_API, _PERMISSIONS = "/api/2.0/serving-endpoints", "/api/2.0/permissions/serving-endpoints/{id}"
ROUTES: list[Route] = [
    ("POST", _API, create_endpoint),
    ("GET", _API, list_endpoints),
    ("GET", f"{_API}/{{name}}", get_endpoint),
    ("PUT", f"{_API}/{{name}}/config", update_config),
    ("PATCH", f"{_API}/{{name}}/tags", patch_tags),
    ("DELETE", f"{_API}/{{name}}", delete_endpoint),
    ("POST", "/serving-endpoints/{name}/invocations", query_endpoint),
    ("GET", f"{_PERMISSIONS}/permissionLevels", get_permission_levels),
    ("GET", _PERMISSIONS, get_permissions),
    ("PUT", _PERMISSIONS, set_permissions),
    ("PATCH", _PERMISSIONS, update_permissions),
]


def _describe(call: Call, document: Document) -> dict[str, Any]:
    config = document["config"]
    served = [{**one, "creator": document["creator"], "state": FAILED} for one in config["served_entities"]]
    level = next((one for one in reversed(endpoints.LEVELS) if endpoints.has_level(call.caller, document, one)), None)
    return {
        **{name: value for name, value in document.items() if name != "acl"},
        "config": {**config, "served_entities": served},
        "tags": _list_tags(document["tags"]),
        "state": STATE,
        "permission_level": level,
    }


def _list_tags(tags: dict[str, str]) -> list[Document]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _put_acl(call: Call, keep: bool) -> dict[str, Any]:
    acl = parse_acl(call.workspace.store, call.body.get("access_control_list") or [], endpoints.LEVELS)
    return _describe_acl(call, endpoints.put_acl(call, call.params["id"], acl, keep))


def _describe_acl(call: Call, document: Document) -> dict[str, Any]:
    identity = f"/serving-endpoints/{document['id']}"
    return describe_acl(call.workspace.store, identity, "serving-endpoint", document["acl"], "CAN_MANAGE")
