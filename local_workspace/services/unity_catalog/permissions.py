"""Grants: /api/2.1/unity-catalog/{permissions,effective-permissions}/{securable_type}/{full_name}.

https://docs.databricks.com/api/workspace/grants
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request
from local_workspace.services.unity_catalog.privileges import MODEL, securable_type
from local_workspace.services.unity_catalog.securables import METASTORE


def get_permissions(call: Call) -> dict[str, Any]:
    """GET /permissions: what is granted on the securable itself; owners, managers and the grantee see it."""
    kind, name = _seen_securable(call)
    grants = call.workspace.unity.grants
    shown = _visible(call, kind, name, grants.direct(kind, name))
    assignments = [{"principal": principal, "privileges": held} for principal, held in shown.items()]
    return call.page(assignments, "privilege_assignments")


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH /permissions: all changes or none; needs ownership or MANAGE."""
    kind, name = _securable(call)
    unity = call.workspace.unity
    unity.grants.check_manage(call.caller, kind, name)
    changes = call.body.get("changes")
    if not isinstance(changes, list) or not all(isinstance(change, dict) for change in changes):
        raise bad_request('changes must be a list like [{"principal": "analysts", "add": ["SELECT"]}]')
    unity.grants.change(kind, name, changes)
    held = unity.grants.direct(kind, name)
    return {"privilege_assignments": [{"principal": one, "privileges": held[one]} for one in held]}


def get_effective(call: Call) -> dict[str, Any]:
    """GET /effective-permissions: with what is inherited and where from."""
    kind, name = _seen_securable(call)
    grants = call.workspace.unity.grants
    effective: dict[str, list[dict[str, str]]] = {}
    for link_kind, link_name in grants.chain(kind, name):
        if link_kind == METASTORE and kind != METASTORE:
            continue
        for principal, held in _visible(call, kind, name, grants.direct(link_kind, link_name)).items():
            source = {} if (link_kind, link_name) == (kind, name) else _source(link_kind, link_name)
            effective.setdefault(principal, []).extend({"privilege": privilege, **source} for privilege in held)
    assignments = [{"principal": one, "privileges": held} for one, held in sorted(effective.items())]
    return call.page(assignments, "privilege_assignments")


def _source(kind: str, name: str) -> dict[str, str]:
    return {"inherited_from_type": kind.upper(), "inherited_from_name": name}


def _securable(call: Call) -> tuple[str, str]:
    kind, name = securable_type(call.params["securable_type"]).key, call.params["full_name"]
    if kind == "function" and call.workspace.unity.securables.find(MODEL, name):
        kind = MODEL
    return kind, METASTORE if kind == METASTORE else name


def _seen_securable(call: Call) -> tuple[str, str]:
    kind, name = _securable(call)
    call.workspace.unity.grants.check_sees(call.caller, kind, name)
    return kind, name


def _visible(call: Call, kind: str, name: str, held: dict[str, list[str]]) -> dict[str, list[str]]:
    """Who cannot manage the securable sees their own grants only."""
    wanted = call.query.get("principal")
    if not call.workspace.unity.grants.manages(call.caller, kind, name):
        held = {one: held[one] for one in held if one == call.caller.name or one in call.caller.groups}
    return {one: held[one] for one in held if wanted in (None, "", one)}
