"""The trash: what was deleted of queries, alerts and dashboards, for 30 days. It is restored in the UI only."""

from __future__ import annotations

import time

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.store import Document, Store
from local_workspace.services.workspace.tree import KIND

TRASH = "trashed_object"
KEPT_S = 30 * 24 * 3600
# What goes there; notebooks, files and folders are deleted for good.
TRASHABLE = ("QUERY", "ALERTV2", "DASHBOARD")


def move_to_trash(store: Store, caller: Principal, document: Document) -> None:
    """Take a document out of the tree and keep it in the trash of who deleted it."""
    name = document["path"].rpartition("/")[2]
    place = {"path": f"/Users/{caller.name}/Trash/{document['id']}", "name": name, "trashed_at": time.time()}
    with store.transaction():
        store.delete(KIND, document["path"])
        store.put(TRASH, document["id"], {**document, **place})


def scan_trash(store: Store) -> list[Document]:
    """Return what is in the trash; what has been there for too long is forgotten."""
    found = [document for _, document in store.scan(TRASH)]
    for document in found:
        if time.time() - document["trashed_at"] > KEPT_S:
            store.delete(TRASH, document["id"])
    return [document for document in found if time.time() - document["trashed_at"] <= KEPT_S]
