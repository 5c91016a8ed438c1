"""Queries API 2.0: create, get, list, update, delete; their permissions are services/workspace/permissions.py's.

https://docs.databricks.com/api/workspace/queries
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.access_lists import entry_for, merge_acl
from local_workspace.gateway.calls import Call, Principal, Route
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.principals import load_principal
from local_workspace.gateway.request_log import require_admin
from local_workspace.gateway.store import Document
from local_workspace.services.queries.settings import DEFAULTS, SETTINGS, read_settings, takes_manage
from local_workspace.services.workspace.saved_objects import (
    SavedObjects,
    SavedType,
    describe_life,
    read_mask,
    refuse_unknown,
)
from local_workspace.services.workspace.tree import parent_of

QUERY = SavedType("QUERY", "Query")
UPDATABLE = ("display_name", *SETTINGS)


def create_query(call: Call) -> dict[str, Any]:
    """POST queries."""
    given = _read(call, (*UPDATABLE, "parent_path"))
    settings = {**DEFAULTS, **read_settings(call.workspace.store, call.caller, given)}
    place, name = given.get("parent_path"), given.get("display_name")
    return _describe(call, _queries(call).create(str(uuid.uuid4()), place, name, settings, _renames(call)))


def get_query(call: Call) -> dict[str, Any]:
    """GET queries/{id}: also one in the trash."""
    return _describe(call, _queries(call).get(call.params["id"]))


def list_queries(call: Call) -> dict[str, Any]:
    """GET queries: those the caller may see, without their folders."""
    found = [_describe(call, document) for document in _queries(call).list_visible()]
    shown = [{name: value for name, value in one.items() if name != "parent_path"} for one in found]
    return call.page(shown, "results", 100)


def update_query(call: Call) -> dict[str, Any]:
    """PATCH queries/{id}: the fields of update_mask; those that are not given are reset."""
    given = _read(call, (*UPDATABLE, "owner_user_name"))
    names = read_mask(call.body.get("update_mask"), (*UPDATABLE, "owner_user_name"), UPDATABLE)
    masked = {name: given.get(name) for name in names}
    changes = {name: None for name in names if name in SETTINGS} | read_settings(
        call.workspace.store, call.caller, masked
    )
    queries, store = _queries(call), call.workspace.store
    with store.transaction():
        document = queries.find(call.params["id"], "CAN_EDIT")
        if "owner_user_name" in names:
            owner = _read_owner(call, masked["owner_user_name"])
            document["owner"] = owner.name
            document["acl"] = merge_acl(document["acl"], [entry_for(owner, "CAN_MANAGE")])
        merged = {**document["settings"], **changes}
        settings = {**DEFAULTS, **{name: value for name, value in merged.items() if value is not None}}
        if takes_manage(document["settings"], settings):
            queries.find(document["id"], "CAN_MANAGE")
        name = (masked["display_name"] or "") if "display_name" in names else None
        return _describe(call, queries.change(document, name, settings, _renames(call)))


def trash_query(call: Call) -> dict[str, Any]:
    """DELETE queries/{id}: into the trash."""
    _queries(call).trash(call.params["id"])
    return {}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/sql/queries", create_query),
    ("GET", "/api/2.0/sql/queries", list_queries),
    ("GET", "/api/2.0/sql/queries/{id}", get_query),
    ("PATCH", "/api/2.0/sql/queries/{id}", update_query),
    ("DELETE", "/api/2.0/sql/queries/{id}", trash_query),
]


def _queries(call: Call) -> SavedObjects:
    return SavedObjects(call.workspace, call.caller, QUERY)


def _read(call: Call, known: tuple[str, ...]) -> Mapping[str, Any]:
    given = call.body.get("query") or {}
    if not isinstance(given, Mapping):
        raise bad_request("query must be an object")
    refuse_unknown(given, known, "query")
    return given


def _renames(call: Call) -> bool:
    return bool(call.body.get("auto_resolve_display_name"))


def _read_owner(call: Call, name: Any) -> Principal:
    require_admin(call)
    return load_principal(call.workspace.store, str(name))


def _describe(call: Call, document: Document) -> dict[str, Any]:
    return {
        "id": document["id"],
        "display_name": _queries(call).name_of(document),
        "parent_path": f"/Workspace{parent_of(document['path'])}",
        "owner_user_name": document["owner"],
        "last_modifier_user_name": document["modifier"],
        **describe_life(document),
        **document["settings"],
    }
