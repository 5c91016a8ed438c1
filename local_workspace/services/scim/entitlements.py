"""Entitlements of users, service principals and groups; of them only allow-cluster-create is asked for here.

https://docs.databricks.com/aws/en/security/auth/entitlements
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document
from local_workspace.services.scim.patches import Change, parse_values

KNOWN = (
    *("allow-cluster-create", "allow-instance-pool-create", "databricks-sql-access", "workspace-access"),
    "workspace-consume",
)


def read_entitlements(value: Any) -> list[str]:
    """Return the entitlements of `[{"value": "workspace-access"}]`; Terraform writes none as `[{}]`.

    Raises:
        ApiError: 400 naming what is no entitlement.
    """
    given = [one for one in value if one != {}] if isinstance(value, list) else value
    named = parse_values("entitlements", given)
    if unknown := [one for one in named if one not in KNOWN]:
        raise bad_request(f"An entitlement is one of {', '.join(KNOWN)}, got {unknown[0]!r}")
    return sorted({*named})


def change_entitlements(document: Document, change: Change) -> None:
    """Add, remove or replace entitlements of a principal or group."""
    held: list[str] = document.get("entitlements") or []
    named = [] if change.operation == "remove" and change.value is None else read_entitlements(change.value)
    if change.operation == "remove":
        document["entitlements"] = [one for one in held if named and one not in named]
    else:
        document["entitlements"] = named if change.operation == "replace" else sorted({*held, *named})


def describe_entitlements(document: Document) -> list[dict[str, str]]:
    """Return them as SCIM shows them."""
    return [{"value": one} for one in document.get("entitlements") or []]
