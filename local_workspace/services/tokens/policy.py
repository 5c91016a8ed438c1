"""The settings and permissions that make the token policy; for admins.

https://docs.databricks.com/api/workspace/workspaceconf and .../tokenmanagement
"""

from __future__ import annotations

import json
from typing import Any

from local_workspace.gateway import token_policy
from local_workspace.gateway.access_lists import describe_acl, merge_acl, parse_acl
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.principals import WORKSPACE_ADMINS
from local_workspace.gateway.request_log import require_admin

ADMINS_HOLD = {"group_name": WORKSPACE_ADMINS, "permission_level": "CAN_MANAGE"}  # whatever is set; nobody else may
SETTINGS = (token_policy.ENABLED, token_policy.LONGEST)


def get_settings(call: Call) -> dict[str, Any]:
    """GET workspace-conf?keys=: null for what was never set."""
    require_admin(call)
    keys = [one.strip() for one in str(call.require("keys")).split(",")]
    _refuse_others(keys)
    policy = token_policy.load(call.workspace.store)
    return {key: policy.get(key) for key in keys}


def set_settings(call: Call) -> dict[str, Any]:
    """PATCH workspace-conf: all or none."""
    require_admin(call)
    _refuse_others(list(call.body))
    changes = {name: token_policy.check_setting(name, value) for name, value in call.body.items()}
    token_policy.change(call.workspace.store, **changes)
    return {}


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/authorization/tokens."""
    require_admin(call)
    return _describe_acl(call)


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/authorization/tokens: replace."""
    return _put_acl(call, keep=False)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/authorization/tokens: change the given entries."""
    return _put_acl(call, keep=True)


def get_permission_levels(call: Call) -> dict[str, Any]:
    """GET permissions/authorization/tokens/permissionLevels."""
    require_admin(call)
    levels = {"CAN_USE": "Can use tokens", ADMINS_HOLD["permission_level"]: "Can manage tokens"}
    return {"permission_levels": [{"permission_level": name, "description": text} for name, text in levels.items()]}


_PERMISSIONS = "/api/2.0/permissions/authorization/tokens"
ROUTES: list[Route] = [
    ("GET", "/api/2.0/workspace-conf", get_settings),
    ("PATCH", "/api/2.0/workspace-conf", set_settings),
    ("GET", f"{_PERMISSIONS}/permissionLevels", get_permission_levels),
    ("GET", _PERMISSIONS, get_permissions),
    ("PUT", _PERMISSIONS, set_permissions),
    ("PATCH", _PERMISSIONS, update_permissions),
]


def _refuse_others(keys: list[str]) -> None:
    unknown = [key for key in keys if key not in SETTINGS]
    if unknown or not keys:
        raise bad_request(f"Invalid keys: {json.dumps(unknown)}")  # Terraform reads the list, and leaves these out


def _put_acl(call: Call, keep: bool) -> dict[str, Any]:
    require_admin(call)
    store = call.workspace.store
    given = [entry for entry in call.body.get("access_control_list") or [] if entry != ADMINS_HOLD]
    changes = parse_acl(store, given, token_policy.LEVELS)
    with store.transaction():
        present = token_policy.load(store)["acl"] if keep else []
        token_policy.change(store, acl=merge_acl(present, changes))
    return _describe_acl(call)


def _describe_acl(call: Call) -> dict[str, Any]:
    store = call.workspace.store
    return describe_acl(store, "/authorization/tokens", "tokens", token_policy.load(store)["acl"], "CAN_MANAGE")
