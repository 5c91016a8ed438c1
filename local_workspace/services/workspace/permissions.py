"""Folders, Git folders, files, notebooks, experiments, queries, alerts and dashboards in the Permissions API.

https://docs.databricks.com/api/workspace/permissions
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from local_workspace.gateway.access_lists import describe_entry, merge_acl, parse_acl, subject_of
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.principals import WORKSPACE_ADMINS, WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document, Store
from local_workspace.services.workspace.access import LEVELS, list_acls
from local_workspace.services.workspace.objects import WorkspaceObjects
from local_workspace.services.workspace.trash import TRASHABLE
from local_workspace.services.workspace.tree import KIND, home_owner, is_standard

# What the API calls the objects, and what the tree does.
OBJECT_TYPES = {
    "directories": "DIRECTORY",
    "files": "FILE",
    "notebooks": "NOTEBOOK",
    "experiments": "MLFLOW_EXPERIMENT",
    "queries": "QUERY",
    "alertsv2": "ALERTV2",
    "dashboards": "DASHBOARD",
    "repos": "REPO",
}
_KINDS = {object_type: kind for kind, object_type in OBJECT_TYPES.items()}
_SHOWN_TYPES = {"MLFLOW_EXPERIMENT": "mlflowExperiment"}
_ADMINS: Document = {"group_name": WORKSPACE_ADMINS, "permission_level": "CAN_MANAGE"}
_MEMBERS: Document = {"group_name": WORKSPACE_MEMBERS, "permission_level": "CAN_MANAGE"}


def get_permissions(kind: str, call: Call) -> dict[str, Any]:
    """GET permissions/{kind}/{id}."""
    return _show(call, kind, _admit(call, kind, "CAN_MANAGE"))


def put_permissions(kind: str, keep: bool, call: Call) -> dict[str, Any]:
    """PUT (replace) and PATCH (keep others) permissions/{kind}/{id}: what is granted on the object itself."""
    store = call.workspace.store
    changes = parse_acl(store, call.body.get("access_control_list") or [], _levels_of(kind))
    with store.transaction():
        document = _admit(call, kind, "CAN_MANAGE")
        if is_standard(store, document["path"]):
            raise not_implemented(f"Permissions of {document['path']}, which every workspace has, cannot be changed")
        document["acl"] = merge_acl(document.get("acl", []) if keep else [], changes)
        store.put(KIND, document["path"], document)
    return _show(call, kind, document)


def list_levels(kind: str, call: Call) -> dict[str, Any]:
    """GET permissions/{kind}/{id}/permissionLevels."""
    _admit(call, kind, "CAN_READ")
    return {"permission_levels": [{"permission_level": level} for level in _levels_of(kind)]}


def make_routes(kind: str) -> list[Route]:
    """Return the routes of one type of object."""
    path = f"/api/2.0/permissions/{kind}/{{object_id}}"
    return [
        ("GET", f"{path}/permissionLevels", partial(list_levels, kind)),
        ("GET", path, partial(get_permissions, kind)),
        ("PUT", path, partial(put_permissions, kind, False)),
        ("PATCH", path, partial(put_permissions, kind, True)),
    ]


ROUTES: list[Route] = [route for kind in OBJECT_TYPES for route in make_routes(kind)]


def _levels_of(kind: str) -> tuple[str, ...]:
    return tuple(one for one in LEVELS if one != "CAN_RUN") if kind == "experiments" else LEVELS


def _admit(call: Call, kind: str, level: str) -> Document:
    identity = call.params["object_id"]
    if OBJECT_TYPES[kind] not in TRASHABLE and not identity.isdecimal():
        raise bad_request(f"{identity} is not a valid object id.")
    return WorkspaceObjects(call.workspace, call.caller).get_by_id(OBJECT_TYPES[kind], identity, level)


def _show(call: Call, kind: str, document: Document) -> dict[str, Any]:
    store = call.workspace.store
    held: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
    for holder, acl in list_acls(store, document["path"]):
        for entry in [*acl, *_standing_entries(store, holder)]:
            level: Document = {"permission_level": entry["permission_level"], "inherited": holder != document}
            if holder != document:
                level["inherited_from_object"] = [f"/{_KINDS[holder['object_type']]}/{holder['object_id']}"]
            held[subject_of(entry)].append(level)
    return {
        "object_id": f"/{kind}/{document.get('id', document['object_id'])}",
        "object_type": _SHOWN_TYPES.get(document["object_type"], document["object_type"].lower()),
        "access_control_list": [describe_entry(store, subject, levels) for subject, levels in held.items()],
    }


def _standing_entries(store: Store, holder: Document) -> list[Document]:
    """Return what the standard folders grant, which no list holds."""
    path = holder["path"]
    if path == "/":
        return [_ADMINS]
    if path == "/Shared":
        return [_MEMBERS]
    owner = home_owner(path) if is_standard(store, path) else None
    document = store.get("principal", owner) if owner else None
    if document is None:
        return []
    kind = "user_name" if document["kind"] == "user" else "service_principal_name"
    return [{kind: owner, "permission_level": "CAN_MANAGE"}]
