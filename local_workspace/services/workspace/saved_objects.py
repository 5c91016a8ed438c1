"""Saved objects: queries, alerts and dashboards. They lie in the workspace's tree and have an id of their own.

What is deleted goes to the trash: it is still got by its id, and no longer listed or changed; its name is free again.
After 30 days it is gone. Folders give their levels to what lies in them, as to any object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.access_lists import entry_for, gives_level
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import already_exists, bad_request, not_found, permission_denied
from local_workspace.gateway.moments import as_text, now_ms
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document
from local_workspace.services.workspace import tree
from local_workspace.services.workspace.access import LEVELS, check_level, has_level
from local_workspace.services.workspace.objects import WorkspaceObjects
from local_workspace.services.workspace.trash import move_to_trash, scan_trash
from local_workspace.services.workspace.tree import KIND

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

LONGEST_NAME = 255


@dataclass(frozen=True)
class SavedType:
    """What the tree calls it, what messages call it, and what its path ends with."""

    object_type: str
    title: str
    suffix: str = ""


class SavedObjects:
    """The objects of one type as `caller` may see and change them."""

    def __init__(self, workspace: Workspace, caller: Principal, saved_type: SavedType) -> None:
        self._store = workspace.store
        self._tree = WorkspaceObjects(workspace, caller)
        self._caller = caller
        self._type = saved_type

    def create(self, identity: str, place: Any, name: Any, settings: Document, renames: bool = False) -> Document:
        """Create one in a folder, in the caller's home if none is named; with `renames` a taken name gets a number.

        Raises:
            ApiError: 400 for a name that is none, 403, 404 without the folder, 409 for a taken name.
        """
        folder = tree.normalize_path(str(place)) if place else f"/Users/{self._caller.name}"
        with self._store.transaction():
            self._tree.require_folder(folder)
            check_level(self._store, self._caller, folder, "CAN_MANAGE")
            path = self._choose_path(folder, read_name(name), renames)
            tree.check_repos(path, self._type.object_type)
            document = self._tree.describe(path, self._type.object_type)
            document |= {"id": identity, "owner": self._caller.name, "modifier": self._caller.name}
            document |= {"settings": settings, "acl": [entry_for(self._caller, "CAN_MANAGE")]}
            self._store.put(KIND, path, document)
        return document

    def get(self, identity: str, level: str = "CAN_READ") -> Document:
        """Return one on which the caller holds at least the level, be it in the trash.

        Raises:
            ApiError: 404, 403.
        """
        found = next((one for one in [*self._scan(), *self._scan_trash()] if one["id"] == identity), None)
        if found is None:
            raise not_found(f"{self._type.title} {identity} does not exist.")
        self._check(found, level)
        return found

    def find(self, identity: str, level: str) -> Document:
        """Return the same, but nothing that is in the trash.

        Raises:
            ApiError: 404, 403.
        """
        found = self.get(identity, level)
        if is_trashed(found):
            raise not_found(f"{self._type.title} {identity} is in the trash.")
        return found

    def list_visible(self) -> list[Document]:
        """Return those that the caller may see, in the order of their creation."""
        return self._visible(self._scan())

    def list_trash(self) -> list[Document]:
        """Return those in the trash that the caller may see."""
        return self._visible(self._scan_trash())

    def change(self, document: Document, name: Any, settings: Document, renames: bool = False) -> Document:
        """Store other settings of a document that was found in the same transaction; None keeps its name."""
        folder, before = tree.parent_of(document["path"]), document["path"]
        path = before
        if name is not None and read_name(name) != self.name_of(document):
            path = self._choose_path(folder, read_name(name), renames)
        modified = {"path": path, "settings": settings, "modifier": self._caller.name, "modified_at": now_ms()}
        self._store.delete(KIND, before)
        self._store.put(KIND, path, {**document, **modified})
        return {**document, **modified}

    def trash(self, identity: str) -> None:
        """Move one to the caller's trash."""
        with self._store.transaction():
            move_to_trash(self._store, self._caller, self.find(identity, "CAN_MANAGE"))

    def name_of(self, document: Document) -> str:
        """Return the display name."""
        name: str = document["name"] if is_trashed(document) else document["path"].rpartition("/")[2]
        return name.removesuffix(self._type.suffix)

    def _scan(self) -> list[Document]:
        return [one for _, one in self._store.scan(KIND) if one["object_type"] == self._type.object_type]

    def _scan_trash(self) -> list[Document]:
        return [one for one in scan_trash(self._store) if one["object_type"] == self._type.object_type]

    def _visible(self, found: list[Document]) -> list[Document]:
        return sorted((one for one in found if self._holds(one, "CAN_READ")), key=lambda one: int(one["object_id"]))

    def _holds(self, document: Document, level: str) -> bool:
        if has_level(self._store, self._caller, document["path"], level):
            return True
        is_asked = is_trashed(document) and WORKSPACE_MEMBERS in self._caller.groups
        return is_asked and gives_level(self._caller, document["acl"], LEVELS, level)

    def _check(self, document: Document, level: str) -> None:
        if not self._holds(document, level):
            name = f"{self.name_of(document)} ({document['id']})"
            raise permission_denied(f"User '{self._caller.name}' does not have {level} on {self._type.title} '{name}'.")

    def _choose_path(self, folder: str, name: str, renames: bool) -> str:
        path, number = f"{folder}/{name}{self._type.suffix}", 0
        while self._store.get(KIND, path) is not None:
            if not renames:
                raise already_exists(f"Node named '{name}{self._type.suffix}' already exists")
            number += 1
            path = f"{folder}/{name} ({number}){self._type.suffix}"
        return path


def is_trashed(document: Document) -> bool:
    """Say whether a document is in the trash."""
    return "trashed_at" in document


def read_name(name: Any) -> str:
    """Return a display name.

    Raises:
        ApiError: 400 for what cannot be one.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or "/" in name:
        raise bad_request(f"display_name must be a text of 1 to {LONGEST_NAME} characters without a slash: {name!r}")
    return name


def describe_life(document: Document) -> Document:
    """Return what the APIs of all types say of an object's life."""
    return {
        "lifecycle_state": "TRASHED" if is_trashed(document) else "ACTIVE",
        "create_time": as_text(document["created_at"]),
        "update_time": as_text(document["modified_at"]),
    }


def refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Refuse fields that the API does not know.

    Raises:
        ApiError: 400 naming the field.
    """
    for name in given:
        if name not in known:
            raise bad_request(f"{where} has no field {name!r}; it has {', '.join(known)}")


def pick_settings(given: Mapping[str, Any], names: tuple[str, ...], texts: tuple[str, ...]) -> Document:
    """Return the settings that are given.

    Raises:
        ApiError: 400 for one of `texts` that is none.
    """
    found = {name: given[name] for name in names if given.get(name) is not None}
    for name in texts:
        if not isinstance(found.get(name, ""), str):
            raise bad_request(f"{name} must be a text")
    return found


def read_mask(mask: Any, known: tuple[str, ...], whole: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields of an update_mask; `*` is `whole`.

    Raises:
        ApiError: 400 for a field that cannot be updated.
    """
    if not isinstance(mask, str) or not mask:
        raise bad_request("Missing required field: update_mask")
    names = whole if mask == "*" else tuple(mask.split(","))
    for name in names:
        if name not in known:
            raise bad_request(f"update_mask: {name!r} cannot be updated; what can is {', '.join(known)}")
    return names
