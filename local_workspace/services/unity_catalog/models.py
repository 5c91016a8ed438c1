"""Registered models: /api/2.1/unity-catalog/models. To grants they are functions, with which they share their names.

Versions are made by MLflow's own API, which is not served: there are none.
https://docs.databricks.com/api/workspace/registeredmodels
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import not_implemented
from local_workspace.services.unity_catalog.catalogs import delete_securable, list_visible, update_securable
from local_workspace.services.unity_catalog.privileges import MODEL
from local_workspace.services.unity_catalog.securables import check_full_name, check_name, new_id


def create_model(call: Call) -> dict[str, Any]:
    """POST /models: needs CREATE MODEL or CREATE FUNCTION on the schema."""
    unity, name = call.workspace.unity, check_name(call.require("name"), "Model")
    catalog, schema_name = str(call.require("catalog_name")), str(call.require("schema_name"))
    schema = f"{catalog}.{schema_name}"
    as_function = unity.grants.has(call.caller, "CREATE_FUNCTION", "schema", schema)
    unity.check(call.caller, "CREATE_FUNCTION" if as_function else "CREATE_MODEL", "schema", schema)
    if call.body.get("storage_location"):
        raise not_implemented("The local workspace keeps models in the managed storage of their schema only")
    document = {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema_name,
        "storage_location": unity.paths.managed_location(schema, "models", new_id()),
        **({"comment": call.body["comment"]} if call.body.get("comment") else {}),
    }
    return unity.securables.insert(MODEL, f"{schema}.{name}", document, call.caller.name)


def get_model(call: Call) -> dict[str, Any]:
    """GET /models/{name}."""
    unity, name = call.workspace.unity, _full_name(call)
    unity.grants.check_sees(call.caller, MODEL, name)
    return unity.securables.load(MODEL, name)


def list_models(call: Call) -> dict[str, Any]:
    """GET /models: those of the metastore, or with catalog_name and schema_name those of a schema."""
    if not call.query.get("catalog_name") and not call.query.get("schema_name"):
        return list_visible(call, MODEL, "registered_models")
    schema = f"{call.require('catalog_name')}.{call.require('schema_name')}"
    call.workspace.unity.grants.check_sees(call.caller, "schema", schema)
    return list_visible(call, MODEL, "registered_models", schema)


def update_model(call: Call) -> dict[str, Any]:
    """PATCH /models/{name}."""
    return update_securable(call, MODEL, _full_name(call), ("comment", "owner"))


def delete_model(call: Call) -> dict[str, Any]:
    """DELETE /models/{name}."""
    return delete_securable(call, MODEL, _full_name(call))


def list_versions(call: Call) -> dict[str, Any]:
    """GET /models/{name}/versions: nobody can make one here."""
    call.workspace.unity.grants.check_sees(call.caller, MODEL, _full_name(call))
    return call.page([], "model_versions")


def _full_name(call: Call) -> str:
    return check_full_name(call.params["name"], "model")
