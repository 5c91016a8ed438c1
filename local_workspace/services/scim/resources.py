"""SCIM resources made of stored principals and groups, and the filters of list calls."""

from __future__ import annotations

import re
from typing import Any

from local_workspace.gateway import principals
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim.entitlements import describe_entitlements

SYSTEM_GROUPS = (principals.WORKSPACE_ADMINS, principals.WORKSPACE_MEMBERS, principals.EVERYBODY)
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
_TEXT = r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^"'\s]+))"""
_FILTER = re.compile(rf"\s*([\w.]+)\s+(eq|ne|sw|co)\s+{_TEXT}\s*", re.IGNORECASE)
_FILTERED = {"username", "displayname", "externalid", "applicationid", "id", "active"}


def user_resource(store: Store, document: Document) -> dict[str, Any]:
    """Return a user as SCIM shows it."""
    return {
        "schemas": [f"{_SCHEMA}User"],
        "id": str(document["id"]),
        "userName": document["name"],
        "displayName": document["display_name"],
        "emails": [{"type": "work", "value": document["name"], "primary": True}],
        "active": document.get("active", True),
        "entitlements": describe_entitlements(document),
        "groups": _groups(store, document["name"]),
        **_external_id(document),
    }


def user_summary(_store: Store, document: Document) -> dict[str, Any]:
    """Return what those see of a user who are no admins: display name and id."""
    return {"schemas": [f"{_SCHEMA}User"], "id": str(document["id"]), "displayName": document["display_name"]}


def service_principal_resource(store: Store, document: Document) -> dict[str, Any]:
    """Return a service principal as SCIM shows it: its name in grants is the application id."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal"],
        "id": str(document["id"]),
        "applicationId": document["name"],
        "displayName": document["display_name"],
        "active": document.get("active", True),
        "entitlements": describe_entitlements(document),
        "groups": _groups(store, document["name"]),
        **_external_id(document),
    }


def group_resource(store: Store, document: Document) -> dict[str, Any]:
    """Return a group with its direct members."""
    members = [_member(store, name) for name in document["members"]]
    return {
        "schemas": [f"{_SCHEMA}Group"],
        "id": str(document["id"]),
        "displayName": document["name"],
        "members": members,
        "entitlements": describe_entitlements(document),
        "meta": {"resourceType": "Group" if is_of_account(document) else "WorkspaceGroup"},
        **_external_id(document),
    }


def is_of_account(group: Document) -> bool:
    """Say whether a group is the account's, brought by the identity provider, and not the workspace's own."""
    return group["name"] not in SYSTEM_GROUPS and not group.get("is_local", False)


def matches(resource: dict[str, Any], condition: str | None) -> bool:
    """Say whether a resource passes a filter like `userName eq "x"`.

    Raises:
        ApiError: 400 for a filter that is not of that form.
    """
    if not condition:
        return True
    parsed = _FILTER.fullmatch(condition)
    if parsed is None:
        raise bad_request(f'Cannot parse the filter {condition!r}; use one like userName eq "ann@example.com"')
    wanted = next(text for text in parsed.group("double", "single", "bare") if text is not None).lower()
    field = parsed.group(1)
    if field.lower() not in _FILTERED:
        raise bad_request(f"Cannot filter by {field!r}; one of {', '.join(sorted(_FILTERED))} is expected")
    actual = next((str(value) for key, value in resource.items() if key.lower() == field.lower()), "").lower()
    operators = {
        "eq": actual == wanted,
        "ne": actual != wanted,
        "sw": actual.startswith(wanted),
        "co": wanted in actual,
    }
    return operators[parsed.group(2).lower()]


def _external_id(document: Document) -> dict[str, str]:
    return {"externalId": document["external_id"]} if document.get("external_id") else {}


def _groups(store: Store, name: str) -> list[dict[str, str]]:
    groups = dict(store.scan("group"))  # once: others make and delete groups meanwhile
    memberships = principals.groups_among(groups, name) - {principals.EVERYBODY}
    return [
        {
            "display": group,
            "value": str(groups[group]["id"]),
            "type": "direct" if name in groups[group]["members"] else "indirect",
        }
        for group in sorted(memberships)
    ]


def _member(store: Store, name: str) -> dict[str, str]:
    document = store.get("principal", name)
    if document is None:
        group = store.get("group", name) or {"id": 0}
        return {"display": name, "value": str(group["id"]), "$ref": f"Groups/{group['id']}"}
    kind = "Users" if document["kind"] == "user" else "ServicePrincipals"
    return {"display": document["display_name"], "value": str(document["id"]), "$ref": f"{kind}/{document['id']}"}
