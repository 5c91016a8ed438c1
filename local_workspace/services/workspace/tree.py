"""The workspace's tree: paths and standard folders. Who may do what where is in access.py."""

from __future__ import annotations

from local_workspace.gateway import principals
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Store

KIND = "workspace_object"
CHECKOUT = "git_checkout"  # which files a Git folder has checked out, by its id
FOLDERS = ("DIRECTORY", "REPO")
STANDARD_FOLDERS = ("/", "/Repos", "/Shared", "/Users")
HOMES = ("/Repos", "/Users")


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
    """Return whose home the path is or lies in; in /Repos everybody has one as well."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 and f"/{parts[1]}" in HOMES else None


def is_standard(store: Store, path: str) -> bool:
    """Say whether the folder is always there: the roots and the home of every principal."""
    if path in STANDARD_FOLDERS:
        return True
    owner = home_owner(path)
    return owner is not None and parent_of(path) in HOMES and store.get("principal", owner) is not None


def list_homes(store: Store, above: str) -> list[str]:
    """Return the home folders in /Users or /Repos of the principals that belong to the workspace."""
    names = [name for name, _ in store.scan("principal")]
    return [f"{above}/{name}" for name in names if WORKSPACE_MEMBERS in principals.groups_of(store, name)]


def check_repos(path: str, object_type: str) -> None:
    """Refuse what cannot be in /Repos: folders, in them Git folders, in those anything.

    Raises:
        ApiError: 400.
    """
    depth = path.count("/") - 1 if path.startswith("/Repos/") else 0
    if (depth == 1 and object_type != "DIRECTORY") or (depth == 2 and object_type != "REPO"):
        raise bad_request("Top-level folder can only contain repos", "DIRECTORY_PROTECTED")


def list_folders_above(path: str) -> list[str]:
    """Return the folders that hold the path, the nearest first."""
    above = []
    while path != "/":
        path = parent_of(path)
        above.append(path)
    return above
