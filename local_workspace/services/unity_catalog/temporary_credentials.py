"""Temporary credentials for tables, paths and volumes: what engines read and write with.

https://docs.databricks.com/api/workspace/temporarytablecredentials (and ...path..., ...volume...)
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.services.jobs.table_use import note_use
from local_workspace.services.unity_catalog.engine_calls import reader


def for_table(call: Call) -> dict[str, Any]:
    """POST /temporary-table-credentials {table_id, operation: READ | READ_WRITE}."""
    unity = call.workspace.unity
    table = unity.table_by_id(str(call.require("table_id")))
    write = _one_of(call, ("READ", "READ_WRITE")) == "READ_WRITE"
    if not table.get("storage_location"):
        raise bad_request(f"'{table['full_name']}' is a view; it has no storage of its own")
    answer = unity.table_credential(call.caller if write else reader(call), table, write).as_answer()
    note_use(call, table["full_name"], write)
    return answer


def for_path(call: Call) -> dict[str, Any]:
    """POST /temporary-path-credentials {url, operation: PATH_READ | PATH_READ_WRITE | PATH_CREATE_TABLE}."""
    operation = _one_of(call, ("PATH_READ", "PATH_READ_WRITE", "PATH_CREATE_TABLE"))
    return call.workspace.unity.path_credential(call.caller, str(call.require("url")), operation).as_answer()


def for_volume(call: Call) -> dict[str, Any]:
    """POST /temporary-volume-credentials {volume_id or volume_full_name, operation: READ_VOLUME | WRITE_VOLUME}."""
    unity = call.workspace.unity
    name = call.body.get("volume_full_name") or _volume_name(call)
    write = _one_of(call, ("READ_VOLUME", "WRITE_VOLUME")) == "WRITE_VOLUME"
    return unity.volume_credential(call.caller, str(name), write).as_answer()


def _volume_name(call: Call) -> str:
    wanted = call.require("volume_id")
    for volume in call.workspace.unity.securables.list_all("volume"):
        if volume["volume_id"] == wanted:
            return str(volume["full_name"])
    raise not_found(f"Volume with id '{wanted}' does not exist.", "VOLUME_DOES_NOT_EXIST")


def _one_of(call: Call, operations: tuple[str, ...]) -> str:
    operation = str(call.require("operation"))
    if operation not in operations:
        raise bad_request(f"operation must be one of {', '.join(operations)}, got {operation!r}")
    return operation
