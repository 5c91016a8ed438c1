"""Cluster policies as stored documents: admins make and change them, others see those that they may use."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.access_lists import gives_level, merge_acl
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, not_found, not_implemented, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import Document, Store
from local_workspace.services.cluster_policies.definition import parse_definition

KIND = "cluster_policy"
LEVELS = ("CAN_USE",)
LONGEST_NAME = 100
OPTIONAL = ("description", "max_clusters_per_user")


def create(store: Store, caller: Principal, settings: Mapping[str, Any]) -> Document:
    """Create a policy.

    Raises:
        ApiError: 400 for bad settings or a taken name.
    """
    identity = secrets.token_hex(8).upper()
    document = {
        "policy_id": identity,
        "creator_user_name": caller.name,
        "created_at_timestamp": now_ms(),
        "is_default": False,
        "acl": [],
        **_read_settings(settings),
    }
    with store.transaction():
        _check_name(store, document["name"], identity)
        store.put(KIND, identity, document)
    return document


def edit(store: Store, identity: str, settings: Mapping[str, Any]) -> None:
    """Replace all settings of a policy."""
    known = _read_settings(settings)
    with store.transaction():
        document = load(store, identity)
        _check_name(store, known["name"], identity)
        kept = {key: value for key, value in document.items() if key not in OPTIONAL}
        store.put(KIND, identity, {**kept, **known})


def delete(store: Store, identity: str) -> None:
    """Delete a policy."""
    with store.transaction():
        load(store, identity)
        store.delete(KIND, identity)


def load(store: Store, identity: str) -> Document:
    """Return a policy.

    Raises:
        ApiError: 404.
    """
    document = store.get(KIND, identity)
    if document is None:
        raise not_found(f"Cluster policy {identity} does not exist.")
    return document


def find(store: Store, caller: Principal, identity: str) -> Document:
    """Return a policy that the caller may use.

    Raises:
        ApiError: 404, 403.
    """
    document = load(store, identity)
    if not may_use(caller, document):
        name = f"{document['name']} ({identity})"
        raise permission_denied(f"User '{caller.name}' does not have CAN_USE on Cluster policy '{name}'.")
    return document


def list_usable(store: Store, caller: Principal) -> list[Document]:
    """Return the policies that the caller may use, by name."""
    found = [document for _, document in store.scan(KIND) if may_use(caller, document)]
    return sorted(found, key=lambda document: str(document["name"]))


def may_use(caller: Principal, policy: Document) -> bool:
    """Say whether the caller may use a policy; workspace admins always may."""
    return caller.is_admin or gives_level(caller, policy["acl"], LEVELS, "CAN_USE")


def put_acl(store: Store, identity: str, acl: list[Document], keep: bool) -> Document:
    """Replace the access list, or with `keep` change the given entries only."""
    with store.transaction():
        document = load(store, identity)
        document["acl"] = merge_acl(document["acl"] if keep else [], acl)
        store.put(KIND, identity, document)
    return document


def _check_name(store: Store, name: str, identity: str) -> None:
    if any(document["name"] == name and key != identity for key, document in store.scan(KIND)):
        raise bad_request(f"Cluster Policy with name `{name}` already exists")


def _read_settings(settings: Mapping[str, Any]) -> Document:
    for field in ("policy_family_id", "policy_family_definition_overrides", "libraries"):
        if settings.get(field):
            raise not_implemented(f"{field} of cluster policies is not served; there are no clusters here")
    name = settings.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME:
        raise bad_request(f"name must have 1 to {LONGEST_NAME} characters")
    most = settings.get("max_clusters_per_user")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise bad_request(f"max_clusters_per_user must be a whole number of at least 1, got {most!r}")
    parse_definition(settings.get("definition"))
    optional = {key: settings[key] for key in OPTIONAL if settings.get(key) is not None}
    return {"name": name, "definition": settings["definition"], **optional}
