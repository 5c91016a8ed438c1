"""Permissions on objects of the workspace: who has which level. https://docs.databricks.com/api/workspace/permissions"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk.service.iam import AccessControlResponse


def read_levels(entry: AccessControlResponse) -> tuple[str, list[str]]:
    """Return whose entry it is, and the levels, own and inherited."""
    name = entry.group_name or entry.user_name or entry.service_principal_name or ""
    levels = [one.permission_level for one in entry.all_permissions or []]
    return name, [str(level.value) for level in levels if level]
