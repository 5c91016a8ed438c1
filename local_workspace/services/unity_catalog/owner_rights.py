"""What acts with its owner's rights (views, functions, models): who may give it away, or change what it does.

https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/ownership
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.privileges import MODEL, TYPES
from local_workspace.services.unity_catalog.securables import METASTORE

_RESOLUTION = "view."  # properties in which Spark keeps how a view's text is read


def require_own_rights(call: Call, kind: str, full_name: str, changes: Mapping[str, Any]) -> None:
    """Refuse a change by which the caller would act with somebody else's rights.

    Only a metastore admin gives a view, function or model to whom it likes; others give it to themselves or to a group
    of theirs. What a view reads is its owner's to say.

    Raises:
        ApiError: 403.
    """
    present = call.workspace.unity.securables.load(kind, full_name)
    if not _has_owner_rights(kind, present) or call.workspace.unity.grants.manages(call.caller, METASTORE, METASTORE):
        return
    owner, own_names = changes.get("owner", present["owner"]), {call.caller.name, *call.caller.groups}
    what = f"{TYPES[kind].label} '{full_name}'"
    if owner != present["owner"] and owner not in own_names:
        raise permission_denied(
            f"Only a metastore admin transfers {what}, which acts with its owner's rights, to '{owner}'; "
            f"User '{call.caller.name}' may transfer it to itself or to a group that it is a member of."
        )
    if _says({**present, **changes}) != _says(present) and present["owner"] not in own_names:
        raise permission_denied(
            f"User '{call.caller.name}' is not the owner of {what} and cannot change what it reads."
        )


def _has_owner_rights(kind: str, present: Document) -> bool:
    return kind in ("function", MODEL) or present.get("table_type") == "VIEW"


def _says(document: Mapping[str, Any]) -> tuple[Any, ...]:
    properties = document.get("properties") or {}
    resolution = {name: value for name, value in properties.items() if name.startswith(_RESOLUTION)}
    return document.get("view_definition"), resolution
