"""Creating, changing, deactivating and deleting users: for workspace admins only, and never themselves.

https://docs.databricks.com/api/workspace/users
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from starlette.responses import JSONResponse, Response

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import already_exists, bad_request, not_implemented
from local_workspace.gateway.request_log import require_admin
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim.changes import (
    external_id_of,
    find_by_id,
    patch_resource,
    read_active,
    read_external_id,
    read_text,
)
from local_workspace.services.scim.entitlements import change_entitlements, read_entitlements
from local_workspace.services.scim.patches import Change, parse_values
from local_workspace.services.scim.references import forget_principal
from local_workspace.services.scim.resources import user_resource

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_CREATED = ("schemas", "id", "userName", "displayName", "active", "entitlements", "externalId", "emails")


def create_user(call: Call) -> Response:
    """POST /Users: a member of the workspace; a user name is one, however its letters are written."""
    require_admin(call)
    _refuse_unknown(call)
    store, name = call.workspace.store, read_text(call.require("userName"), "userName")
    if not _EMAIL.fullmatch(name):
        raise bad_request(f"userName must be an e-mail address, got {name!r}")
    _require_own_emails(call.body.get("emails"), name)
    settings = _read_settings(call)
    with store.transaction():
        if any(known.lower() == name.lower() for known, _ in store.scan("principal")):
            raise already_exists(f"User with username {name} already exists.")
        document = principals.put_principal(store, name, "user", settings["display_name"]) | settings
        store.put("principal", name, document)
        principals.join_workspace(store, name)
    return JSONResponse(user_resource(store, document), 201)


def replace_user(call: Call) -> Response:
    """PUT /Users/{id}: what the body leaves out is as for a new user; its user name stays."""
    require_admin(call)
    _refuse_unknown(call)
    store = call.workspace.store
    with store.transaction():
        document = find_by_id(store, "user", call.params["id"])
        name = read_text(call.require("userName"), "userName")
        if name.lower() != document["name"].lower():
            raise bad_request(f"userName of {document['name']} cannot be changed to {name}.")
        _require_own_emails(call.body.get("emails"), document["name"])
        document |= _read_settings(call)
        if not document["active"]:
            _require_other(call.caller.name, document["name"], "deactivate")
        store.put("principal", document["name"], document)
    return JSONResponse(user_resource(store, document))


def patch_user(call: Call) -> Response:
    """PATCH /Users/{id}: display name, external id, entitlements, and whether it is active."""
    return patch_resource(call, "user", partial(_change_user, call.caller.name))


def delete_user(call: Call) -> Response:
    """DELETE /Users/{id}: with its tokens, its memberships and what was granted to it."""
    require_admin(call)
    store = call.workspace.store
    with store.transaction():
        name = find_by_id(store, "user", call.params["id"])["name"]
        _require_other(call.caller.name, name, "delete")
        store.delete("principal", name)
        forget_principal(store, name)
    return Response(status_code=204)


def _refuse_unknown(call: Call) -> None:
    if unknown := sorted(name for name in call.body.keys() - {*_CREATED} if call.body[name]):
        raise not_implemented(f"The local workspace does not create users with {unknown[0]}.")


def _read_settings(call: Call) -> Document:
    return {
        "display_name": read_text(call.body.get("displayName") or call.body["userName"], "displayName"),
        "active": read_active(call.body.get("active", True)),
        "entitlements": read_entitlements(call.body.get("entitlements") or []),
        "external_id": read_external_id(call.body.get("externalId")),
    }


def _require_other(caller: str, name: str, verb: str) -> None:
    """So that a workspace keeps an admin: whoever calls is one."""
    if caller == name:
        raise bad_request(f"A user cannot {verb} itself.")


def _change_user(caller: str, _store: Store, document: Document, change: Change) -> None:
    if change.field == "displayName" and change.operation != "remove":
        document["display_name"] = read_text(change.value, "displayName")
    elif change.field == "active" and change.operation != "remove":
        document["active"] = read_active(change.value)
        if not document["active"]:
            _require_other(caller, document["name"], "deactivate")
    elif change.field == "externalId":
        document["external_id"] = external_id_of(change)
    elif change.field == "entitlements":
        change_entitlements(document, change)
    elif change.field in ("emails", "name", "roles"):
        raise not_implemented(f"The local workspace does not {change.operation} {change.field} of a user.")
    else:
        raise bad_request(f"A user has no field {change.field!r} to {change.operation}")


def _require_own_emails(emails: Any, name: str) -> None:
    if any(one != name for one in parse_values("emails", emails or [])):
        raise not_implemented("The local workspace knows a user by one e-mail address, the userName.")
