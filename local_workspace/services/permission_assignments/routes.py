"""Workspace assignments as workspace admins make them: /api/2.0/preview/permissionassignments.

An assignment is the direct membership in the groups users and admins. Taking it away leaves what was granted.
https://docs.databricks.com/api/account/workspaceassignment has the same on the account's host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.gateway.request_log import require_admin
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim.resources import is_of_account

_API = "/api/2.0/preview/permissionassignments"
_NAMES = {"user_name": "user", "service_principal_name": "service_principal", "group_name": "group"}
_NOT_FOUND = "Principal not found in account."
_LEVELS = {"ADMIN": principals.WORKSPACE_ADMINS, "USER": principals.WORKSPACE_MEMBERS}


def list_assignments(call: Call) -> dict[str, Any]:
    """GET: all of them."""
    require_admin(call)
    store = call.workspace.store
    described = (_describe(store, one) for one in _scan_account(store))
    return {"permission_assignments": [one for one in described if one["permissions"]]}


def create_assignments(call: Call) -> dict[str, Any]:
    """POST: of principals by their names; each has its own answer, which may be an error."""
    require_admin(call)
    given = call.require("permission_assignments")
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_request(f"permission_assignments must be a list of objects, got {given!r}")
    with call.workspace.store.transaction():
        return {"permission_assignments": [_assign_by_name(call.workspace.store, one) for one in given]}


def put_assignment(call: Call) -> dict[str, Any]:
    """PUT principals/{id}: USER or ADMIN, which is more; no level that is known takes the assignment away."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        found = _find(store, call.params["id"])
        _assign(store, found["name"], call.body.get("permissions") or [])
        return _describe(store, found)


def delete_assignment(call: Call) -> dict[str, Any]:
    """DELETE principals/{id}."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        found = _find(store, call.params["id"])
        if not _read_level(store, found["name"]):
            raise not_found(f"Principal {call.params['id']} is not assigned to the workspace.")
        _assign(store, found["name"], [])
    return {}


def _assign_by_name(store: Store, given: dict[str, Any]) -> dict[str, Any]:
    named = [(field, given[field]) for field in _NAMES if given.get(field)]
    if len(named) != 1:
        raise bad_request(f"One of {', '.join(_NAMES)} names a principal, got {given!r}")
    field, name = named[0]
    found = next(
        (one for one in _scan_account(store) if _kind(one) == _NAMES[field] and one["name"].lower() == name.lower()),
        None,
    )
    if found is None:
        return {"principal": {field: name}, "error": f"RESOURCE_DOES_NOT_EXIST: {_NOT_FOUND}"}
    _assign(store, found["name"], given.get("permissions") or [])
    return _describe(store, found)


def _assign(store: Store, name: str, permissions: Any) -> None:
    """An admin is a member as well."""
    if not isinstance(permissions, list):
        raise bad_request(f"permissions must be a list, got {permissions!r}")
    wanted = {"ADMIN", "USER"} if "ADMIN" in permissions else {*permissions} & {"USER"}
    for level, group in _LEVELS.items():
        rest = [one for one in principals.members_of(store, group) if one != name]
        principals.put_group(store, group, [*rest, name] if level in wanted else rest)


def _scan_account(store: Store) -> Iterator[Document]:
    yield from (document for _, document in store.scan("principal"))
    yield from (document for _, document in store.scan("group") if is_of_account(document))


def _find(store: Store, identity: str) -> Document:
    for document in _scan_account(store):
        if str(document["id"]) == identity:
            return document
    raise not_found(_NOT_FOUND)


def _read_level(store: Store, name: str) -> str | None:
    return next((level for level, group in _LEVELS.items() if name in principals.members_of(store, group)), None)


def _kind(document: Document) -> str:
    return str(document.get("kind", "group"))


def _describe(store: Store, document: Document) -> dict[str, Any]:
    level = _read_level(store, document["name"])
    field = next(field for field, kind in _NAMES.items() if kind == _kind(document))
    principal = {
        "principal_id": document["id"],
        field: document["name"],
        "display_name": document.get("display_name", document["name"]),
    }
    return {"permissions": [level] if level else [], "principal": principal}


ROUTES: list[Route] = [
    ("GET", _API, list_assignments),
    ("POST", _API, create_assignments),
    ("PUT", f"{_API}/principals/{{id}}", put_assignment),
    ("DELETE", f"{_API}/principals/{{id}}", delete_assignment),
]
