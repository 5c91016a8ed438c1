"""What a Git folder has checked out: files of a commit as objects of the workspace's tree.

A checkout touches what differs between two commits and nothing else; what somebody changed of that is not overwritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from local_workspace.gateway.errors import ApiError, bad_request
from local_workspace.gateway.store import Document, Store
from local_workspace.services.repos.remote import Fetched
from local_workspace.services.workspace.formats import Imported, recognize_import
from local_workspace.services.workspace.objects import WorkspaceObjects
from local_workspace.services.workspace.tree import CHECKOUT, KIND, list_folders_above, parent_of


class File(NamedTuple):
    """A file as it was checked out: its blob, its path in the tree, the content that was stored for it."""

    blob: str
    place: str
    content: str


def read_patterns(given: Any) -> list[str] | None:
    """Return the folders of a sparse checkout, None when all is checked out.

    Raises:
        ApiError: 400 for what is no list of folders, which is all that cone mode has.
    """
    if given is None:
        return None
    patterns = given.get("patterns") if isinstance(given, dict) else None
    if not isinstance(patterns, list) or not all(isinstance(one, str) and one.strip("/") for one in patterns):
        raise bad_request("sparse_checkout.patterns must be a list of folders")
    for one in patterns:
        if set(one) & set("!*?[\\") or ".." in one.split("/"):
            raise bad_request(f"sparse_checkout.patterns: {one!r} is no folder; cone mode has no other patterns")
    return list(patterns)


def is_checked_out(path: str, patterns: Sequence[str] | None) -> bool:
    """Say whether a file is in the cone: at the root, in or under a folder of the patterns, or in one above those."""
    folder = path.rpartition("/")[0]
    if patterns is None or not folder:
        return True
    cones = [f"{one.strip('/')}/" for one in patterns]
    return any(f"{folder}/".startswith(cone) or cone.startswith(f"{folder}/") for cone in cones)


def check_out(store: Store, objects: WorkspaceObjects, fetched: Fetched, find_repo: Callable[[], Document]) -> Document:
    """Bring the folder to a commit and return its document, which `find_repo` gives in the same transaction.

    Raises:
        ApiError: GIT_CONFLICT when somebody changed what the commit changes.
    """
    written: list[str] = []
    try:
        with store.transaction():
            repo = find_repo()
            gone = _Switch(store, objects, repo, fetched).run(written)
            store.put(KIND, repo["path"], repo)
    except BaseException:
        for content in written:
            objects.remove_content(content)
        raise
    for content in gone:
        objects.remove_content(content)
    return repo


class _Switch:
    """One checkout, in a transaction."""

    def __init__(self, store: Store, objects: WorkspaceObjects, repo: Document, fetched: Fetched) -> None:
        self._store, self._objects, self._root, self._fetched = store, objects, repo["path"], fetched
        self._key = str(repo["object_id"])
        found = (store.get(CHECKOUT, self._key) or {}).get("files", {})
        self._before = {path: File(*one) for path, one in found.items()}
        patterns = repo["git"]["sparse_patterns"]
        self._wanted = {path: blob for path, blob in fetched.blobs.items() if is_checked_out(path, patterns)}
        self._folders = {folder[1:] for path in self._wanted for folder in list_folders_above(f"/{path}")}

    def run(self, written: list[str]) -> list[str]:
        """Replace documents; the contents that are made go into `written`, those not needed any more are returned."""
        doomed = [path for path, file in self._before.items() if not self._stays(path, file)]
        kept = {path: file for path, file in self._before.items() if path not in doomed}
        gone = [self._take_away(path, self._before[path]) for path in doomed]
        self._remove_empty_folders(self._before[path].place for path in doomed)
        files = dict(kept)
        for path in self._wanted.keys() - kept.keys():
            files[path] = self._bring(path, written)
        self._store.put(CHECKOUT, self._key, {"files": files})
        return gone

    def _stays(self, path: str, file: File) -> bool:
        is_same = self._wanted.get(path) == file.blob
        return is_same and f"{self._root}/{self._recognize(path, self._fetched.read(path)).path}" == file.place

    def _take_away(self, path: str, file: File) -> str:
        found = self._store.get(KIND, file.place)
        if found is None or "content" not in found or not self._is_as_it_was(found, file):
            raise _conflict(f"{path} was changed and not committed")
        self._store.delete(KIND, file.place)
        return str(found["content"])

    def _is_as_it_was(self, found: Document, file: File) -> bool:
        """Somebody may have changed it, and changed it back."""
        if found["content"] == file.content:
            return True
        content = self._objects.read(found)
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == file.blob

    def _bring(self, path: str, written: list[str]) -> File:
        content = self._fetched.read(path)
        made = self._recognize(path, content)
        place = f"{self._root}/{made.path}"
        if self._store.get(KIND, place) is not None:
            raise _conflict(f"{path} is there and not committed")
        self._make_folder(parent_of(place))
        document = self._objects.describe(place, made.object_type)
        written.append(self._objects.write_content(content))
        document.update(language=made.language, content=written[-1], size=len(content))
        self._store.put(KIND, place, document)
        return File(self._wanted[path], place, written[-1])

    def _recognize(self, path: str, content: bytes) -> Imported:
        """A notebook loses its extension unless something else is called so; Jupyter, not served, stays a file."""
        if path.endswith(".ipynb"):
            return Imported(path, "FILE", None)
        made = recognize_import(path, content, "AUTO", None)
        taken = made.path in self._folders or (made.path != path and made.path in self._wanted)
        return Imported(path, "FILE", None) if taken else made

    def _make_folder(self, folder: str) -> None:
        found = self._store.get(KIND, folder)
        if found is None:
            self._make_folder(parent_of(folder))
            self._store.put(KIND, folder, self._objects.describe(folder, "DIRECTORY"))
        elif found["object_type"] not in ("DIRECTORY", "REPO"):
            raise _conflict(f"{folder} is there and not committed")

    def _remove_empty_folders(self, places: Iterator[str]) -> None:
        root = f"{self._root}/"
        left = {folder for place in places for folder in list_folders_above(place) if folder.startswith(root)}
        for folder in sorted(left, reverse=True):
            if folder.removeprefix(root) not in self._folders and not self._store.scan(KIND, f"{folder}/"):
                self._store.delete(KIND, folder)


def _conflict(said: str) -> ApiError:
    return bad_request(f"The checkout would lose local changes: {said}", "GIT_CONFLICT")
