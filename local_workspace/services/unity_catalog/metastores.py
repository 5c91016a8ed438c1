"""The one metastore: summary, assignment, get.

https://docs.databricks.com/api/workspace/metastores
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.workspace import WORKSPACE_ID
from local_workspace.services.unity_catalog.securables import METASTORE, METASTORE_ID, missing


def get_summary(call: Call) -> dict[str, Any]:
    """GET /metastore_summary."""
    return call.workspace.unity.securables.load(METASTORE, METASTORE)


def get_assignment(call: Call) -> dict[str, Any]:
    """GET /current-metastore-assignment."""
    return {"metastore_id": METASTORE_ID, "workspace_id": WORKSPACE_ID, "default_catalog_name": "hive_metastore"}


def get_metastore(call: Call) -> dict[str, Any]:
    """GET /metastores/{id}."""
    if call.params["id"] != METASTORE_ID:
        raise missing(METASTORE, call.params["id"])
    return get_summary(call)


def list_metastores(call: Call) -> dict[str, Any]:
    """GET /metastores."""
    return call.page([get_summary(call)], "metastores")
