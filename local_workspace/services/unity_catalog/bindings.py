"""Workspace bindings: /api/2.1/unity-catalog/bindings/{securable_type}/{securable_name}.

What they mean is in isolation.py. https://docs.databricks.com/api/workspace/workspacebindings
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request
from local_workspace.services.unity_catalog.grants import denied
from local_workspace.services.unity_catalog.isolation import BINDABLE, READ_ONLY, READ_WRITE


def get_bindings(call: Call) -> dict[str, Any]:
    """GET /bindings: for owners and metastore admins, from any workspace."""
    kind, name = _securable(call)
    bindings = call.workspace.unity.securables.bindings(kind, name)
    return call.page([_describe(*binding) for binding in sorted(bindings.items())], "bindings")


def update_bindings(call: Call) -> dict[str, Any]:
    """PATCH /bindings {add, remove}: all changes or none; one that is there is bound anew as `add` says."""
    kind, name = _securable(call)
    added, removed = _read(call, kind, "add"), _read(call, kind, "remove")
    with call.workspace.store.transaction():
        before = call.workspace.unity.securables.bindings(kind, name)
        kept = {workspace: binding for workspace, binding in before.items() if workspace not in removed}
        bindings = {**kept, **added}
        call.workspace.unity.securables.bind(kind, name, bindings)
    return {"bindings": [_describe(*binding) for binding in sorted(bindings.items())]}


def _securable(call: Call) -> tuple[str, str]:
    kind, name = call.params["securable_type"].lower(), call.params["name"]
    if kind not in BINDABLE:
        raise bad_request(f"Securable type '{kind}' cannot be bound to workspaces; {', '.join(BINDABLE)} can")
    unity = call.workspace.unity
    unity.securables.load(kind, name)
    if not unity.grants.manages(call.caller, kind, name):
        raise denied(call.caller, "MANAGE", kind, name)
    return kind, name


def _read(call: Call, kind: str, field: str) -> dict[str, str]:
    given = call.body.get(field) or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise bad_request(f'{field} must be a list like [{{"workspace_id": 1, "binding_type": "{READ_WRITE}"}}]')
    return dict(_read_binding(kind, one) for one in given)


def _read_binding(kind: str, given: dict[str, Any]) -> tuple[str, str]:
    workspace, binding = given.get("workspace_id"), given.get("binding_type") or READ_WRITE
    if not isinstance(workspace, int) or isinstance(workspace, bool) or workspace <= 0:
        raise bad_request(f"workspace_id must be the id of a workspace, got {workspace!r}")
    if binding not in (READ_ONLY, READ_WRITE):
        raise bad_request(f"binding_type must be {READ_WRITE} or {READ_ONLY}, got {binding!r}")
    if binding == READ_ONLY and kind != "catalog":
        raise bad_request(f"{READ_ONLY} is for catalogs only, not for securable type '{kind}'")
    return str(workspace), binding


def _describe(workspace: str, binding: str) -> dict[str, Any]:
    return {"workspace_id": int(workspace), "binding_type": binding}
