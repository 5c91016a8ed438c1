"""Who may do what where in the workspace's tree: levels are granted on objects and inherited from the folders above.

Own home and /Shared are managed by members of the workspace, everything by its admins, nothing by others.
https://docs.databricks.com/aws/en/security/auth/access-control/#folder-acls
"""

from __future__ import annotations

from local_workspace.gateway.access_lists import gives_level
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document, Store
from local_workspace.services.workspace.tree import (
    KIND,
    STANDARD_FOLDERS,
    home_owner,
    list_folders_above,
)

# Each level includes those before it. Reading takes CAN_READ, replacing a content CAN_EDIT, all else CAN_MANAGE, except
# where a type of object says otherwise.
LEVELS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")


def check_level(store: Store, caller: Principal, path: str, level: str) -> None:
    """Raise 403 unless the caller holds at least the level on what is, or would be, at the path."""
    if not has_level(store, caller, path, level):
        raise permission_denied(f"User '{caller.name}' does not have {level} on Workspace object '{path}'.")


def has_level(store: Store, caller: Principal, path: str, level: str) -> bool:
    """Say whether the caller holds at least the level."""
    if caller.is_admin:
        return True
    if WORKSPACE_MEMBERS not in caller.groups:
        return False
    if _is_open(caller, path) or (level == "CAN_READ" and path in STANDARD_FOLDERS):
        return True
    granted = [entry for _, acl in list_acls(store, path) for entry in acl]
    return gives_level(caller, granted, LEVELS, level)


def list_acls(store: Store, path: str) -> list[tuple[Document, list[Document]]]:
    """Return the object and the folders above it, those that are there, each with the entries granted on it."""
    found = (store.get(KIND, one) for one in (path, *list_folders_above(path)))
    return [(document, document.get("acl", [])) for document in found if document is not None]


def _is_open(caller: Principal, path: str) -> bool:
    return home_owner(path) == caller.name or path.startswith("/Shared/") or path == "/Shared"
