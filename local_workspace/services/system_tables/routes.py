"""Which system schemas there are. https://docs.databricks.com/api/workspace/systemschemas"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import not_found, permission_denied
from local_workspace.services.system_tables.tables import SCHEMAS
from local_workspace.services.unity_catalog.securables import METASTORE_ID


def list_schemas(call: Call) -> dict[str, Any]:
    """GET /metastores/{id}/systemschemas, for admins: those that the local workspace fills."""
    _require(call)
    return call.page([{"schema": schema, "state": "ENABLE_COMPLETED"} for schema in SCHEMAS], "schemas")


def enable_schema(call: Call) -> dict[str, Any]:
    """PUT /metastores/{id}/systemschemas/{schema}: those that there are, are enabled."""
    _require(call)
    if call.params["schema"] not in SCHEMAS:
        raise not_found(f"The local workspace has no system schema '{call.params['schema']}': {', '.join(SCHEMAS)}.")
    return {}


def _require(call: Call) -> None:
    if not call.caller.is_admin:
        raise permission_denied(f"User '{call.caller.name}' is not a metastore admin.")
    if call.params["metastore_id"] != METASTORE_ID:
        raise not_found(f"Metastore '{call.params['metastore_id']}' does not exist.", "METASTORE_DOES_NOT_EXIST")


_SCHEMAS = "/api/2.1/unity-catalog/metastores/{metastore_id}/systemschemas"
ROUTES: list[Route] = [
    ("GET", _SCHEMAS, list_schemas),
    ("PUT", f"{_SCHEMAS}/{{schema}}", enable_schema),
]
