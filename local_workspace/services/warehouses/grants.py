"""Who may do what with a SQL warehouse: an ordered scale of levels per user, group or service principal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, permission_denied
from local_workspace.gateway.store import Document, Store

# Each level includes those before it.
LEVELS = ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER")
DESCRIPTIONS = {
    "CAN_VIEW": "Can view the SQL warehouse",
    "CAN_MONITOR": "Can monitor and use the SQL warehouse",
    "CAN_USE": "Can use the SQL warehouse",
    "CAN_MANAGE": "Can manage the SQL warehouse",
    "IS_OWNER": "Is owner of the SQL warehouse",
}
SUBJECTS = ("user_name", "group_name", "service_principal_name")


def check_level(caller: Principal, warehouse: Document, level: str) -> None:
    """Raise 403 unless the caller holds at least the level; workspace admins always do."""
    if not has_level(caller, warehouse, level):
        name = f"{warehouse['name']} ({warehouse['id']})"
        raise permission_denied(f"User '{caller.name}' does not have {level} on SQL Warehouse '{name}'.")


def has_level(caller: Principal, warehouse: Document, level: str) -> bool:
    """Say whether the caller holds at least the level."""
    if caller.is_admin:
        return True
    needed = LEVELS.index(level)
    held = (entry for entry in warehouse["acl"] if _is_meant(caller, entry))
    return any(LEVELS.index(entry["permission_level"]) >= needed for entry in held)


def parse_acl(store: Store, requests: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Read access_control_list of a request.

    Raises:
        ApiError: 400 for an unknown level or principal.
    """
    return [_parse_entry(store, request) for request in requests]


def merge_acl(present: list[Document], changes: list[Document]) -> list[Document]:
    """Return the entries with those of `changes` put over them."""
    merged = {_subject_of(entry): entry for entry in [*present, *changes]}
    return list(merged.values())


def describe_acl(store: Store, warehouse: Document) -> dict[str, Any]:
    """Return the permissions object of the API."""
    return {
        "object_id": f"/sql/warehouses/{warehouse['id']}",
        "object_type": "warehouses",
        "access_control_list": [_describe_entry(store, entry) for entry in warehouse["acl"]],
    }


def entry_for(caller: Principal, level: str) -> Document:
    """Return the entry that gives the caller the level."""
    kind = "user_name" if caller.kind == "user" else "service_principal_name"
    return {kind: caller.name, "permission_level": level}


def _is_meant(caller: Principal, entry: Document) -> bool:
    if "group_name" in entry:
        return entry["group_name"] in caller.groups
    return caller.name == entry.get("user_name", entry.get("service_principal_name"))


def _parse_entry(store: Store, request: Mapping[str, Any]) -> Document:
    level = request.get("permission_level")
    if level not in LEVELS:
        raise bad_request(f"Unknown permission_level {level!r}; one of {', '.join(LEVELS)} is expected")
    subjects = [name for name in SUBJECTS if request.get(name)]
    if len(subjects) != 1:
        raise bad_request(f"Exactly one of {', '.join(SUBJECTS)} is expected in access_control_list")
    name = request[subjects[0]]
    if not principals.principal_exists(store, name):
        raise bad_request(f"Principal: {subjects[0]}({name}) does not exist")
    return {subjects[0]: name, "permission_level": level}


def _subject_of(entry: Document) -> tuple[str, str]:
    return next((kind, entry[kind]) for kind in SUBJECTS if kind in entry)


def _describe_entry(store: Store, entry: Document) -> dict[str, Any]:
    kind, name = _subject_of(entry)
    document = store.get("principal", name) or {}
    described = {kind: name, "all_permissions": [{"permission_level": entry["permission_level"], "inherited": False}]}
    if kind != "group_name":
        described["display_name"] = document.get("display_name", name)
    return described
