"""Pipelines API 2.0 and their permissions: definitions only.

https://docs.databricks.com/api/workspace/pipelines
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.access_lists import describe_acl, parse_acl, subject_of
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.store import Document
from local_workspace.services.pipelines import pipelines

USUAL_PAGE, LONGEST_PAGE = 25, 100


def create_pipeline(call: Call) -> dict[str, Any]:
    """POST pipelines: for members of the workspace."""
    return {"pipeline_id": pipelines.create(call.workspace.store, call.caller, call.body)["pipeline_id"]}


def get_pipeline(call: Call) -> dict[str, Any]:
    """GET pipelines/{id}."""
    document = _find(call, "CAN_VIEW")
    spec = {"id": document["pipeline_id"], **document["spec"]}
    return {**_describe(document), "last_modified": document["last_modified"], "spec": spec}


def list_pipelines(call: Call) -> dict[str, Any]:
    """GET pipelines: those the caller may view."""
    asked = str(call.query.get("max_results") or USUAL_PAGE)
    if asked.isdecimal() and int(asked) > LONGEST_PAGE:
        raise bad_request(f"max_results must be at most {LONGEST_PAGE}, got {asked}")
    found = pipelines.list_visible(
        call.workspace.store, call.caller, call.query.get("filter"), call.query.get("order_by")
    )
    usual = LONGEST_PAGE if call.query.get("max_results") else USUAL_PAGE
    return call.page([_describe(one) for one in found], "statuses", usual)


def edit_pipeline(call: Call) -> dict[str, Any]:
    """PUT pipelines/{id}: replace the definition."""
    pipelines.edit(call.workspace.store, call.caller, call.params["id"], call.body)
    return {}


def delete_pipeline(call: Call) -> dict[str, Any]:
    """DELETE pipelines/{id}."""
    pipelines.delete(call.workspace.store, call.caller, call.params["id"])
    return {}


def start_update(call: Call) -> dict[str, Any]:
    """POST pipelines/{id}/updates: nothing here could run it."""
    _find(call, "CAN_RUN")
    raise not_implemented("The local workspace has no engine for pipelines: it keeps their definitions and runs none")


def list_updates(call: Call) -> dict[str, Any]:
    """GET pipelines/{id}/updates: there never was one."""
    _find(call, "CAN_VIEW")
    return call.page([], "updates")


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/pipelines/{id}."""
    return _describe_acl(call, _find(call, "CAN_VIEW"))


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/pipelines/{id}: replace."""
    return _put_acl(call, keep=False)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/pipelines/{id}: change the given entries."""
    return _put_acl(call, keep=True)


def get_permission_levels(call: Call) -> dict[str, Any]:
    """GET permissions/pipelines/{id}/permissionLevels."""
    _find(call, "CAN_VIEW")
    return {"permission_levels": [{"permission_level": level} for level in pipelines.LEVELS]}


_API, _PERMISSIONS = "/api/2.0/pipelines", "/api/2.0/permissions/pipelines/{id}"
ROUTES: list[Route] = [
    ("POST", _API, create_pipeline),
    ("GET", _API, list_pipelines),
    ("GET", f"{_API}/{{id}}", get_pipeline),
    ("PUT", f"{_API}/{{id}}", edit_pipeline),
    ("DELETE", f"{_API}/{{id}}", delete_pipeline),
    ("POST", f"{_API}/{{id}}/updates", start_update),
    ("GET", f"{_API}/{{id}}/updates", list_updates),
    ("GET", f"{_PERMISSIONS}/permissionLevels", get_permission_levels),
    ("GET", _PERMISSIONS, get_permissions),
    ("PUT", _PERMISSIONS, set_permissions),
    ("PATCH", _PERMISSIONS, update_permissions),
]


def _find(call: Call, level: str) -> Document:
    return pipelines.find(call.workspace.store, call.caller, call.params["id"], level)


def _describe(document: Document) -> dict[str, Any]:
    owners = [subject_of(entry)[1] for entry in document["acl"] if entry["permission_level"] == "IS_OWNER"]
    return {
        "pipeline_id": document["pipeline_id"],
        "name": document["spec"]["name"],
        "state": "IDLE",
        "creator_user_name": document["creator_user_name"],
        "run_as_user_name": owners[0] if owners else document["creator_user_name"],
    }


def _put_acl(call: Call, keep: bool) -> dict[str, Any]:
    store = call.workspace.store
    acl = parse_acl(store, call.body.get("access_control_list") or [], pipelines.LEVELS)
    return _describe_acl(call, pipelines.put_acl(store, call.caller, call.params["id"], acl, keep))


def _describe_acl(call: Call, document: Document) -> dict[str, Any]:
    identity = f"/pipelines/{document['pipeline_id']}"
    return describe_acl(call.workspace.store, identity, "pipelines", document["acl"], "CAN_MANAGE")
