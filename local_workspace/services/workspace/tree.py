"""The workspace's tree: paths, standard folders, who may do what where.

Own home and /Shared are open to members of the workspace, everything to its admins, nothing to others.
"""

from __future__ import annotations

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, permission_denied
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Store

STANDARD_FOLDERS = ("/", "/Repos", "/Shared", "/Users")


def normalize_path(path: str) -> str:
    """Return the absolute path without trailing slash; /Workspace/x is the same as /x.

    Raises:
        ApiError: 400 when the path is relative or steps upwards.
    """
    if not path.startswith("/"):
        raise bad_request(f"Path ({path}) doesn't start with '/'")
    parts = [part for part in path.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise bad_request(f"Path ({path}) must not contain '.' or '..'")
    if parts and parts[0] == "Workspace":
        parts = parts[1:]
    return "/" + "/".join(parts)


def parent_of(path: str) -> str:
    """Return the folder that holds the path."""
    return path.rsplit("/", 1)[0] or "/"


def home_owner(path: str) -> str | None:
    """Return whose home the path is or lies in."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "Users" else None


def is_standard(store: Store, path: str) -> bool:
    """Say whether the folder is always there: the roots and the home of every principal."""
    if path in STANDARD_FOLDERS:
        return True
    owner = home_owner(path)
    return owner is not None and path == f"/Users/{owner}" and store.get("principal", owner) is not None


def list_homes(store: Store) -> list[str]:
    """Return the home folders of the principals that belong to the workspace."""
    names = [name for name, _ in store.scan("principal")]
    return [f"/Users/{name}" for name in names if WORKSPACE_MEMBERS in principals.groups_of(store, name)]


def may_see(caller: Principal, path: str) -> bool:
    """Say whether the caller may read what is at the path."""
    return caller.is_admin or (
        WORKSPACE_MEMBERS in caller.groups and (path in STANDARD_FOLDERS or _is_open(caller, path))
    )


def check_read(caller: Principal, path: str) -> None:
    """Raise 403 unless the caller may read the path."""
    if not may_see(caller, path):
        raise _denied(caller, "CAN_READ", path)


def check_write(caller: Principal, path: str) -> None:
    """Raise 403 unless the caller may create, change or delete the path."""
    if not caller.is_admin and not (WORKSPACE_MEMBERS in caller.groups and _is_open(caller, path)):
        raise _denied(caller, "CAN_MANAGE", path)


def _is_open(caller: Principal, path: str) -> bool:
    return home_owner(path) == caller.name or path.startswith("/Shared/") or path == "/Shared"


def _denied(caller: Principal, level: str, path: str) -> Exception:
    return permission_denied(f"User '{caller.name}' does not have {level} on Workspace object '{path}'.")
