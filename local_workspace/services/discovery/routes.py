"""GET /.well-known/databricks-config and POST /telemetry-ext, which the Databricks CLI and the SDKs call.

Source: config/host_metadata.go of databricks-sdk-go and libs/telemetry of the CLI; no page of the REST reference.
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.app import needs_no_token
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.workspace import WORKSPACE_ID


@needs_no_token
def describe_host(call: Call) -> dict[str, Any]:
    """Tell which workspace this is; it needs no token and reveals no data."""
    return {"oidc_endpoint": f"{call.workspace.host}/oidc", "workspace_id": str(WORKSPACE_ID), "cloud": "AWS"}


def take_telemetry(call: Call) -> dict[str, Any]:
    """Take records of what a client did, and keep none: they are for the client's maker."""
    taken = len(call.body.get("protoLogs") or []) + len(call.body.get("items") or [])
    return {"errors": [], "numProtoSuccess": taken, "numSuccess": taken}


ROUTES: list[Route] = [
    ("GET", "/.well-known/databricks-config", describe_host),
    ("POST", "/telemetry-ext", take_telemetry),
]
