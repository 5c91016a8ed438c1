"""Alerts API 2.0, the one the SDK calls alerts_v2: create, get, list, update, trash.

https://docs.databricks.com/api/workspace/alertsv2
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import not_implemented
from local_workspace.gateway.store import Document
from local_workspace.services.alerts.settings import SETTINGS, read_settings, require_whole
from local_workspace.services.workspace.saved_objects import (
    SavedObjects,
    SavedType,
    describe_life,
    read_mask,
    refuse_unknown,
)
from local_workspace.services.workspace.tree import parent_of

ALERT = SavedType("ALERTV2", "Alert")
UPDATABLE = ("display_name", *SETTINGS)
# What the service answers; clients send it back with what they change.
ANSWERED = ("id", "create_time", "update_time", "lifecycle_state", "owner_user_name", "parent_path")


def create_alert(call: Call) -> dict[str, Any]:
    """POST alerts: a name that is taken in the folder gets a number."""
    given = _read(call)
    settings = read_settings(call.workspace.store, call.caller, given)
    require_whole(settings)
    place, name = given.get("parent_path"), given.get("display_name")
    return _describe(call, _alerts(call).create(str(uuid.uuid4()), place, name, settings, renames=True))


def get_alert(call: Call) -> dict[str, Any]:
    """GET alerts/{id}: also one in the trash."""
    return _describe(call, _alerts(call).get(call.params["id"]))


def list_alerts(call: Call) -> dict[str, Any]:
    """GET alerts: those the caller may see."""
    return call.page([_describe(call, document) for document in _alerts(call).list_visible()], "results", 100)


def update_alert(call: Call) -> dict[str, Any]:
    """PATCH alerts/{id}: the fields of update_mask; those that are not given are reset."""
    given, mask = _read(call), call.query.get("update_mask")
    if "." in (mask or ""):
        raise not_implemented("update_mask names whole fields here, such as evaluation, and nothing in them")
    names, store = read_mask(mask, UPDATABLE, UPDATABLE), call.workspace.store
    changes: Document = {name: None for name in names if name in SETTINGS}
    changes |= read_settings(store, call.caller, {name: given.get(name) for name in names})
    alerts = _alerts(call)
    with store.transaction():
        document = alerts.find(call.params["id"], "CAN_EDIT")
        merged = {**document["settings"], **changes}
        settings = {name: value for name, value in merged.items() if value is not None}
        require_whole(settings)
        name = (given.get("display_name") or "") if "display_name" in names else None
        return _describe(call, alerts.change(document, name, settings, renames=True))


def trash_alert(call: Call) -> dict[str, Any]:
    """DELETE alerts/{id}: into the trash; it is evaluated no more."""
    _alerts(call).trash(call.params["id"])
    return {}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/alerts", create_alert),
    ("GET", "/api/2.0/alerts", list_alerts),
    ("GET", "/api/2.0/alerts/{id}", get_alert),
    ("PATCH", "/api/2.0/alerts/{id}", update_alert),
    ("DELETE", "/api/2.0/alerts/{id}", trash_alert),
]


def _alerts(call: Call) -> SavedObjects:
    return SavedObjects(call.workspace, call.caller, ALERT)


def _read(call: Call) -> Mapping[str, Any]:
    refuse_unknown(call.body, (*UPDATABLE, *ANSWERED), "alert")
    return call.body


def _describe(call: Call, document: Document) -> dict[str, Any]:
    settings = document["settings"]
    return {
        "run_as_user_name": document["owner"],
        **settings,
        "evaluation": {**settings["evaluation"], **document.get("evaluated", {"state": "UNKNOWN"})},
        "id": document["id"],
        "display_name": _alerts(call).name_of(document),
        "parent_path": parent_of(document["path"]),
        "owner_user_name": document["owner"],
        **describe_life(document),
    }
