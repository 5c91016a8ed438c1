"""Access lists of the Permissions API: entries that give users, groups or service principals a level of a scale.

Which levels there are, and what they open, each service knows. https://docs.databricks.com/api/workspace/permissions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document, Store

SUBJECTS = ("user_name", "group_name", "service_principal_name")


def parse_acl(store: Store, requests: Iterable[Mapping[str, Any]], levels: Sequence[str]) -> list[Document]:
    """Read access_control_list of a request; of a principal that is named twice, the last entry counts.

    Raises:
        ApiError: 400 for an unknown level or principal.
    """
    return merge_acl([], [_parse_entry(store, request, levels) for request in requests])


def merge_acl(present: list[Document], changes: list[Document]) -> list[Document]:
    """Return the entries with those of `changes` put over them."""
    merged = {subject_of(entry): entry for entry in [*present, *changes]}
    return list(merged.values())


def forget_subject(acl: list[Document], name: str) -> list[Document]:
    """Return the entries of others."""
    return [entry for entry in acl if subject_of(entry)[1] != name]


def rename_subject(acl: list[Document], name: str, new: str) -> list[Document]:
    """Return the entries with a group's new name where its old one stood."""
    return [{**one, "group_name": new} if one.get("group_name") == name else one for one in acl]


def entry_for(caller: Principal, level: str) -> Document:
    """Return the entry that gives the caller the level."""
    kind = "user_name" if caller.kind == "user" else "service_principal_name"
    return {kind: caller.name, "permission_level": level}


def gives_level(caller: Principal, acl: Iterable[Document], levels: Sequence[str], level: str) -> bool:
    """Say whether the entries give the caller at least the level; `levels` ascend."""
    held = (entry for entry in acl if _is_meant(caller, entry))
    return any(levels.index(entry["permission_level"]) >= levels.index(level) for entry in held)


def describe_entry(store: Store, subject: tuple[str, str], permissions: list[Document]) -> dict[str, Any]:
    """Return what one principal holds, as the API shows it."""
    kind, name = subject
    described = {kind: name, "all_permissions": permissions}
    if kind != "group_name":
        described["display_name"] = (store.get("principal", name) or {}).get("display_name", name)
    return described


def describe_acl(store: Store, object_id: str, object_type: str, acl: Iterable[Document], highest: str) -> Document:
    """Return an object's access list as the API shows it; admins hold the highest level of all objects of its kind."""
    entries = [
        describe_entry(store, subject_of(one), [{"permission_level": one["permission_level"], "inherited": False}])
        for one in acl
    ]
    kind = f"{object_id.rpartition('/')[0]}/"
    everything = {"permission_level": highest, "inherited": True, "inherited_from_object": [kind]}
    return {
        "object_id": object_id,
        "object_type": object_type,
        "access_control_list": [*entries, {"group_name": "admins", "all_permissions": [everything]}],
    }


def subject_of(entry: Document) -> tuple[str, str]:
    """Return kind and name of whom an entry is about."""
    return next((kind, entry[kind]) for kind in SUBJECTS if kind in entry)


def _is_meant(caller: Principal, entry: Document) -> bool:
    kind, name = subject_of(entry)
    return name in caller.groups if kind == "group_name" else name == caller.name


def _parse_entry(store: Store, request: Mapping[str, Any], levels: Sequence[str]) -> Document:
    level = request.get("permission_level")
    if level not in levels:
        raise bad_request(f"Unknown permission_level {level!r}; one of {', '.join(levels)} is expected")
    subjects = [name for name in SUBJECTS if request.get(name)]
    if len(subjects) != 1:
        raise bad_request(f"Exactly one of {', '.join(SUBJECTS)} is expected in access_control_list")
    name = request[subjects[0]]
    if not principals.principal_exists(store, name):
        raise bad_request(f"Principal: {subjects[0]}({name}) does not exist")
    return {subjects[0]: name, "permission_level": level}
