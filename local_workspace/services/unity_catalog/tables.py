"""Tables and views: /api/2.1/unity-catalog/{tables,table-summaries,staging-tables}.

https://docs.databricks.com/api/workspace/tables
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, permission_denied
from local_workspace.gateway.store import Document
from local_workspace.services.jobs.table_use import note_use
from local_workspace.services.unity_catalog.catalogs import list_visible, update_securable
from local_workspace.services.unity_catalog.engine_calls import is_engine, load_for_engine
from local_workspace.services.unity_catalog.locations import require_free_location
from local_workspace.services.unity_catalog.securables import check_full_name, check_name, new_id
from local_workspace.services.unity_catalog.storage_cleanup import remove_storage
from local_workspace.services.unity_catalog.table_shapes import require_shape

if TYPE_CHECKING:
    from local_workspace.services.unity_catalog.access import UnityCatalog

TABLE_TYPES = ("MANAGED", "EXTERNAL", "VIEW")
_GIVEN = ("columns", "comment", "properties", "view_definition", "view_dependencies", "data_source_format")
_ALTERED = {"columns", "comment", "properties"}
_CHANGEABLE = ("comment", "owner", "properties", "columns", "view_definition", "view_dependencies")


def stage_table(call: Call) -> dict[str, Any]:
    """POST /staging-tables: where a managed table that is about to be created puts its data."""
    unity, schema, name = _new_table_in(call)
    table_id = new_id()
    location = unity.paths.managed_location(schema, "tables", table_id)
    staged = {"id": table_id, "name": name, "staging_location": location, "created_by": call.caller.name}
    call.workspace.store.put("staging_table", table_id, {**staged, "schema": schema})
    return staged


def create_table(call: Call) -> dict[str, Any]:
    """POST /tables: registers a staged managed table, an external table or a view."""
    unity, schema, name = _new_table_in(call)
    table_type = str(call.require("table_type"))
    if table_type not in TABLE_TYPES:
        raise bad_request(f"table_type must be one of {', '.join(TABLE_TYPES)}, got {table_type!r}")
    require_shape(call.body)
    place = {"MANAGED": _place_managed, "EXTERNAL": _place_external, "VIEW": _place_view}[table_type](call, schema)
    catalog, schema_name = schema.split(".")
    document = {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema_name,
        "table_type": table_type,
        **{field: call.body[field] for field in _GIVEN if call.body.get(field) is not None},
        **place,
    }
    with call.workspace.store.transaction():
        created = unity.securables.insert("table", f"{schema}.{name}", document, call.caller.name)
        call.workspace.store.put("table_id", created["table_id"], {"full_name": created["full_name"]})
        call.workspace.store.delete("staging_table", created["table_id"])
        if table_type != "VIEW":
            note_use(call, created["full_name"], writes=True)
    return created


def get_table(call: Call) -> dict[str, Any]:
    """GET /tables/{full_name}."""
    if is_engine(call):
        return load_for_engine(call, call.params["full_name"])
    return call.workspace.unity.table(call.caller, _full_name(call))


def table_exists(call: Call) -> dict[str, Any]:
    """GET /tables/{full_name}/exists: needs USE on the parents."""
    unity, full_name = call.workspace.unity, _full_name(call)
    unity.check(call.caller, "USE_SCHEMA", "schema", full_name.rsplit(".", 1)[0])
    return {"table_exists": unity.securables.find("table", full_name) is not None}


def list_tables(call: Call) -> dict[str, Any]:
    """GET /tables?catalog_name=&schema_name=."""
    schema = f"{call.require('catalog_name')}.{call.require('schema_name')}"
    call.workspace.unity.grants.check_sees(call.caller, "schema", schema)
    page = list_visible(call, "table", "tables", schema)
    left_out = [field for field in ("columns", "properties") if call.query.get(f"omit_{field}", "").lower() == "true"]
    page["tables"] = [{key: value for key, value in table.items() if key not in left_out} for table in page["tables"]]
    return page


def list_summaries(call: Call) -> dict[str, Any]:
    """GET /table-summaries?catalog_name=: full names and types over all schemas."""
    page = list_visible(call, "table", "tables", str(call.require("catalog_name")))
    page["tables"] = [{"full_name": table["full_name"], "table_type": table["table_type"]} for table in page["tables"]]
    return page


def update_table(call: Call) -> dict[str, Any]:
    """PATCH /tables/{full_name}: what the engine reports after a commit of ALTER TABLE needs MODIFY only."""
    unity, full_name = call.workspace.unity, _full_name(call)
    require_shape(call.body)
    if is_engine(call) and call.body.keys() <= _ALTERED:
        unity.check(call.caller, "MODIFY", "table", full_name)
        return unity.securables.update("table", full_name, dict(call.body), call.caller.name)
    updated = update_securable(call, "table", full_name, _CHANGEABLE)
    call.workspace.store.put("table_id", updated["table_id"], {"full_name": updated["full_name"]})
    return updated


def delete_table(call: Call) -> dict[str, Any]:
    """DELETE /tables/{full_name}: a managed table's data goes with it."""
    unity, full_name = call.workspace.unity, _full_name(call)
    unity.grants.check_manage(call.caller, "table", full_name)
    table = unity.securables.load("table", full_name)
    unity.securables.remove("table", full_name)
    call.workspace.store.delete("table_id", table["table_id"])
    remove_storage(call.workspace, table)
    return {}


def _new_table_in(call: Call) -> tuple[UnityCatalog, str, str]:
    unity, name = call.workspace.unity, check_name(call.require("name"), "Table")
    schema = f"{call.require('catalog_name')}.{call.require('schema_name')}"
    unity.check(call.caller, "CREATE_TABLE", "schema", schema)
    if unity.securables.find("table", f"{schema}.{name}") is not None:
        unity.securables.insert("table", f"{schema}.{name}", {}, "")  # raises the 409
    return unity, schema, name


def _place_managed(call: Call, schema: str) -> Document:
    table_id = str(call.require("table_id"))
    staged = call.workspace.store.get("staging_table", table_id)
    if staged is None or staged["schema"] != schema:
        raise bad_request(f"No table was staged under id '{table_id}' in schema '{schema}'; stage it first")
    if staged["created_by"] != call.caller.name:
        raise permission_denied(f"User '{call.caller.name}' did not stage the table with id '{table_id}'.")
    return {"table_id": table_id, "storage_location": staged["staging_location"]}


def _place_external(call: Call, schema: str) -> Document:
    url = require_free_location(call, call.require("storage_location"), "CREATE_EXTERNAL_TABLE")
    return {"table_id": new_id(), "storage_location": url}


def _place_view(call: Call, schema: str) -> Document:
    call.require("view_definition")
    return {"table_id": new_id()}


def _full_name(call: Call) -> str:
    return check_full_name(call.params["full_name"], "table")
