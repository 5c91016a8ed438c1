"""Jobs in the Permissions API: get, set, update, levels.

https://docs.databricks.com/api/workspace/permissions
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.services.jobs.access import (
    LEVELS,
    check_job_access,
    check_job_management,
    parse_acl,
    read_acl,
    require_owner,
    write_acl,
)
from local_workspace.services.jobs.jobs import load_job
from local_workspace.services.jobs.runs import read_id


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/jobs/{id}."""
    job_id = _admit(call, "CAN_VIEW")
    return _show(call, job_id)


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/jobs/{id}: replace all entries, of which one is the owner's."""
    job_id = _admit(call, "CAN_MANAGE")
    entries = parse_acl(call.body.get("access_control_list") or [])
    require_owner(entries)
    write_acl(call.workspace.store, job_id, entries)
    return _show(call, job_id)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/jobs/{id}: change the entries of the principals named."""
    job_id = _admit(call, "CAN_MANAGE")
    store = call.workspace.store
    requested = parse_acl(call.body.get("access_control_list") or [])
    changed = {entry["principal"]: entry for entry in requested}
    with store.transaction():
        kept = [entry for entry in read_acl(store, job_id) if entry["principal"] not in changed]
        if any(entry["level"] == "IS_OWNER" for entry in changed.values()):
            kept = [entry for entry in kept if entry["level"] != "IS_OWNER"]
        entries = [*kept, *requested]
        require_owner(entries)
        write_acl(store, job_id, entries)
    return _show(call, job_id)


def list_levels(call: Call) -> dict[str, Any]:
    """GET permissions/jobs/{id}/permissionLevels."""
    _admit(call, "CAN_VIEW")
    return {"permission_levels": [{"permission_level": level} for level in LEVELS]}


def _admit(call: Call, level: str) -> int:
    job_id = read_id(call, "job_id")
    load_job(call.workspace.store, job_id)
    if level == "CAN_MANAGE":
        check_job_management(call.workspace.store, call.caller, job_id)
    else:
        check_job_access(call.workspace.store, call.caller, job_id, level)
    return job_id


def _show(call: Call, job_id: int) -> dict[str, Any]:
    entries = [
        {
            entry["kind"]: entry["principal"],
            "all_permissions": [{"permission_level": entry["level"], "inherited": False}],
        }
        for entry in read_acl(call.workspace.store, job_id)
    ]
    admins = {
        "group_name": "admins",
        "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": ["/jobs/"]}],
    }
    return {"object_id": f"/jobs/{job_id}", "object_type": "job", "access_control_list": [*entries, admins]}
