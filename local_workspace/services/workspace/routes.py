"""Workspace API 2.0: import, export, list, get-status, mkdirs, delete.

https://docs.databricks.com/api/workspace/workspace
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.responses import Response

from local_workspace.gateway.app import takes_bytes, takes_form
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request
from local_workspace.services.workspace import permissions
from local_workspace.services.workspace.formats import export_content, recognize_import
from local_workspace.services.workspace.forms import MULTIPART, decode_field, is_form, parse_form
from local_workspace.services.workspace.objects import WorkspaceObjects, describe_object

MAX_JSON_BYTES = 10 * 1024 * 1024


@takes_form(MULTIPART)
def import_object(call: Call) -> dict[str, Any]:
    """POST import: base64 in JSON, or a multipart form with raw content."""
    fields, content = _read_form(call) if is_form(call) else _read_json(call)
    _import(call, fields, content)
    return {}


@takes_bytes
def import_file(call: Call) -> dict[str, Any]:
    """POST workspace-files/import-file: the raw body, as the Databricks CLI sends it."""
    content = call.content.read() if call.content is not None else b""
    _import(call, {"path": "/" + call.params["path"].lstrip("/"), "format": "AUTO", **call.query}, content)
    return {}


def export_object(call: Call) -> dict[str, Any] | Response:
    """GET export: base64 in JSON, or the bytes with direct_download."""
    objects = _objects(call)
    document = objects.get(call.require("path"))
    content, file_type = export_content(document, objects.read(document), call.query.get("format", "SOURCE"))
    if call.query.get("direct_download", "").lower() == "true":
        return Response(content, media_type="application/octet-stream")
    return {"content": base64.b64encode(content).decode(), "file_type": file_type}


def get_status(call: Call) -> dict[str, Any]:
    """GET get-status."""
    return describe_object(_objects(call).get(call.require("path")))


def list_objects(call: Call) -> dict[str, Any]:
    """GET list."""
    documents = _objects(call).list_folder(call.require("path"))
    after = call.query.get("notebooks_modified_after")
    if after:
        documents = [item for item in documents if item["modified_at"] > int(after)]
    return {"objects": [describe_object(item) for item in documents]}


def make_folder(call: Call) -> dict[str, Any]:
    """POST mkdirs."""
    _objects(call).make_folder(call.require("path"))
    return {}


def delete_object(call: Call) -> dict[str, Any]:
    """POST delete."""
    _objects(call).delete(call.require("path"), bool(call.body.get("recursive")))
    return {}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/workspace/import", import_object),
    ("POST", "/api/2.0/workspace-files/import-file/{path:path}", import_file),
    ("GET", "/api/2.0/workspace/export", export_object),
    ("GET", "/api/2.0/workspace/get-status", get_status),
    ("GET", "/api/2.0/workspace/list", list_objects),
    ("POST", "/api/2.0/workspace/mkdirs", make_folder),
    ("POST", "/api/2.0/workspace/delete", delete_object),
    *permissions.ROUTES,
]


def _objects(call: Call) -> WorkspaceObjects:
    return WorkspaceObjects(call.workspace, call.caller)


def _import(call: Call, fields: dict[str, Any], content: bytes) -> None:
    path = fields.get("path")
    if not path:
        raise bad_request("Missing required field: path")
    imported = recognize_import(path, content, fields.get("format") or "SOURCE", fields.get("language"))
    overwrite = str(fields.get("overwrite", "false")).lower() == "true"
    _objects(call).put(imported.path, content, imported.object_type, imported.language, overwrite)


def _read_form(call: Call) -> tuple[dict[str, Any], bytes]:
    form = parse_form(call)
    content = form.pop("content", b"")
    return {name: decode_field(name, value) for name, value in form.items()}, content


def _read_json(call: Call) -> tuple[dict[str, Any], bytes]:
    try:
        content = base64.b64decode(call.body.get("content", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise bad_request("content must be base64-encoded") from None
    if len(content) > MAX_JSON_BYTES:
        raise bad_request("content is limited to 10 MB; use a multipart form", "MAX_NOTEBOOK_SIZE_EXCEEDED")
    return dict(call.body), content
