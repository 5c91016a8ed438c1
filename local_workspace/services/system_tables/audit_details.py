"""What calls did whose event is not in their parameters: members of groups, objects of the workspace's tree.

Each function looks before the call is served, and returns what looks after it and says which events there were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from local_workspace.gateway.calls import Call
from local_workspace.gateway.store import Document, Store
from local_workspace.services.workspace import tree
from local_workspace.services.workspace.forms import decode_field, is_form, parse_form


class Event(NamedTuple):
    """What is recorded of a call."""

    service: str
    action: str
    parameters: Mapping[str, Any]


Tell = Callable[[], Iterable[Event]]
Describe = Callable[[Call], Tell]


def describe_function(call: Call) -> Tell:
    """POST functions: its name, which stands in a document of its own."""
    given = call.body.get("function_info")
    if not isinstance(given, dict):
        return tuple
    names = {name: given.get(name) for name in ("catalog_name", "schema_name", "name")}
    event = Event("unityCatalog", "createFunction", {"function_info": names})
    return lambda: (event,)


def describe_new_group(call: Call) -> Tell:
    """POST Groups: the group, then who is in it."""
    name = str(call.body.get("displayName"))

    def tell() -> Iterable[Event]:
        found = call.workspace.store.get("group", name)
        yield _account_event("createGroup", targetUserName=name, targetUserId=found and found["id"])
        if found:
            yield from _tell_members(call.workspace.store, found, [])

    return tell


def describe_members(call: Call) -> Tell:
    """PATCH Groups: who came and who went."""
    store = call.workspace.store
    found = _find(store, "group", call.params["id"])
    before = found["members"] if found else []

    def tell() -> Iterable[Event]:
        changed = _find(store, "group", call.params["id"])
        return _tell_members(store, changed, before) if changed else ()

    return tell


def describe_removed_group(call: Call) -> Tell:
    """DELETE Groups: its name."""
    found = _find(call.workspace.store, "group", call.params["id"])
    name = found["name"] if found else None
    event = _account_event("removeGroup", targetGroupName=name, targetGroupId=call.params["id"])
    return lambda: (event,)


def describe_new_user(call: Call) -> Tell:
    """POST Users: who."""
    name = str(call.body.get("userName"))

    def tell() -> Iterable[Event]:
        found = call.workspace.store.get("principal", name)
        yield _account_event("add", targetUserName=name, targetUserId=found and found["id"])

    return tell


def describe_user(call: Call) -> Tell:
    """PATCH Users: whether it was deactivated, activated, or otherwise changed."""
    store = call.workspace.store
    before = _find(store, "principal", call.params["id"])

    def tell() -> Iterable[Event]:
        after = _find(store, "principal", call.params["id"])
        if before is None or after is None:
            return
        switched = before.get("active", True) != after.get("active", True)
        switch = "activateUser" if after.get("active", True) else "deactivateUser"
        yield _account_event(switch if switched else "updateUser", **_target(after))

    return tell


def describe_removed_user(call: Call) -> Tell:
    """DELETE Users: who."""
    found = _find(call.workspace.store, "principal", call.params["id"])
    events = (_account_event("delete", **_target(found)),) if found else ()
    return lambda: events


def describe_token(action: str, call: Call) -> Tell:
    """POST token/create and token/delete: whose it is; nothing of the token."""
    event = Event("accounts", action, {"userId": str(call.caller.id)})
    return lambda: (event,)


def describe_import(call: Call) -> Tell:
    """POST import: which type of object it became."""
    given = decode_field("path", parse_form(call).get("path", b"")) if is_form(call) else str(call.require("path"))
    path = tree.normalize_path(f"/{given.lstrip('/')}")

    def tell() -> Iterable[Event]:
        for one in (path, path.rpartition(".")[0]):  # a notebook's extension is no part of its name
            found = _find_object(call.workspace.store, one)
            if found:
                is_notebook = found["object_type"] == "NOTEBOOK"
                service, action = ("notebook", "importNotebook") if is_notebook else ("workspace", "fileCreate")
                return (Event(service, action, {"path": found["path"]}),)
        return ()

    return tell


def describe_deletion(call: Call) -> Tell:
    """POST delete: which type of object it was; of the others the names are not known."""
    found = _find_object(call.workspace.store, tree.normalize_path(str(call.require("path"))))
    if found is None or found["object_type"] not in _DELETED:
        return tuple
    service, action = _DELETED[found["object_type"]]
    event = Event(service, action, {"path": found["path"]})
    return lambda: (event,)


def describe_object_acl(kind: str, call: Call) -> Tell:
    """PUT and PATCH permissions of an object: which one."""
    event = Event("workspace", "changeWorkspaceAcl", {"aclChangeResourceName": f"{kind}/{call.params['object_id']}"})
    return lambda: (event,)


_DELETED = {
    "NOTEBOOK": ("notebook", "deleteNotebook"),
    "DIRECTORY": ("notebook", "deleteFolder"),
    "FILE": ("workspace", "fileDelete"),
}


def _find(store: Store, kind: str, scim_id: str) -> Document | None:
    """Return a `group` or a `principal` by its id in SCIM."""
    return next((one for _, one in store.scan(kind) if str(one["id"]) == scim_id), None)


def _target(user: Document) -> dict[str, Any]:
    return {"targetUserName": user["name"], "targetUserId": user["id"]}


def _find_object(store: Store, path: str) -> Document | None:
    return store.get(tree.KIND, path)


def _tell_members(store: Store, group: Document, before: list[str]) -> Iterable[Event]:
    changes = [("addPrincipalToGroup", name) for name in group["members"] if name not in before]
    changes += [("removePrincipalFromGroup", name) for name in before if name not in group["members"]]
    for action, name in changes:
        member = store.get("principal", name) or store.get("group", name) or {}
        yield _account_event(
            action,
            targetGroupName=group["name"],
            targetGroupId=group["id"],
            targetUserName=name,
            targetUserId=member.get("id"),
        )


def _account_event(action: str, **parameters: Any) -> Event:
    return Event("accounts", action, {**parameters, "endpoint": "scim"})


def as_text(value: Any) -> str:
    """Return a parameter as the log has it: a text, or JSON."""
    return value if isinstance(value, str) else json.dumps(value)
