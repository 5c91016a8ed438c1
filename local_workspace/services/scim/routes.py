"""SCIM routes: /api/2.0/preview/scim/v2/{Me,Users,ServicePrincipals,Groups}.

https://docs.databricks.com/api/workspace/users
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_workspace.gateway.calls import Call, Handler, Route
from local_workspace.gateway.errors import not_found
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim import changes, users
from local_workspace.services.scim.resources import (
    group_resource,
    matches,
    service_principal_resource,
    user_resource,
    user_summary,
)

SCIM = "/api/2.0/preview/scim/v2"
_LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Describe = Callable[[Store, Document], dict[str, Any]]
Find = Callable[[Store], list[Document]]


def get_me(call: Call) -> dict[str, Any]:
    """GET /Me: who the token speaks for; a service principal's userName is its application id, as in the service."""
    store = call.workspace.store
    document = store.get("principal", call.caller.name)
    assert document is not None  # authentication loaded it a moment ago
    if document["kind"] == "user":
        return user_resource(store, document)
    return {**service_principal_resource(store, document), "userName": document["name"]}


def _users(store: Store) -> list[Document]:
    return [document for _, document in store.scan("principal") if document["kind"] == "user"]


def _service_principals(store: Store) -> list[Document]:
    return [document for _, document in store.scan("principal") if document["kind"] == "service_principal"]


def _groups(store: Store) -> list[Document]:
    return [document for _, document in store.scan("group")]


def _list(find: Find, describe: Describe, to_others: Describe | None = None) -> Handler:
    """`to_others`: what those are shown who are no admins."""

    def list_resources(call: Call) -> dict[str, Any]:
        store, condition = call.workspace.store, call.query.get("filter")
        described = ((document, describe(store, document)) for document in find(store))
        found = [(document, whole) for document, whole in described if matches(whole, condition)]
        start, count = _number(call, "startIndex", 1), _number(call, "count", 100)
        show = _choose(call, describe, to_others)
        page = [
            whole if show is describe else show(store, document)
            for document, whole in found[start - 1 : start - 1 + count]
        ]
        paging = {"startIndex": start, "itemsPerPage": len(page), "totalResults": len(found)}
        return {"schemas": [_LIST_SCHEMA], **paging, "Resources": page}

    return list_resources


def _get(find: Find, describe: Describe, label: str, to_others: Describe | None = None) -> Handler:
    def get_resource(call: Call) -> dict[str, Any]:
        store = call.workspace.store
        for document in find(store):
            if str(document["id"]) == call.params["id"]:
                return _choose(call, describe, to_others)(store, document)
        raise not_found(f"{label} with id {call.params['id']} not found.")

    return get_resource


def _choose(call: Call, describe: Describe, to_others: Describe | None) -> Describe:
    return describe if to_others is None or call.caller.is_admin else to_others


def _number(call: Call, name: str, default: int) -> int:
    return call.whole(name, default, least=1 if name == "startIndex" else 0)


ROUTES: list[Route] = [
    ("GET", f"{SCIM}/Me", get_me),
    ("GET", f"{SCIM}/Users", _list(_users, user_resource, user_summary)),
    ("GET", f"{SCIM}/Users/{{id}}", _get(_users, user_resource, "User", user_summary)),
    ("GET", f"{SCIM}/ServicePrincipals", _list(_service_principals, service_principal_resource)),
    (
        "GET",
        f"{SCIM}/ServicePrincipals/{{id}}",
        _get(_service_principals, service_principal_resource, "Service principal"),
    ),
    ("POST", f"{SCIM}/Users", users.create_user),
    ("PUT", f"{SCIM}/Users/{{id}}", users.replace_user),
    ("PATCH", f"{SCIM}/Users/{{id}}", users.patch_user),
    ("DELETE", f"{SCIM}/Users/{{id}}", users.delete_user),
    ("POST", f"{SCIM}/ServicePrincipals", changes.create_service_principal),
    ("PUT", f"{SCIM}/ServicePrincipals/{{id}}", changes.replace_service_principal),
    ("PATCH", f"{SCIM}/ServicePrincipals/{{id}}", changes.patch_service_principal),
    ("DELETE", f"{SCIM}/ServicePrincipals/{{id}}", changes.delete_service_principal),
    ("POST", f"{SCIM}/Groups", changes.create_group),
    ("PUT", f"{SCIM}/Groups/{{id}}", changes.replace_group),
    ("PATCH", f"{SCIM}/Groups/{{id}}", changes.patch_group),
    ("DELETE", f"{SCIM}/Groups/{{id}}", changes.delete_group),
    ("GET", f"{SCIM}/Groups", _list(_groups, group_resource)),
    ("GET", f"{SCIM}/Groups/{{id}}", _get(_groups, group_resource, "Group")),
]
