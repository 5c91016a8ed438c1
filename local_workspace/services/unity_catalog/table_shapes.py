"""What a table says of itself that an engine acts by: its format and the types of its columns.

A format names a data source and a type may name a class, so both are listed. https://docs.databricks.com/api/workspace/tables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.decoding import read_json_text
from local_workspace.gateway.errors import bad_request

FORMATS = ("DELTA", "CSV", "JSON", "AVRO", "PARQUET", "ORC", "TEXT", "XML", "BINARYFILE")


def require_shape(body: Mapping[str, Any]) -> None:
    """Check `data_source_format` and `columns` of a request, where they are given.

    Raises:
        ApiError: 400 naming the format or the column.
    """
    if body.get("table_type") == "EXTERNAL" or body.get("data_source_format") is not None:
        given = body.get("data_source_format")
        if given not in FORMATS:
            raise bad_request(f"data_source_format must be one of {', '.join(FORMATS)}, got {given!r}")
    for column in body.get("columns") or []:
        _require_type(column)


def _require_type(column: Any) -> None:
    if not isinstance(column, Mapping) or not isinstance(column.get("name"), str):
        raise bad_request(f"Each of columns must be an object with a name, got {column!r}")
    if column.get("type_json") is None:
        return
    place = f"type_json of column '{column['name']}'"
    if _names_class(read_json_text(column["type_json"], place)):
        raise bad_request(f"{place} names a class of its own (udt); types of columns are those of SQL")


def _names_class(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get("type") == "udt" or any(map(_names_class, value.values()))
    return isinstance(value, list) and any(map(_names_class, value))
