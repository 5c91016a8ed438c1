"""Reads from databricks-sdk which fields each served route takes, and of which type, and writes request_shapes.json.

Run as `python -m local_workspace.gateway.shapes_of_sdk` after a change of the SDK or of the routes. The gateway reads
the file: to import the SDK takes seconds. Types: text, whole, number, flag, any, [T], {T}, or the name of an object.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import databricks.sdk.service
from databricks.sdk.service.catalog import ColumnInfo

from local_workspace.gateway.app import load_routes

OUTPUT = Path(__file__).with_name("request_shapes.json")
_SCALARS: dict[Any, str] = {str: "text", int: "whole", float: "number", bool: "flag"}
_REQUEST = re.compile(r'self\._api\.do\(\s*"(\w+)",\s*f?"([^"]+)"')
_FIELD = re.compile(r'^\s+(body|query)\["([^"]+)"\] = (.+)$', re.MULTILINE)
_WHOLE_BODY = re.compile(r"^\s+body = (\w+)\.as_dict\(\)", re.MULTILINE)

_UC = "/api/2.1/unity-catalog"
# Calls of other clients: the Delta kernel, Spark's catalog, the Terraform provider.
NOT_IN_SDK: dict[str, dict[str, str]] = {
    f"POST {_UC}/staging-tables": {"catalog_name": "text", "name": "text", "schema_name": "text"},
    f"POST {_UC}/tables": {
        "catalog_name": "text",
        "columns": "[catalog.ColumnInfo]",
        "comment": "text",
        "data_source_format": "text",
        "name": "text",
        "properties": "{text}",
        "schema_name": "text",
        "storage_location": "text",
        "table_type": "text",
        "view_definition": "text",
    },
    f"POST {_UC}/temporary-table-credentials": {"operation": "text", "table_id": "text"},
    f"POST {_UC}/temporary-path-credentials": {"operation": "text", "url": "text"},
    f"POST {_UC}/temporary-volume-credentials": {"operation": "text", "volume_id": "text", "volume_full_name": "text"},
    "POST /api/2.0/fs/create-upload-part-urls": {
        "path": "text",
        "session_token": "text",
        "start_part_number": "whole",
        "count": "whole",
        "expire_time": "text",
    },
    "POST /api/2.0/fs/create-abort-upload-url": {"path": "text", "session_token": "text", "expire_time": "text"},
    "POST /api/2.0/fs/files{path:path}": {"parts": "[files.UploadPart]"},
    "PUT /local/serverless": {"cold_start_seconds": "number"},
    "PUT /api/2.0/preview/permissionassignments/principals/{id}": {"permissions": "[text]"},
    "POST /telemetry-ext": {"items": "[text]", "protoLogs": "[text]", "uploadTime": "whole"},
    "POST /api/2.0/preview/permissionassignments": {"permission_assignments": "[assignments.Assignment]"},
}
OBJECTS_NOT_IN_SDK = {
    "files.UploadPart": {"part_number": "whole", "etag": "text"},
    "assignments.Assignment": {
        "user_name": "text",
        "group_name": "text",
        "service_principal_name": "text",
        "permissions": "[text]",
    },
}


class _Shapes:
    """Collects the objects that routes name."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, str]] = dict(OBJECTS_NOT_IN_SDK)

    def name_of(self, hint: Any) -> str:
        """Return the notation of a type."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is typing.Union:
            inner = [one for one in arguments if one is not type(None)]
            return self.name_of(inner[0]) if len(inner) == 1 else "any"
        if origin is list:
            return f"[{self.name_of(arguments[0])}]"
        if origin is dict:
            return f"{{{self.name_of(arguments[1])}}}"
        if inspect.isclass(hint) and issubclass(hint, Enum):
            return "text"
        return self._object(hint) if dataclasses.is_dataclass(hint) else _SCALARS.get(hint, "any")

    def _object(self, hint: Any) -> str:
        name = f"{hint.__module__.rpartition('.')[2]}.{hint.__name__}"
        if name not in self.objects:
            fields = self.objects[name] = {}
            hints = typing.get_type_hints(hint)
            for _, field, expression in _FIELD.findall(inspect.getsource(hint.as_dict)):
                attribute = re.search(r"self\.(\w+)", expression)
                fields[field] = self.name_of(hints[attribute.group(1)]) if attribute else "any"
        return name

    def request(self, method: Callable[..., Any]) -> dict[str, dict[str, str]]:
        """Return the fields of a request by where they are: body or query."""
        source, hints = inspect.getsource(method), typing.get_type_hints(method)
        shape: dict[str, dict[str, str]] = {"body": {}, "query": {}}
        for place, field, expression in _FIELD.findall(source):
            known = [hints[word] for word in re.findall(r"\w+", expression) if word in hints]
            if known or field not in shape[place]:  # a page token is set twice
                shape[place][field] = self.name_of(known[0]) if known else "any"
        if whole := _WHOLE_BODY.search(source):
            shape["body"] = self.objects[self.name_of(hints[whole.group(1)])]
        return shape


def read_shapes() -> dict[str, Any]:
    """Return the shapes of the served routes: {"objects": ..., "routes": {"POST /path": ...}}."""
    shapes, routes = _Shapes(), dict[str, Any]()
    shapes.name_of(ColumnInfo)  # which a call names that is not in the SDK
    calls = [(verb, _pattern(path), method) for verb, path, method in _calls()]
    for verb, template, _ in load_routes():
        path = re.sub(r"/2\.[01]/jobs/", "/2.2/jobs/", re.sub(r"\{\w+(:path)?\}", "PARAMETER", template))
        found = [method for known, pattern, method in calls if known == verb and pattern.fullmatch(path.rstrip("/"))]
        key = f"{verb} {template}"
        if found:
            routes[key] = shapes.request(found[-1])
        elif key in NOT_IN_SDK:
            routes[key] = {"body": NOT_IN_SDK[key], "query": {}}
    return {"objects": dict(sorted(shapes.objects.items())), "routes": dict(sorted(routes.items()))}


def _calls() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for method in (method for module in _modules() for method in _methods(module)):
        for verb, path in _REQUEST.findall(inspect.getsource(method)):
            yield verb, path, method


def _modules() -> Iterator[ModuleType]:
    package = databricks.sdk.service
    return (importlib.import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__))


def _methods(module: ModuleType) -> Iterator[Callable[..., Any]]:
    services = [one for name, one in vars(module).items() if inspect.isclass(one) and name.endswith("API")]
    for service in services:
        yield from (one for name, one in vars(service).items() if inspect.isfunction(one) and not name.startswith("_"))


def _pattern(path: str) -> re.Pattern[str]:
    """A parameter of the SDK's path may be a word of ours, as in permissions/jobs/{id}."""
    parts = re.split(r"(\{[^}]*\})", path.rstrip("/"))
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))


if __name__ == "__main__":
    OUTPUT.write_text(json.dumps(read_shapes(), indent=1, sort_keys=True) + "\n")
