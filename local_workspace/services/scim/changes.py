"""Creating, changing and deleting groups and service principals: for workspace admins only; users are in users.py.

https://docs.databricks.com/api/workspace/groups
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from starlette.responses import JSONResponse, Response

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import already_exists, bad_request, not_found, not_implemented
from local_workspace.gateway.request_log import require_admin
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim.entitlements import change_entitlements, read_entitlements
from local_workspace.services.scim.patches import Change, parse_patch, parse_values
from local_workspace.services.scim.references import forget_principal, rename_principal
from local_workspace.services.scim.resources import SYSTEM_GROUPS, group_resource, service_principal_resource

Kind = Literal["group", "service_principal", "user"]
_TABLES: Mapping[Kind, str] = {"group": "group", "service_principal": "principal", "user": "principal"}


def create_group(call: Call) -> Response:
    """POST /Groups."""
    require_admin(call)
    store, name = call.workspace.store, read_text(call.require("displayName"), "displayName")
    with store.transaction():
        if name == principals.EVERYBODY or store.get("group", name) is not None:
            raise already_exists(f"Group with name {name} already exists.")
        document = principals.put_group(store, name, [])
        document |= {**_read_settings(call), "is_local": True}
        _set_members(store, document, parse_values("members", call.body.get("members") or []))
        store.put("group", name, document)
    return JSONResponse(group_resource(store, document), 201)


def replace_group(call: Call) -> Response:
    """PUT /Groups/{id}: what the body leaves out is empty; another name renames it, with all that it holds."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        document = find_by_id(store, "group", call.params["id"])
        _rename_group(store, document, call.require("displayName"))
        document |= _read_settings(call)
        _set_members(store, document, parse_values("members", call.body.get("members") or []))
        store.put("group", document["name"], document)
    return JSONResponse(group_resource(store, document))


def patch_group(call: Call) -> Response:
    """PATCH /Groups/{id}: name, members, entitlements, external id."""
    return patch_resource(call, "group", _change_group)


def delete_group(call: Call) -> Response:
    """DELETE /Groups/{id}: with its memberships and what was granted to it."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        name = find_by_id(store, "group", call.params["id"])["name"]
        if name in SYSTEM_GROUPS:
            raise bad_request(f"Group {name} belongs to the workspace and cannot be deleted.")
        store.delete("group", name)
        forget_principal(store, name)
    return Response(status_code=204)


def create_service_principal(call: Call) -> Response:
    """POST /ServicePrincipals: a member of the workspace; its id is the service's choice, names need not be unique."""
    require_admin(call)
    if call.body.get("applicationId"):
        raise bad_request("applicationId cannot be chosen on AWS; leave it out and take the one of the answer")
    store, display_name = call.workspace.store, read_text(call.require("displayName"), "displayName")
    with store.transaction():
        document = principals.put_principal(store, str(uuid.uuid4()), "service_principal", display_name)
        document |= {**_read_settings(call), "active": read_active(call.body.get("active", True))}
        store.put("principal", document["name"], document)
        principals.join_workspace(store, document["name"])
    return JSONResponse(service_principal_resource(store, document), 201)


def replace_service_principal(call: Call) -> Response:
    """PUT /ServicePrincipals/{id}: what the body leaves out is as for a new one; its application id stays."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        document = find_by_id(store, "service_principal", call.params["id"])
        if call.body.get("applicationId") not in (None, "", document["name"]):
            raise bad_request(f"applicationId of {document['name']} cannot be changed.")
        document["display_name"] = read_text(call.require("displayName"), "displayName")
        document |= {**_read_settings(call), "active": read_active(call.body.get("active", True))}
        _require_active_caller(call.caller.name, document)
        store.put("principal", document["name"], document)
    return JSONResponse(service_principal_resource(store, document))


def patch_service_principal(call: Call) -> Response:
    """PATCH /ServicePrincipals/{id}: display name, entitlements, external id, and whether it is active."""
    return patch_resource(call, "service_principal", partial(_change_service_principal, call.caller.name))


def delete_service_principal(call: Call) -> Response:
    """DELETE /ServicePrincipals/{id}: with its tokens, its memberships and what was granted to it."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        document = find_by_id(store, "service_principal", call.params["id"])
        if document["name"] == call.caller.name:
            raise bad_request("A service principal cannot delete itself.")
        store.delete("principal", document["name"])
        forget_principal(store, document["name"])
    return Response(status_code=204)


def find_by_id(store: Store, kind: Kind, scim_id: str) -> Document:
    """Return a group, a service principal or a user.

    Raises:
        ApiError: 404 when there is none with this id.
    """
    for _, document in store.scan(_TABLES[kind]):
        if str(document["id"]) == scim_id and document.get("kind", "group") == kind:
            return document
    raise not_found(f"{kind.replace('_', ' ').capitalize()} with id {scim_id} not found.")


def patch_resource(call: Call, kind: Kind, apply: Callable[[Store, Document, Change], None]) -> Response:
    """Change one by PATCH, all of it or nothing."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        document = find_by_id(store, kind, call.params["id"])
        for change in parse_patch(call.body):
            apply(store, document, change)
        store.put(_TABLES[kind], document["name"], document)
    return Response(status_code=204)


def _change_service_principal(caller: str, _store: Store, document: Document, change: Change) -> None:
    if change.field == "displayName" and change.operation != "remove":
        document["display_name"] = read_text(change.value, "displayName")
    elif change.field == "active" and change.operation != "remove":
        document["active"] = read_active(change.value)
        _require_active_caller(caller, document)
    elif change.field == "entitlements":
        change_entitlements(document, change)
    elif change.field == "externalId":
        document["external_id"] = external_id_of(change)
    else:
        raise _cannot_change(change, "service principal")


def _change_group(store: Store, document: Document, change: Change) -> None:
    if change.field == "members":
        held = [_id_of(store, name) for name in document["members"]]
        named = None if change.value is None else parse_values("members", change.value)
        _set_members(store, document, _combine(change, held, named))
    elif change.field == "externalId":
        document["external_id"] = external_id_of(change)
    elif change.field == "entitlements":
        change_entitlements(document, change)
    elif change.field == "displayName" and change.operation != "remove":
        _rename_group(store, document, change.value)
    else:
        raise _cannot_change(change, "group")


def _rename_group(store: Store, document: Document, value: Any) -> None:
    """Give the group another name, everywhere where the old one stands; its id stays."""
    name, old = read_text(value, "displayName"), document["name"]
    if name == old:
        return
    if old in SYSTEM_GROUPS:
        raise bad_request(f"Group {old} belongs to the workspace and cannot be renamed.")
    if name == principals.EVERYBODY or principals.principal_exists(store, name):
        raise already_exists(f"Group with name {name} already exists.")
    store.delete("group", old)
    document["name"] = name
    store.put("group", name, document)
    rename_principal(store, old, name)


def _read_settings(call: Call) -> Document:
    return {
        "external_id": read_external_id(call.body.get("externalId")),
        "entitlements": read_entitlements(call.body.get("entitlements") or []),
    }


def _require_active_caller(caller: str, document: Document) -> None:
    if caller == document["name"] and not document["active"]:
        raise bad_request("A service principal cannot deactivate itself.")


def _combine(change: Change, held: list[str], named: list[str] | None) -> list[str]:
    if change.operation == "remove":
        return [] if named is None else [one for one in held if one not in named]
    if named is None:
        raise bad_request(f"{change.operation} of members needs a value")
    return named if change.operation == "replace" else [*held, *named]


def _set_members(store: Store, document: Document, ids: list[str]) -> None:
    names = {str(one["id"]): name for kind in ("principal", "group") for name, one in store.scan(kind)}
    unknown = [one for one in ids if one not in names]
    if unknown:
        raise bad_request(f"Member with id {unknown[0]} does not exist.")
    above = principals.groups_of(store, document["name"]) | {document["name"]}
    circular = sorted(above & {names[one] for one in ids})
    if circular:
        raise bad_request(f"Group {circular[0]} cannot be a member of {document['name']}: it contains that group.")
    document["members"] = sorted({names[one] for one in ids})


def _id_of(store: Store, name: str) -> str:
    return str((store.get("principal", name) or store.get("group", name) or {})["id"])


def read_external_id(value: Any) -> str | None:
    """Return an external id, or that there is none."""
    return None if value is None else read_text(value, "externalId")


def external_id_of(change: Change) -> str | None:
    """Return what a change makes of an external id."""
    return None if change.operation == "remove" else read_text(change.value, "externalId")


def read_active(value: Any) -> bool:
    """Return whether somebody is active; clients write it as a truth value or as a text.

    Raises:
        ApiError: 400 for anything else.
    """
    if str(value).lower() not in ("true", "false"):
        raise bad_request(f"active must be true or false, got {value!r}")
    return str(value).lower() == "true"


def read_text(value: Any, field: str) -> str:
    """Return a text of a request.

    Raises:
        ApiError: 400 when it is empty, too long, or cannot be shown.
    """
    if not isinstance(value, str) or not value.strip() or len(value) > 255 or not value.isprintable():
        raise bad_request(f"{field} must be a printable text of 1 to 255 characters, got {value!r}")
    return value


def _cannot_change(change: Change, label: str) -> Exception:
    if change.field in ("displayName", "active", "roles"):
        return not_implemented(f"The local workspace does not {change.operation} {change.field} of a {label}.")
    return bad_request(f"A {label} has no field {change.field!r} to {change.operation}")
