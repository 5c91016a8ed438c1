"""Pipelines as stored documents: who made one owns it, others have the level that they are given."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.access_lists import entry_for, gives_level, merge_acl
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, conflict, not_found, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document, Store
from local_workspace.services.pipelines.settings import read_settings

KIND = "pipeline"
# Each level includes those before it.
LEVELS = ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER")
_FILTER = re.compile(r"\s*(name\s+LIKE|notebook\s*=)\s*'((?:[^']|'')*)'\s*", re.IGNORECASE)
_ORDER = re.compile(r"\s*(id|name)(\s+asc|\s+desc)?\s*", re.IGNORECASE)


def create(store: Store, caller: Principal, given: Mapping[str, Any]) -> Document:
    """Create a pipeline that the caller owns.

    Raises:
        ApiError: 403 for who is no member of the workspace, 400 for bad settings, 409 for a taken name.
    """
    if WORKSPACE_MEMBERS not in caller.groups and not caller.is_admin:
        raise permission_denied(f"User '{caller.name}' is not authorized to create pipelines.")
    identity = str(uuid.uuid4())
    document = {
        "pipeline_id": identity,
        "creator_user_name": caller.name,
        "last_modified": now_ms(),
        "spec": read_settings(given),
        "acl": [entry_for(caller, "IS_OWNER")],
    }
    with store.transaction():
        _check_name(store, document, given)
        store.put(KIND, identity, document)
    return document


def edit(store: Store, caller: Principal, identity: str, given: Mapping[str, Any]) -> None:
    """Replace the definition; what is not given is taken away.

    Raises:
        ApiError: 409 when it is no longer as of expected_last_modified, 400 for another catalog.
    """
    expected = given.get("expected_last_modified")
    with store.transaction():
        document = find(store, caller, identity, "CAN_MANAGE")
        spec = read_settings(given)
        if expected is not None and expected != document["last_modified"]:
            raise conflict(f"Pipeline {identity} was modified at {document['last_modified']}, not at {expected}.")
        if spec["catalog"] != document["spec"]["catalog"]:
            raise bad_request(f"The catalog of pipeline {identity} cannot be changed")
        changed = {**document, "spec": spec, "last_modified": now_ms()}
        _check_name(store, changed, given)
        store.put(KIND, identity, changed)


def delete(store: Store, caller: Principal, identity: str) -> None:
    """Delete a pipeline."""
    with store.transaction():
        find(store, caller, identity, "CAN_MANAGE")
        store.delete(KIND, identity)


def find(store: Store, caller: Principal, identity: str, level: str) -> Document:
    """Return a pipeline on which the caller holds at least the level.

    Raises:
        ApiError: 404, 403.
    """
    document = store.get(KIND, identity)
    if document is None:
        raise not_found(f"The specified pipeline {identity} was not found.")
    if not has_level(caller, document, level):
        raise permission_denied(f"User '{caller.name}' does not have {level} on Pipeline '{identity}'.")
    return document


def list_visible(store: Store, caller: Principal, wanted: str | None, order: str | None) -> list[Document]:
    """Return the pipelines that the caller may view and the filter lets through.

    Raises:
        ApiError: 400 for another filter or order than the API has.
    """
    lets = _parse_filter(wanted)
    field, descending = _parse_order(order)
    found = [one for _, one in store.scan(KIND) if has_level(caller, one, "CAN_VIEW") and lets(one)]
    return sorted(found, key=field, reverse=descending)


def has_level(caller: Principal, pipeline: Document, level: str) -> bool:
    """Say whether the caller holds at least the level; workspace admins always do."""
    return caller.is_admin or gives_level(caller, pipeline["acl"], LEVELS, level)


def put_acl(store: Store, caller: Principal, identity: str, acl: list[Document], keep: bool) -> Document:
    """Replace the access list, or with `keep` change the given entries only; there is always one owner.

    Raises:
        ApiError: 400 for several owners, or for one who would be an owner no longer without another.
    """
    named = [entry for entry in acl if entry["permission_level"] == "IS_OWNER"]
    if len(named) > 1:
        raise bad_request("A pipeline has exactly one owner")
    with store.transaction():
        document = find(store, caller, identity, "CAN_MANAGE")
        owners = [entry for entry in document["acl"] if entry["permission_level"] == "IS_OWNER"]
        others = [entry for entry in document["acl"] if entry not in owners] if keep else []
        document["acl"] = merge_acl([*others, *([] if named else owners)], acl)
        if owners and not any(entry["permission_level"] == "IS_OWNER" for entry in document["acl"]):
            raise bad_request("A pipeline has exactly one owner; name another before this one gets a lower level")
        store.put(KIND, identity, document)
    return document


def _check_name(store: Store, document: Document, given: Mapping[str, Any]) -> None:
    name, identity = document["spec"]["name"], document["pipeline_id"]
    if given.get("allow_duplicate_names"):
        return
    if any(one["spec"]["name"] == name and key != identity for key, one in store.scan(KIND)):
        hint = "This check can be skipped by setting `allow_duplicate_names = true` in the request."
        raise conflict(f"The pipeline name '{name}' is already used by another pipeline. {hint}")


def _parse_filter(text: str | None) -> Any:
    if not text:
        return lambda one: True
    match = _FILTER.fullmatch(text)
    if match is None:
        raise bad_request(f"Unsupported filter {text!r}; one of name LIKE '...' and notebook='...' is expected")
    value = match[2].replace("''", "'")
    if match[1].lower().startswith("notebook"):
        return lambda one: {"notebook": {"path": value}} in one["spec"]["libraries"]
    parts = {"%": ".*", "_": "."}
    pattern = re.compile("".join(parts.get(one) or re.escape(one) for one in value), re.DOTALL)
    return lambda one: pattern.fullmatch(one["spec"]["name"]) is not None


def _parse_order(text: str | None) -> tuple[Any, bool]:
    match = _ORDER.fullmatch(text or "id")
    if match is None:
        raise bad_request(f"Unsupported order_by {text!r}; id or name, with asc or desc, is expected")
    by_name = match[1].lower() == "name"
    key = (lambda one: str(one["spec"]["name"])) if by_name else (lambda one: str(one["pipeline_id"]))
    return key, (match[2] or "").strip().lower() == "desc"
