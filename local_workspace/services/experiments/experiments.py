"""Experiments as nodes of the workspace's tree, and those in its trash: a deleted one keeps its id and frees its name.

Who may do what with one, the tree says: CAN_READ sees it, CAN_EDIT sets tags, CAN_MANAGE does the rest; to create,
delete and restore takes CAN_EDIT on its folder. https://docs.databricks.com/en/mlflow/experiments-acl.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local_workspace.gateway.access_lists import gives_level
from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, not_found, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import Document
from local_workspace.services.workspace.access import LEVELS, check_level, has_level
from local_workspace.services.workspace.objects import WorkspaceObjects
from local_workspace.services.workspace.tree import KIND, normalize_path, parent_of

TYPE = "MLFLOW_EXPERIMENT"
TRASH = "trashed_experiment"
LONGEST_KEY, LONGEST_VALUE = 250, 5000


def create(call: Call, name: Any, tags: Any) -> Document:
    """Create an experiment at an absolute path of the tree.

    Raises:
        ApiError: 400 for a name that is no path, 404 without its folder, 409 when something stands there.
    """
    kept = _read_tags(tags)
    return _add(call, _check_path(name), {"tags": kept})


def load(call: Call, identity: Any, level: str) -> Document:
    """Return an experiment, also one in the trash, on which the caller holds at least the level.

    Raises:
        ApiError: 404, 403.
    """
    found = _get(call, identity)
    _check(call, found, level)
    return found


def find(call: Call, name: str) -> Document:
    """Return the experiment of a name; if there is none, the one that was put into the trash last."""
    store, path = call.workspace.store, normalize_path(name)
    active = store.get(KIND, path)
    if active is None or active["object_type"] != TYPE:
        trashed = [one for _, one in store.scan(TRASH) if one["path"] == path]
        active = max(trashed, key=lambda one: int(one["modified_at"]), default=None)
    if active is None:
        raise not_found(f"Node {name} does not exist.")
    _check(call, active, "CAN_READ")
    return active


def list_seen(call: Call, stages: tuple[str, ...]) -> Iterator[Document]:
    """Yield the experiments of these life-cycle stages that the caller may read, by path."""
    store = call.workspace.store
    everything = [*(one for _, one in store.scan(KIND)), *(one for _, one in store.scan(TRASH))]
    for one in everything:
        if one["object_type"] == TYPE and stage_of(one) in stages and _may(call, one, "CAN_READ"):
            yield one


def set_tag(call: Call, identity: Any, key: Any, value: Any) -> None:
    """Set one tag of an experiment that is not in the trash."""
    added = _read_tags([{"key": key, "value": value}])
    with call.workspace.store.transaction():
        document = load_active(call, identity, "CAN_EDIT")
        tags = {**document["tags"], **added}
        call.workspace.store.put(KIND, document["path"], {**document, "tags": tags, "modified_at": now_ms()})


def rename(call: Call, identity: Any, name: Any) -> None:
    """Move an experiment to another path."""
    path, store = _check_path(name), call.workspace.store
    with store.transaction():
        document = load_active(call, identity, "CAN_MANAGE")
        if path != document["path"]:
            store.delete(KIND, document["path"])
            _put_back(call, {**document, "path": path})


def trash(call: Call, identity: Any) -> None:
    """Put an experiment into the trash."""
    store = call.workspace.store
    with store.transaction():
        document = _require_active(_get(call, identity))
        _check_folder(call, document)
        store.delete(KIND, document["path"])
        store.put(TRASH, str(identity), {**document, "deleted": True, "modified_at": now_ms()})


def restore(call: Call, identity: Any) -> None:
    """Take an experiment out of the trash, to where it was."""
    store = call.workspace.store
    with store.transaction():
        document = _get(call, identity)
        _check_folder(call, document)
        if stage_of(document) == "active":
            raise not_found(f"No deleted experiment with ID {identity} exists.")
        store.delete(TRASH, str(identity))
        _put_back(call, {name: value for name, value in document.items() if name != "deleted"})


def load_active(call: Call, identity: Any, level: str) -> Document:
    """Return an experiment that is not in the trash.

    Raises:
        ApiError: 400 for one that is.
    """
    return _require_active(load(call, identity, level))


def stage_of(document: Document) -> str:
    """Return the life-cycle stage."""
    return "deleted" if document.get("deleted") else "active"


def _get(call: Call, identity: Any) -> Document:
    store = call.workspace.store
    active = (one for _, one in store.scan(KIND) if str(one["object_id"]) == str(identity))
    found = next((one for one in active if one["object_type"] == TYPE), None) or store.get(TRASH, str(identity))
    if found is None:
        raise not_found(f"Node ID {identity} does not exist.")
    return found


def _require_active(document: Document) -> Document:
    if stage_of(document) != "active":
        identity = document["object_id"]
        raise bad_request(f"The experiment {identity} must be in the 'active' state. Current state is deleted.")
    return document


def _put_back(call: Call, document: Document) -> None:
    _add(call, document["path"], {**document, "modified_at": now_ms()})


def _add(call: Call, path: str, fields: Document) -> Document:
    return WorkspaceObjects(call.workspace, call.caller).add(path, TYPE, fields, "CAN_EDIT")


def _check_folder(call: Call, document: Document) -> None:
    check_level(call.workspace.store, call.caller, parent_of(document["path"]), "CAN_EDIT")


def _check(call: Call, document: Document, level: str) -> None:
    if not _may(call, document, level):
        path = document["path"]
        raise permission_denied(f"User '{call.caller.name}' does not have {level} on Workspace object '{path}'.")


def _may(call: Call, document: Document, level: str) -> bool:
    """One in the trash is under the folder that it was in, and its own list; something else may stand at its path."""
    store, path = call.workspace.store, document["path"]
    if stage_of(document) == "active":
        return has_level(store, call.caller, path, level)
    own = gives_level(call.caller, document.get("acl", []), LEVELS, level)
    return own or has_level(store, call.caller, parent_of(path), level)


def _check_path(name: Any) -> str:
    if not isinstance(name, str) or not name.startswith("/") or normalize_path(name) == "/":
        rule = "An experiment name must be an absolute path within the Databricks workspace"
        raise bad_request(f"Got an invalid experiment name '{name}'. {rule}, e.g. '/Users/<user>/my-experiment'.")
    return normalize_path(name)


def _read_tags(given: Any) -> dict[str, str]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_request("tags must be a list of objects with key and value")
    tags: dict[str, str] = {}
    for one in given:
        key, value = one.get("key"), one.get("value", "")
        if not isinstance(key, str) or not 1 <= len(key.encode()) <= LONGEST_KEY:
            raise bad_request(f"The key of a tag must have 1 to {LONGEST_KEY} bytes, got {key!r}")
        if not isinstance(value, str) or len(value.encode()) > LONGEST_VALUE:
            raise bad_request(f"The value of tag {key} must be a text of at most {LONGEST_VALUE} bytes")
        tags[key] = value
    return tags
