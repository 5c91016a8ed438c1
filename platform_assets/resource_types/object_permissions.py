"""Permissions on objects of the workspace: who has which level. https://docs.databricks.com/api/workspace/permissions"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk.service.iam import AccessControlResponse

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def principal_field(name: str) -> str:
    """Return the field that names a principal in a request: a service principal's is its application id."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"


def read_levels(entry: AccessControlResponse) -> tuple[str, list[str]]:
    """Return whose entry it is, and the levels, own and inherited."""
    name = entry.group_name or entry.user_name or entry.service_principal_name or ""
    levels = [one.permission_level for one in entry.all_permissions or []]
    return name, [str(level.value) for level in levels if level]
