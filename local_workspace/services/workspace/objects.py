"""Workspace objects, for one caller: notebooks, files and folders with their contents.

Documents are in the store, contents in files beside it; what a format means is in formats.py.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import already_exists, bad_request, not_found, not_implemented
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import Document
from local_workspace.services.workspace import tree
from local_workspace.services.workspace.access import check_level, has_level
from local_workspace.services.workspace.trash import TRASHABLE, move_to_trash
from local_workspace.services.workspace.tree import KIND

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

# The Workspace API has no name for them; they are got by their own.
UNNAMED = ("QUERY", "ALERTV2")


def read_source(workspace: Workspace, caller: Principal, path: str) -> bytes:
    """Return the bytes of a notebook (source format) or workspace file.

    Raises:
        ApiError: 403, 404; 400 when the path is a folder.
    """
    objects = WorkspaceObjects(workspace, caller)
    return objects.read(objects.get(path))


class WorkspaceObjects:
    """The tree as `caller` may see and change it. Every method raises ApiError 403 where it may not."""

    def __init__(self, workspace: Workspace, caller: Principal) -> None:
        self._store = workspace.store
        self._caller = caller
        self._contents = workspace.home / "workspace_objects"

    def get(self, path: str) -> Document:
        """Return the document of an object."""
        path = tree.normalize_path(path)
        check_level(self._store, self._caller, path, "CAN_READ")
        document = self._require(path)
        if document["object_type"] in UNNAMED:
            raise not_found(f"Path ({path}) doesn't exist.")
        return document

    def get_by_id(self, object_type: str, object_id: str, level: str) -> Document:
        """Return the document of an object on which the caller holds at least the level."""
        name = "id" if object_type in TRASHABLE else "object_id"
        found = (one for _, one in self._store.scan(KIND) if one["object_type"] == object_type)
        document = next((one for one in found if str(one[name]) == object_id), None)
        if document is None:
            raise not_found(f"{object_type.replace('_', ' ').capitalize()} with object id {object_id} does not exist.")
        check_level(self._store, self._caller, document["path"], level)
        for folder in tree.list_folders_above(document["path"]):
            self._find(folder)  # standard ones are made when they are first looked for
        return document

    def read(self, document: Document) -> bytes:
        """Return an object's bytes."""
        if document["object_type"] in TRASHABLE:
            raise not_implemented(f"{document['path']} is got by its own API; the Workspace API exports none here")
        if "content" not in document:
            kind = "a folder" if document["object_type"] in tree.FOLDERS else "an experiment"
            raise bad_request(f"{document['path']} is {kind}; a notebook or file is expected")
        content: Path = self._contents / document["content"]
        return content.read_bytes()

    def list_folder(self, path: str) -> list[Document]:
        """Return what the caller may see of a folder, by path; of another object just itself."""
        document = self.get(path)
        if document["object_type"] not in tree.FOLDERS:
            return [document]
        path = document["path"]
        self._ensure_standard_children(path)
        prefix = path if path == "/" else f"{path}/"
        children = (
            child
            for key, child in self._store.scan(KIND, prefix)
            if key != path and "/" not in key.removeprefix(prefix)
        )
        shown = (child for child in children if child["object_type"] not in UNNAMED)
        return [child for child in shown if has_level(self._store, self._caller, child["path"], "CAN_READ")]

    def require_folder(self, path: str) -> None:
        """Refuse a path that is no folder.

        Raises:
            ApiError: 404.
        """
        if not self.is_folder(path):
            raise not_found(f"Path ({path}) doesn't exist.")

    def make_folder(self, path: str) -> None:
        """Create a folder and those above it; one that exists is left as it is."""
        path = tree.normalize_path(path)
        if self._find(path) is None:
            check_level(self._store, self._caller, path, "CAN_MANAGE")
            self.make_folder(tree.parent_of(path))
        with self._store.transaction():
            known = self._find(path)
            if known is None:
                tree.check_repos(path, "DIRECTORY")
                self._store.put(KIND, path, self.describe(path, "DIRECTORY"))
            elif known["object_type"] not in tree.FOLDERS:
                raise already_exists(f"A {known['object_type'].lower()} exists at {path}")

    def put(self, path: str, content: bytes, object_type: str, language: str | None, overwrite: bool) -> None:
        """Create or replace a notebook or file.

        Raises:
            ApiError: 404 without the parent folder; 409 when it exists; 400 when it is of another type.
        """
        path = tree.normalize_path(path)
        tree.check_repos(path, object_type)
        level = "CAN_EDIT" if overwrite and self._find(path) is not None else "CAN_MANAGE"
        check_level(self._store, self._caller, path, level)
        if not self.is_folder(tree.parent_of(path)):
            raise not_found(f"The parent folder ({tree.parent_of(path)}) does not exist.")
        name = self.write_content(content)
        try:
            previous = self._replace(path, object_type, language, overwrite, name, len(content))
        except BaseException:
            self.remove_content(name)
            raise
        self.remove_content(previous)

    def add(self, path: str, object_type: str, fields: Document, level: str = "CAN_MANAGE") -> Document:
        """Create an object that has no content, and return it; `level`: what that takes on its folder.

        Raises:
            ApiError: 404 without the parent folder; 409 when anything stands there.
        """
        path = tree.normalize_path(path)
        check_level(self._store, self._caller, path, level)
        tree.check_repos(path, object_type)
        with self._store.transaction():
            if not self.is_folder(tree.parent_of(path)):
                raise not_found(f"Parent directory {tree.parent_of(path)} does not exist.")
            if self._find(path) is not None:
                raise already_exists(f"Node named '{path.rpartition('/')[2]}' already exists")
            document = {**self.describe(path, object_type), **fields}
            self._store.put(KIND, path, document)
        return document

    def delete(self, path: str, recursive: bool) -> None:
        """Delete an object; a folder with contents only when `recursive`."""
        path = tree.normalize_path(path)
        check_level(self._store, self._caller, path, "CAN_MANAGE")
        self._require(path)
        if tree.is_standard(self._store, path):
            raise bad_request(f"Folder {path} is protected and cannot be deleted", "PERMISSION_DENIED")
        with self._store.transaction():
            doomed = dict(self._store.scan(KIND, f"{path}/"))
            if doomed and not recursive:
                raise bad_request(f"Folder ({path}) is not empty", "DIRECTORY_NOT_EMPTY")
            doomed[path] = self._require(path)
            for key, document in doomed.items():
                self._store.delete(KIND, key)
                self._store.delete(tree.CHECKOUT, str(document["object_id"]))
                if document["object_type"] in TRASHABLE:
                    move_to_trash(self._store, self._caller, document)
        for document in doomed.values():
            self.remove_content(document.get("content"))

    def _require(self, path: str) -> Document:
        document = self._find(path)
        if document is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        return document

    def is_folder(self, path: str) -> bool:
        """Say whether a path is a folder."""
        found = self._find(path)
        return found is not None and found["object_type"] in tree.FOLDERS

    def _find(self, path: str) -> Document | None:
        document = self._store.get(KIND, path)
        if document is None and tree.is_standard(self._store, path):
            with self._store.transaction():
                document = self._store.get(KIND, path) or self.describe(path, "DIRECTORY")
                self._store.put(KIND, path, document)
        return document

    def _ensure_standard_children(self, path: str) -> None:
        if path == "/":
            folders = list(tree.STANDARD_FOLDERS)
        else:
            folders = tree.list_homes(self._store, path) if path in tree.HOMES else []
        for folder in folders:
            self._find(folder)

    def _replace(
        self, path: str, object_type: str, language: str | None, overwrite: bool, content: str, size: int
    ) -> str | None:
        with self._store.transaction():
            known = self._find(path)
            if known is not None and not overwrite:
                raise already_exists(f"Path ({path}) already exists.")
            if known is not None and known["object_type"] != object_type:
                was = known["object_type"]
                message = f"Requested node type [{object_type}] is different from the existing node type [{was}]"
                raise bad_request(f"{message} at {path}")
            document = self.describe(path, object_type, known)
            document.update(language=language, content=content, size=size)
            self._store.put(KIND, path, document)
            return known["content"] if known else None

    def describe(self, path: str, object_type: str, known: Document | None = None) -> Document:
        """Return the document of an object that is made or replaced now."""
        now = now_ms()
        identity = known or {"object_id": self._store.next_id(KIND), "created_at": now}
        return {**identity, "path": path, "object_type": object_type, "modified_at": now}

    def write_content(self, content: bytes) -> str:
        """Store a content and return its name."""
        self._contents.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._contents)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(name).name

    def remove_content(self, name: str | None) -> None:
        """Remove a content, if there is one."""
        if name:
            (self._contents / name).unlink(missing_ok=True)


def describe_object(document: Document) -> dict[str, Any]:
    """Return the document as the API shows it; the SDK's class has no experiments."""
    is_file = document["object_type"] == "FILE"
    shown = {
        "object_id": document["object_id"],
        "resource_id": document.get("id", str(document["object_id"])),
        "object_type": document["object_type"],
        "path": document["path"],
        "language": document.get("language"),
        "created_at": document["created_at"],
        "modified_at": document["modified_at"],
        "size": document.get("size") if is_file else None,
    }
    return {name: value for name, value in shown.items() if value is not None}
