"""Stored securables: metastore, catalogs, schemas and what lies in them, storage credentials, external locations.

Knows names and parents; who may do what is in grants.py, what a call means in the modules beside.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from local_workspace.gateway.errors import ApiError, already_exists, bad_request, not_found, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import AlreadyStored, Document, Store
from local_workspace.services.unity_catalog.object_names import find_full_name_problem, find_name_problem, fold_name
from local_workspace.services.unity_catalog.privileges import MODEL, TYPES

METASTORE = "metastore"
METASTORE_ID = "5f7f3a39-5b29-4a6b-9c5d-0c0f7a1f2e11"
_NAMES = ("name", "full_name", "catalog_name", "schema_name", "credential_name")
SYSTEM, SYSTEM_OWNER = "system", "System user"  # its catalog is read, granted and never changed
_CHILDREN = {"catalog": ("schema",), "schema": ("table", "volume", "function", MODEL)}
_PERIODS = {"schema": 1, **dict.fromkeys(_CHILDREN["schema"], 2)}  # in full names
_SAME_NAMES = {"function": MODEL, MODEL: "function"}


class Securables:
    """Reads and writes securables by type and full name."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def find(self, kind: str, full_name: str) -> Document | None:
        """Return the securable, or None. The metastore answers to any name."""
        return self.store.get(kind, METASTORE if kind == METASTORE else fold_name(full_name))

    def load(self, kind: str, full_name: str) -> Document:
        """Return the securable.

        Raises:
            ApiError: 404 with the code of the type, or of the first parent that is missing.
        """
        for parent_kind, parent in self.parents(kind, full_name):
            if parent_kind != METASTORE and self.find(parent_kind, parent) is None:
                raise missing(parent_kind, parent)
        found = self.find(kind, full_name)
        if found is None:
            raise missing(kind, full_name)
        return found

    def insert(self, kind: str, full_name: str, document: Document, owner: str) -> Document:
        """Store a new securable with its id, owner and times; its names in lower case, as the service keeps them.

        Raises:
            ApiError: 409 when the name is taken, 403 in the catalog system.
        """
        if owner != SYSTEM_OWNER:
            require_changeable(full_name)
        now = now_ms()
        stamped = {
            "owner": owner,
            "created_by": owner,
            "updated_by": owner,
            "created_at": now,
            "updated_at": now,
            "metastore_id": METASTORE_ID,
            "full_name": full_name,
            **document,
        }
        stamped |= {field: fold_name(stamped[field]) for field in _NAMES if field in stamped}
        with self.store.transaction():
            if kind in _SAME_NAMES and self.find(_SAME_NAMES[kind], full_name):
                raise _taken(_SAME_NAMES[kind], full_name)
            try:
                self.store.insert(kind, fold_name(full_name), stamped)
            except AlreadyStored:
                raise _taken(kind, full_name) from None
        return stamped

    def update(self, kind: str, full_name: str, changes: Document, by: str) -> Document:
        """Change fields of a securable in one transaction and return it; a None value removes the field."""
        require_changeable(full_name)
        with self.store.transaction():
            document = {**self.load(kind, full_name), **changes}
            document["updated_at"], document["updated_by"] = now_ms(), by
            document = {key: value for key, value in document.items() if value is not None}
            self.store.put(kind, fold_name(full_name), document)
        return document

    def rename(self, kind: str, full_name: str, new_name: str, by: str) -> Document:
        """Give a securable without children another last name; its grants go with it."""
        new_full_name = ".".join([*full_name.split(".")[:-1], new_name])
        with self.store.transaction():
            document = self.load(kind, full_name)
            self.insert(kind, new_full_name, {**document, "name": new_name, "full_name": new_full_name}, by)
            grants = self.store.get("grant", grant_key(kind, full_name)) or {}
            self.store.put("grant", grant_key(kind, new_full_name), grants)
            self.bind(kind, new_full_name, self.bindings(kind, full_name))
            self.remove(kind, full_name)
        return self.load(kind, new_full_name)

    def remove(self, kind: str, full_name: str) -> None:
        """Remove a securable, its grants and its bindings."""
        require_changeable(full_name)
        with self.store.transaction():
            self.store.delete(kind, fold_name(full_name))
            self.store.delete("grant", grant_key(kind, full_name))
            self.store.delete("binding", grant_key(kind, full_name))

    def bindings(self, kind: str, full_name: str) -> dict[str, str]:
        """Return workspace -> binding type."""
        return self.store.get("binding", grant_key(kind, full_name)) or {}

    def bind(self, kind: str, full_name: str, bindings: dict[str, str]) -> None:
        """Replace the bindings."""
        self.store.put("binding", grant_key(kind, full_name), bindings)

    def list_all(self, kind: str, parent: str = "") -> list[Document]:
        """Return all of a type, ordered by name; `parent` narrows to its children."""
        prefix = f"{fold_name(parent)}." if parent else ""
        return [document for _, document in self.store.scan(kind, prefix)]

    def children(self, kind: str, full_name: str) -> Iterator[tuple[str, Document]]:
        """Yield (type, document) of everything directly inside."""
        for child_kind in _CHILDREN.get(kind, ()):
            for document in self.list_all(child_kind, full_name):
                yield child_kind, document

    def parents(self, kind: str, full_name: str) -> list[tuple[str, str]]:
        """Return (type, full name) of the parents, outermost first."""
        parts = full_name.split(".")
        chain = [(METASTORE, METASTORE)] if kind != METASTORE else []
        if kind in ("schema", *_CHILDREN["schema"]):
            chain.append(("catalog", parts[0]))
        if kind in _CHILDREN["schema"]:
            chain.append(("schema", ".".join(parts[:2])))
        return chain


def require_changeable(full_name: str) -> None:
    """Refuse to change what the service itself keeps.

    Raises:
        ApiError: 403.
    """
    if full_name.lower().split(".")[0] == SYSTEM:
        raise permission_denied(f"'{full_name}' is in the catalog '{SYSTEM}', which is read-only.")


def missing(kind: str, full_name: str) -> ApiError:
    """Build the 404 of a securable, or the 400 of a name that none of its type can have."""
    if full_name.count(".") != _PERIODS.get(kind, 0):
        return bad_request(f"'{full_name}' is not the full name of a {TYPES[kind].label}: it has too many or few parts")
    if problem := find_full_name_problem(full_name):
        return bad_request(f"{TYPES[kind].label} '{full_name}' cannot exist: its {problem}")
    return not_found(f"{TYPES[kind].label} '{full_name}' does not exist.", f"{kind.upper()}_DOES_NOT_EXIST")


def check_full_name(name: str, what: str) -> str:
    """Return the full name of what lies in a schema.

    Raises:
        ApiError: 400 when it has other than three parts.
    """
    if name.count(".") != 2:
        raise bad_request(f"'{name}' is not a full {what} name; it is catalog.schema.{what}")
    return name


def _taken(kind: str, full_name: str) -> ApiError:
    return already_exists(f"{TYPES[kind].label} '{full_name}' already exists", f"{kind.upper()}_ALREADY_EXISTS")


def grant_key(kind: str, full_name: str) -> str:
    """Return the key of a securable's grants and bindings."""
    return f"{kind}|{METASTORE if kind == METASTORE else fold_name(full_name)}"


def new_id() -> str:
    """Return a fresh UUID."""
    return str(uuid.uuid4())


def check_name(name: Any, what: str) -> str:
    """Return a valid single name.

    Raises:
        ApiError: 400 when it is no string, empty, too long, or has characters that names do not take.
    """
    if not isinstance(name, str):
        raise bad_request(f"{what} name must be a text, got {name!r}")
    if problem := find_name_problem(name):
        raise bad_request(f"{what} {problem}")
    return name
