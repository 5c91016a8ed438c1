"""Principals in requests: users, groups and service principals are named by different fields."""

from __future__ import annotations

import re

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def principal_field(name: str) -> str:
    """Return the field that names a principal in a request: a service principal's is its application id."""
    if _APPLICATION_ID.fullmatch(name):
        return "service_principal_name"
    return "user_name" if "@" in name else "group_name"
