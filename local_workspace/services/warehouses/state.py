"""SQL warehouses as stored documents: definition, state, access list.

All warehouses compute on the workspace's one Spark server; a stopped one starts with its next statement.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.access_lists import entry_for, merge_acl
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import already_exists, bad_request, not_found, permission_denied
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document, Store
from local_workspace.services.warehouses import grants

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

KIND = "warehouse"
STARTER_NAME = "Serverless Starter Warehouse"
SIZES = ("2X-Small", "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large")
EDITABLE = (
    "name",
    "cluster_size",
    "auto_stop_mins",
    "min_num_clusters",
    "max_num_clusters",
    "enable_photon",
    "enable_serverless_compute",
    "warehouse_type",
    "spot_instance_policy",
    "channel",
    "tags",
)
DEFAULTS: Document = {
    "cluster_size": "2X-Small",
    "auto_stop_mins": 10,
    "min_num_clusters": 1,
    "max_num_clusters": 1,
    "enable_photon": True,
    "enable_serverless_compute": True,
    "warehouse_type": "PRO",
    "spot_instance_policy": "COST_OPTIMIZED",
    "channel": {"name": "CHANNEL_NAME_CURRENT"},
    "tags": {},
}


def ensure_starter(workspace: Workspace) -> str:
    """Create the workspace's starter warehouse unless there is one, and return its id."""
    identity = hashlib.sha256(f"starter:{workspace.name}".encode()).hexdigest()[:16]
    with workspace.store.transaction():
        if workspace.store.get(KIND, identity) is None:
            acl = [{"group_name": WORKSPACE_MEMBERS, "permission_level": "CAN_USE"}]
            settings = {**DEFAULTS, "name": STARTER_NAME}
            workspace.store.put(KIND, identity, _new_document(identity, settings, "System User", acl))
    return identity


def create(store: Store, caller: Principal, settings: Mapping[str, Any]) -> Document:
    """Create a running warehouse owned by the caller.

    Raises:
        ApiError: 403 when the caller may not, 400 for bad settings, 409 for a taken name.
    """
    if not caller.is_admin and not may_create(store, caller):
        raise permission_denied(f"User '{caller.name}' is not authorized to create SQL Warehouses.")
    merged = {**DEFAULTS, **_read_settings(settings)}
    identity = secrets.token_hex(8)
    document = _new_document(identity, merged, caller.name, [entry_for(caller, "IS_OWNER")])
    with store.transaction():
        _check_name(store, merged.get("name"), identity)
        store.put(KIND, identity, document)
    return document


def may_create(store: Store, caller: Principal) -> bool:
    """Say whether the caller holds the entitlement to create compute, by SCIM or, as the deployer, by bootstrap."""
    documents = [store.get("principal", caller.name), *(store.get("group", group) for group in caller.groups)]
    held = [one for document in documents if document for one in document.get("entitlements") or []]
    entitled = store.get("entitlement", caller.name) or {}
    return "allow-cluster-create" in (*held, *entitled.get("names", []))


def allow_creation(store: Store, principal: str) -> None:
    """Give a principal the entitlement to create compute."""
    store.put("entitlement", principal, {"names": ["allow-cluster-create"]})


def find(store: Store, caller: Principal, identity: str, level: str) -> Document:
    """Return a warehouse on which the caller holds at least `level`.

    Raises:
        ApiError: 400 for what is no id, 404, 403.
    """
    if not re.fullmatch(r"[0-9a-f]{16}", identity):
        raise bad_request(f"{identity} is not a valid endpoint id.")
    document = store.get(KIND, identity)
    if document is None:
        raise not_found(f"SQL warehouse {identity} does not exist.")
    grants.check_level(caller, document, level)
    return document


def list_visible(store: Store, caller: Principal) -> list[Document]:
    """Return the warehouses that the caller may at least view, by name."""
    found = [document for _, document in store.scan(KIND) if grants.has_level(caller, document, "CAN_VIEW")]
    return sorted(found, key=lambda document: str(document["name"]))


def edit(store: Store, caller: Principal, identity: str, settings: Mapping[str, Any]) -> None:
    """Change the given settings and leave the others."""
    with store.transaction():
        document = find(store, caller, identity, "CAN_MANAGE")
        document.update(_read_settings(settings))
        _check_name(store, document["name"], identity)
        store.put(KIND, identity, document)


def set_state(store: Store, caller: Principal, identity: str, state: str, level: str) -> None:
    """Start or stop a warehouse."""
    with store.transaction():
        document = find(store, caller, identity, level)
        document["state"] = state
        store.put(KIND, identity, document)


def delete(store: Store, caller: Principal, identity: str) -> None:
    """Delete a warehouse."""
    with store.transaction():
        find(store, caller, identity, "CAN_MANAGE")
        store.delete(KIND, identity)


def put_acl(store: Store, caller: Principal, identity: str, acl: list[Document], keep: bool) -> Document:
    """Replace the access list, or with `keep` change the given entries only; there is always an owner."""
    with store.transaction():
        document = find(store, caller, identity, "CAN_MANAGE")
        owners = [entry for entry in document["acl"] if entry["permission_level"] == "IS_OWNER"]
        if any(entry["permission_level"] == "IS_OWNER" for entry in acl):
            owners = []
            document["acl"] = [entry for entry in document["acl"] if entry["permission_level"] != "IS_OWNER"]
        document["acl"] = merge_acl(document["acl"] if keep else owners, acl)
        store.put(KIND, identity, document)
    return document


def _new_document(identity: str, settings: Document, creator: str, acl: list[Document]) -> Document:
    return {**settings, "id": identity, "creator_name": creator, "state": "RUNNING", "acl": acl}


def _check_name(store: Store, name: Any, identity: str) -> None:
    if not name:
        raise bad_request("Missing required field: name")
    taken = [key for key, document in store.scan(KIND) if document["name"] == name and key != identity]
    if taken:
        raise already_exists(f"SQL warehouse with name `{name}` already exists")


def _read_settings(settings: Mapping[str, Any]) -> Document:
    known = {name: settings[name] for name in EDITABLE if settings.get(name) is not None}
    if known.get("cluster_size", SIZES[0]) not in SIZES:
        raise bad_request(f"Unknown cluster_size {known['cluster_size']!r}; one of {', '.join(SIZES)} is expected")
    if known.get("warehouse_type", "PRO") not in ("PRO", "CLASSIC"):
        raise bad_request(f"Unknown warehouse_type {known['warehouse_type']!r}; PRO or CLASSIC is expected")
    low, high = known.get("min_num_clusters", 1), known.get("max_num_clusters")
    if high is not None and not 1 <= low <= high:
        raise bad_request(f"max_num_clusters ({high}) must be at least min_num_clusters ({low})")
    return known
