"""Serving endpoints as stored documents: who made one manages it, others have the level that they are given.

No version of a model can be loaded here, so every configuration fails, and each endpoint says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.access_lists import entry_for, gives_level, merge_acl
from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import already_exists, bad_request, not_found, permission_denied
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.principals import WORKSPACE_MEMBERS
from local_workspace.gateway.store import Document
from local_workspace.services.serving_endpoints.configs import NAME, read_config, read_tags, refuse_others
from local_workspace.services.unity_catalog.privileges import MODEL

KIND = "serving_endpoint"
# Each level includes those before it.
LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
_SERVED = ("name", "config", "tags")


def create(call: Call, given: Mapping[str, Any]) -> Document:
    """Create an endpoint that the caller manages: needs EXECUTE on the models.

    Raises:
        ApiError: 403, 404 for a model that does not exist, 400 for bad settings, 409 for a taken name.
    """
    if WORKSPACE_MEMBERS not in call.caller.groups and not call.caller.is_admin:
        raise permission_denied(f"User '{call.caller.name}' is not authorized to create serving endpoints.")
    refuse_others(given, _SERVED)
    name = given.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise bad_request(f"Endpoint name {name!r} must have 1 to 63 letters, digits, dashes and underscores")
    document = {
        "id": secrets.token_hex(16),
        "name": name,
        "creator": call.caller.name,
        "creation_timestamp": now_ms(),
        "last_updated_timestamp": now_ms(),
        "config": {**_admit_config(call, given.get("config")), "config_version": 1},
        "tags": read_tags(given.get("tags")),
        "acl": [entry_for(call.caller, "CAN_MANAGE")],
    }
    with call.workspace.store.transaction():
        if call.workspace.store.get(KIND, name) is not None:
            raise already_exists(f"Endpoint with name '{name}' already exists.")
        call.workspace.store.put(KIND, name, document)
    return document


def find(call: Call, name: str, level: str) -> Document:
    """Return an endpoint on which the caller holds at least the level.

    Raises:
        ApiError: 404, 403.
    """
    document = call.workspace.store.get(KIND, name)
    if document is None:
        raise not_found(f"Endpoint with name '{name}' does not exist.")
    if not has_level(call.caller, document, level):
        raise permission_denied(f"User '{call.caller.name}' does not have {level} on Serving endpoint '{name}'.")
    return document


def find_by_id(call: Call, identity: str, level: str) -> Document:
    """Return the endpoint of an id.

    Raises:
        ApiError: 404, 403.
    """
    names = (key for key, document in call.workspace.store.scan(KIND) if document["id"] == identity)
    name = next(names, None)
    if name is None:
        raise not_found(f"Endpoint with id '{identity}' does not exist.")
    return find(call, name, level)


def list_visible(call: Call) -> list[Document]:
    """Return the endpoints that the caller may view, by name."""
    return [one for _, one in call.workspace.store.scan(KIND) if has_level(call.caller, one, "CAN_VIEW")]


def has_level(caller: Principal, endpoint: Document, level: str) -> bool:
    """Say whether the caller holds at least the level; workspace admins always do."""
    return caller.is_admin or gives_level(caller, endpoint["acl"], LEVELS, level)


def replace_config(call: Call, name: str, given: Mapping[str, Any]) -> Document:
    """Replace the configuration."""
    find(call, name, "CAN_MANAGE")
    config = _admit_config(call, dict(given))
    with call.workspace.store.transaction():
        document = find(call, name, "CAN_MANAGE")
        config["config_version"] = document["config"]["config_version"] + 1
        changed = {**document, "config": config, "last_updated_timestamp": now_ms()}
        call.workspace.store.put(KIND, name, changed)
    return changed


def change_tags(call: Call, name: str, added: Any, deleted: Any) -> dict[str, str]:
    """Add tags, take tags away, and return those that are there."""
    new = read_tags(added)
    gone = deleted or []
    if not isinstance(gone, list):
        raise bad_request("delete_tags must be a list of keys")
    with call.workspace.store.transaction():
        document = find(call, name, "CAN_MANAGE")
        tags = {key: value for key, value in {**document["tags"], **new}.items() if key not in gone}
        call.workspace.store.put(KIND, name, {**document, "tags": tags})
    return tags


def delete(call: Call, name: str) -> None:
    """Delete an endpoint."""
    with call.workspace.store.transaction():
        find(call, name, "CAN_MANAGE")
        call.workspace.store.delete(KIND, name)


def put_acl(call: Call, identity: str, acl: list[Document], keep: bool) -> Document:
    """Replace the access list, or with `keep` change the given entries only."""
    with call.workspace.store.transaction():
        document = find_by_id(call, identity, "CAN_MANAGE")
        document["acl"] = merge_acl(document["acl"] if keep else [], acl)
        call.workspace.store.put(KIND, document["name"], document)
    return document


def _admit_config(call: Call, given: Any) -> Document:
    config = read_config(given)
    for entity in config["served_entities"]:
        call.workspace.unity.check(call.caller, "EXECUTE", MODEL, entity["entity_name"])
    return config
