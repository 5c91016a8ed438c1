"""SQL functions of one value: /api/2.1/unity-catalog/functions. Spark computes them (ExpandFunctions.java).

https://docs.databricks.com/api/workspace/functions
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.catalogs import delete_securable, list_visible, update_securable
from local_workspace.services.unity_catalog.engine_calls import is_engine, reader
from local_workspace.services.unity_catalog.securables import check_full_name, check_name, new_id

_REQUIRED = (
    *("input_params", "data_type", "full_data_type", "routine_body", "routine_definition", "parameter_style"),
    *("is_deterministic", "sql_data_access", "is_null_call", "security_type", "specific_name"),
)
_OPTIONAL = ("comment", "properties")


def create_function(call: Call) -> dict[str, Any]:
    """POST /functions: needs CREATE FUNCTION on the schema. CREATE OR REPLACE of SQL says `or_replace` beside it."""
    unity, given = call.workspace.unity, call.require("function_info")
    if not isinstance(given, dict):
        raise bad_request("function_info must be an object")
    name = check_name(given.get("name"), "Function")
    schema = f"{given.get('catalog_name')}.{given.get('schema_name')}"
    unity.check(call.caller, "CREATE_FUNCTION", "schema", schema)
    document = {"name": name, "catalog_name": given["catalog_name"], "schema_name": given["schema_name"]}
    document |= {"full_name": f"{schema}.{name}", **_definition(given)}
    with call.workspace.store.transaction():
        if call.body.get("or_replace") and unity.securables.find("function", f"{schema}.{name}"):
            unity.grants.check_manage(call.caller, "function", f"{schema}.{name}")
            gone = dict.fromkeys(_OPTIONAL)
            return unity.securables.update("function", f"{schema}.{name}", {**gone, **document}, call.caller.name)
        document["function_id"] = new_id()
        return unity.securables.insert("function", f"{schema}.{name}", document, call.caller.name)


def get_function(call: Call) -> dict[str, Any]:
    """GET /functions/{name}; the Spark server gets it for who may execute it."""
    unity, name = call.workspace.unity, _full_name(call)
    if is_engine(call):
        unity.check(reader(call), "EXECUTE", "function", name)
    else:
        unity.grants.check_sees(call.caller, "function", name)
    return unity.securables.load("function", name)


def list_functions(call: Call) -> dict[str, Any]:
    """GET /functions?catalog_name=&schema_name=."""
    schema = f"{call.require('catalog_name')}.{call.require('schema_name')}"
    call.workspace.unity.grants.check_sees(call.caller, "schema", schema)
    return list_visible(call, "function", "functions", schema)


def update_function(call: Call) -> dict[str, Any]:
    """PATCH /functions/{name}: the owner only."""
    return update_securable(call, "function", _full_name(call), ("owner",))


def delete_function(call: Call) -> dict[str, Any]:
    """DELETE /functions/{name}."""
    return delete_securable(call, "function", _full_name(call))


def _definition(given: Document) -> Document:
    missing = [field for field in _REQUIRED if given.get(field) is None]
    if missing:
        raise bad_request(f"function_info lacks {', '.join(missing)}")
    if given["routine_body"] != "SQL":
        raise not_implemented(f"The local workspace runs functions in SQL only, not {given['routine_body']}")
    if given["data_type"] == "TABLE_TYPE":
        raise not_implemented("The local workspace runs functions of one value only, none that return a table")
    parameters = given["input_params"].get("parameters") if isinstance(given["input_params"], dict) else None
    if not isinstance(parameters, list) or not all(_is_parameter(one) for one in parameters):
        raise bad_request("input_params.parameters must be a list of objects with name, type_text, type_name, position")
    return {field: given[field] for field in (*_REQUIRED, *_OPTIONAL) if given.get(field) is not None}


def _is_parameter(given: Any) -> bool:
    return isinstance(given, dict) and {"name", "type_text", "type_name", "position"} <= given.keys()


def _full_name(call: Call) -> str:
    return check_full_name(call.params["name"], "function")
