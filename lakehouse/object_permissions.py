"""Permissions on objects of the workspace: who has which level. https://docs.databricks.com/api/workspace/permissions"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import AccessControlRequest, AccessControlResponse

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def principal_field(name: str) -> str:
    """Return the field that names a principal in a request: a service principal's is its application id."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"


def allow(name: str, level: str) -> AccessControlRequest:
    """Return the entry that gives a principal a level."""
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    return AccessControlRequest(permission_level=PermissionLevel(level), **{principal_field(name): name})


def read_levels(entry: AccessControlResponse) -> tuple[str, list[str]]:
    """Return whose entry it is, and the levels, own and inherited."""
    name = entry.group_name or entry.user_name or entry.service_principal_name or ""
    levels = [one.permission_level for one in entry.all_permissions or []]
    return name, [str(level.value) for level in levels if level]


def read_permissions(workspace: WorkspaceClient, kind: str, identity: str) -> dict[str, str]:
    """Return the level of each principal that has one on the object, its own or an inherited one."""
    entries = workspace.permissions.get(kind, identity).access_control_list or []
    return {name: levels[0] for name, levels in map(read_levels, entries) if levels}


def read_granted(workspace: WorkspaceClient, kind: str, identity: str) -> dict[str, str]:
    """Return the level of each principal that is granted one on the object itself; what is inherited is not there."""
    granted = {}
    for entry in workspace.permissions.get(kind, identity).access_control_list or []:
        name, _ = read_levels(entry)
        for one in entry.all_permissions or []:
            if one.permission_level and not one.inherited:
                granted[name] = str(one.permission_level.value)
    return granted


def grant_levels(workspace: WorkspaceClient, kind: str, identity: str, levels: Mapping[str, str]) -> None:
    """Give each principal its level in place of the one it has; others keep theirs."""
    entries = [allow(name, level) for name, level in levels.items()]
    workspace.permissions.update(kind, identity, access_control_list=entries)
