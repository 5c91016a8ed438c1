"""Lakeview API 2.0: drafts, publishing, trash. Schedules, subscriptions and migration are not served.

https://docs.databricks.com/api/workspace/lakeview
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, conflict, not_found
from local_workspace.gateway.moments import as_text, now_ms
from local_workspace.gateway.store import Document
from local_workspace.services.dashboards.definition import read_definition
from local_workspace.services.warehouses import state as warehouses
from local_workspace.services.workspace.saved_objects import SavedObjects, SavedType, describe_life, refuse_unknown
from local_workspace.services.workspace.tree import KIND, normalize_path, parent_of

API = "/api/2.0/lakeview/dashboards"
DASHBOARD = SavedType("DASHBOARD", "Dashboard", ".lvdash.json")
FIELDS = ("display_name", "parent_path", "serialized_dashboard", "warehouse_id", "etag")
# What the service answers; clients send it back with what they change.
ANSWERED = ("dashboard_id", "create_time", "update_time", "lifecycle_state", "path")
SUMMARY = ("dashboard_id", "display_name", "create_time", "lifecycle_state", "warehouse_id")


def create_dashboard(call: Call) -> dict[str, Any]:
    """POST dashboards: a draft."""
    given = _read(call)
    if given.get("etag"):
        raise bad_request("etag must be empty for a new dashboard")
    settings = {"serialized_dashboard": "{}\n", **_read_settings(call, given), "version": 1}
    place, name = given.get("parent_path"), given.get("display_name")
    return _describe(call, _dashboards(call).create(uuid.uuid4().hex, place, name, settings))


def get_dashboard(call: Call) -> dict[str, Any]:
    """GET dashboards/{id}: also one in the trash."""
    return _describe(call, _dashboards(call).get(call.params["id"]))


def list_dashboards(call: Call) -> dict[str, Any]:
    """GET dashboards: those the caller may see, in short; with show_trashed those in the trash as well."""
    view = call.query.get("view")
    if view not in (None, "DASHBOARD_VIEW_BASIC"):
        raise bad_request(f"view must be DASHBOARD_VIEW_BASIC, got {view!r}")
    found = _dashboards(call).list_visible()
    if call.query.get("show_trashed", "").lower() == "true":
        found += _dashboards(call).list_trash()
    whole = [_describe(call, document) for document in found]
    return call.page([{name: one[name] for name in SUMMARY if name in one} for one in whole], "dashboards", 100)


def update_dashboard(call: Call) -> dict[str, Any]:
    """PATCH dashboards/{id}: the given fields; with an etag only if nobody has changed it since."""
    given, dashboards = _read(call), _dashboards(call)
    changes = _read_settings(call, given)
    with call.workspace.store.transaction():
        document = dashboards.find(call.params["id"], "CAN_EDIT")
        settings = document["settings"]
        if given.get("etag") and given["etag"] != _etag(document):
            raise conflict(f"Dashboard {document['id']} was changed since etag {given['etag']}", "ABORTED")
        place = given.get("parent_path")
        if place and normalize_path(str(place)) != parent_of(document["path"]):
            raise bad_request("parent_path cannot be updated")
        changed = {**settings, **changes, "version": settings["version"] + 1}
        return _describe(call, dashboards.change(document, given.get("display_name"), changed))


def trash_dashboard(call: Call) -> dict[str, Any]:
    """DELETE dashboards/{id}: into the trash; what is published of it is gone."""
    store = call.workspace.store
    with store.transaction():
        document = _dashboards(call).find(call.params["id"], "CAN_MANAGE")
        _put_published(call, document, None)
        _dashboards(call).trash(document["id"])
    return {}


def publish_dashboard(call: Call) -> dict[str, Any]:
    """POST dashboards/{id}/published: the draft as it is now, in place of what was published."""
    refuse_unknown(call.body, ("embed_credentials", "warehouse_id"), "publish")
    embeds = call.body.get("embed_credentials", False)
    if not isinstance(embeds, bool):
        raise bad_request("embed_credentials must be true or false")
    dashboards, other = _dashboards(call), _read_settings(call, call.body)
    with call.workspace.store.transaction():
        document = dashboards.find(call.params["id"], "CAN_EDIT")
        warehouse = {**document["settings"], **other}.get("warehouse_id")
        published = {
            "display_name": dashboards.name_of(document),
            "embed_credentials": embeds,
            "revision_create_time": as_text(now_ms()),
            "serialized_dashboard": document["settings"]["serialized_dashboard"],
            **({"warehouse_id": warehouse} if warehouse else {}),
        }
        _put_published(call, document, published)
    return _describe_published(published)


def get_published(call: Call) -> dict[str, Any]:
    """GET dashboards/{id}/published."""
    return _describe_published(_require_published(_dashboards(call).get(call.params["id"])))


def unpublish_dashboard(call: Call) -> dict[str, Any]:
    """DELETE dashboards/{id}/published: the draft stays."""
    with call.workspace.store.transaction():
        document = _dashboards(call).find(call.params["id"], "CAN_EDIT")
        _require_published(document)
        _put_published(call, document, None)
    return {}


ROUTES: list[Route] = [
    ("POST", API, create_dashboard),
    ("GET", API, list_dashboards),
    ("GET", f"{API}/{{id}}", get_dashboard),
    ("PATCH", f"{API}/{{id}}", update_dashboard),
    ("DELETE", f"{API}/{{id}}", trash_dashboard),
    ("POST", f"{API}/{{id}}/published", publish_dashboard),
    ("GET", f"{API}/{{id}}/published", get_published),
    ("DELETE", f"{API}/{{id}}/published", unpublish_dashboard),
]


def _dashboards(call: Call) -> SavedObjects:
    return SavedObjects(call.workspace, call.caller, DASHBOARD)


def _read(call: Call) -> Mapping[str, Any]:
    refuse_unknown(call.body, (*FIELDS, *ANSWERED), "dashboard")
    refuse_unknown(call.query, (), "The query of the request")
    return call.body


def _read_settings(call: Call, given: Mapping[str, Any]) -> Document:
    found: Document = {}
    if given.get("warehouse_id"):
        found["warehouse_id"] = str(given["warehouse_id"])
        warehouses.find(call.workspace.store, call.caller, found["warehouse_id"], "CAN_USE")
    if given.get("serialized_dashboard") is not None:
        found["serialized_dashboard"] = read_definition(given["serialized_dashboard"])
    return found


def _put_published(call: Call, document: Document, published: Document | None) -> None:
    document["published"] = published
    call.workspace.store.put(KIND, document["path"], document)


def _require_published(document: Document) -> Document:
    published: Document | None = document.get("published")
    if published is None:
        raise not_found(f"Unable to find published dashboard [{document['id']}]")
    return published


def _describe(call: Call, document: Document) -> dict[str, Any]:
    settings = {name: value for name, value in document["settings"].items() if name != "version"}
    return {
        **settings,
        "dashboard_id": document["id"],
        "display_name": _dashboards(call).name_of(document),
        "parent_path": parent_of(document["path"]),
        "path": document["path"],
        "etag": _etag(document),
        **describe_life(document),
    }


def _describe_published(published: Document) -> dict[str, Any]:
    return {name: value for name, value in published.items() if name != "serialized_dashboard"}


def _etag(document: Document) -> str:
    return str(document["settings"]["version"])
