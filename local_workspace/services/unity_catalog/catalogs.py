"""Catalogs and schemas: /api/2.1/unity-catalog/{catalogs,schemas}.

https://docs.databricks.com/api/workspace/catalogs and .../schemas
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, conflict, not_found
from local_workspace.gateway.principals import principal_exists
from local_workspace.services.unity_catalog.owner_rights import require_own_rights
from local_workspace.services.unity_catalog.securables import METASTORE, check_name, new_id, require_changeable
from local_workspace.services.unity_catalog.storage_cleanup import remove_storage
from local_workspace.services.unity_catalog.storage_urls import normalize

_CHANGEABLE = ("comment", "properties", "owner", "isolation_mode", "enable_predictive_optimization", "options")


def create_catalog(call: Call) -> dict[str, Any]:
    """POST /catalogs: needs CREATE CATALOG on the metastore; a storage root needs CREATE MANAGED STORAGE."""
    unity, name = call.workspace.unity, check_name(call.require("name"), "Catalog")
    unity.check(call.caller, "CREATE_CATALOG", METASTORE, METASTORE)
    document = {
        "name": name,
        "catalog_id": new_id(),
        "catalog_type": "MANAGED_CATALOG",
        "isolation_mode": "OPEN",
        "securable_type": "CATALOG",
        **_kept(call, ("comment", "properties", "options")),
        **_storage_root(call),
    }
    with call.workspace.store.transaction():
        created = unity.securables.insert("catalog", name, document, call.caller.name)
        default = {"name": "default", "catalog_name": name, "schema_id": new_id(), "comment": "Default schema"}
        unity.securables.insert("schema", f"{name}.default", default, call.caller.name)
    return created


def get_catalog(call: Call) -> dict[str, Any]:
    """GET /catalogs/{name}."""
    call.workspace.unity.grants.check_sees(call.caller, "catalog", call.params["name"])
    return call.workspace.unity.securables.load("catalog", call.params["name"])


def list_catalogs(call: Call) -> dict[str, Any]:
    """GET /catalogs: those the caller may see."""
    return list_visible(call, "catalog", "catalogs")


def update_catalog(call: Call) -> dict[str, Any]:
    """PATCH /catalogs/{name}; one that becomes isolated closes at once to workspaces that it is not bound to."""
    mode = call.body.get("isolation_mode")
    if mode not in (None, "OPEN", "ISOLATED"):
        raise bad_request(f"isolation_mode must be OPEN or ISOLATED, got {mode!r}")
    return update_securable(call, "catalog", call.params["name"], _CHANGEABLE)


def delete_catalog(call: Call) -> dict[str, Any]:
    """DELETE /catalogs/{name}: refused while it holds more than an empty default schema, unless force=true."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "catalog", name)
    require_changeable(name)
    schemas = [child["full_name"] for _, child in unity.securables.children("catalog", name)]
    filled = [schema for schema in schemas if not schema.endswith(".default") or _is_filled(call, schema)]
    if filled and not is_forced(call):
        raise conflict(f"Catalog '{name}' is not empty: it has {', '.join(filled)}. Delete them or pass force=true.")
    for schema in schemas:
        _remove_schema(call, schema)
    unity.securables.remove("catalog", name)
    return {}


def create_schema(call: Call) -> dict[str, Any]:
    """POST /schemas: needs CREATE SCHEMA and USE CATALOG on the catalog."""
    unity, catalog = call.workspace.unity, str(call.require("catalog_name"))
    name = check_name(call.require("name"), "Schema")
    unity.check(call.caller, "CREATE_SCHEMA", "catalog", catalog)
    kept = {**_kept(call, ("comment", "properties")), **_storage_root(call)}
    document = {"name": name, "catalog_name": catalog, "schema_id": new_id(), "catalog_type": "MANAGED_CATALOG", **kept}
    return unity.securables.insert("schema", f"{catalog}.{name}", document, call.caller.name)


def get_schema(call: Call) -> dict[str, Any]:
    """GET /schemas/{full_name}."""
    call.workspace.unity.grants.check_sees(call.caller, "schema", call.params["full_name"])
    return call.workspace.unity.securables.load("schema", call.params["full_name"])


def list_schemas(call: Call) -> dict[str, Any]:
    """GET /schemas?catalog_name=."""
    catalog = str(call.require("catalog_name"))
    call.workspace.unity.grants.check_sees(call.caller, "catalog", catalog)
    return list_visible(call, "schema", "schemas", catalog)


def update_schema(call: Call) -> dict[str, Any]:
    """PATCH /schemas/{full_name}."""
    return update_securable(call, "schema", call.params["full_name"], _CHANGEABLE)


def delete_schema(call: Call) -> dict[str, Any]:
    """DELETE /schemas/{full_name}: refused while it holds tables, volumes, functions or models, unless force=true."""
    unity, name = call.workspace.unity, call.params["full_name"]
    unity.grants.check_manage(call.caller, "schema", name)
    require_changeable(name)
    if _is_filled(call, name) and not is_forced(call):
        held = ", ".join(child["full_name"] for _, child in unity.securables.children("schema", name))
        raise conflict(f"Schema '{name}' is not empty: it has {held}. Delete them or pass force=true.")
    _remove_schema(call, name)
    return {}


def list_visible(call: Call, kind: str, key: str, parent: str = "") -> dict[str, Any]:
    """Return a page of the securables of a type that the caller may see."""
    unity = call.workspace.unity
    found = [
        one for one in unity.securables.list_all(kind, parent) if unity.grants.sees(call.caller, kind, one["full_name"])
    ]
    return call.page(found, key)


def update_securable(call: Call, kind: str, full_name: str, changeable: tuple[str, ...]) -> dict[str, Any]:
    """Change what may be changed of a securable the caller manages; `new_name` renames it last."""
    unity = call.workspace.unity
    unity.grants.check_manage(call.caller, kind, full_name)
    changes = _kept(call, changeable)
    if "owner" in changes and not principal_exists(call.workspace.store, changes["owner"]):
        raise not_found(f"Could not find principal with name {changes['owner']}", "PRINCIPAL_DOES_NOT_EXIST")
    require_own_rights(call, kind, full_name, changes)
    updated = unity.securables.update(kind, full_name, changes, call.caller.name)
    new_name = call.body.get("new_name")
    if new_name and str(new_name).lower() != updated["name"]:
        if any(True for _ in unity.securables.children(kind, full_name)):
            raise bad_request(f"The local workspace renames only what is empty; '{full_name}' is not")
        updated = unity.securables.rename(kind, full_name, check_name(new_name, kind), call.caller.name)
    return updated


def delete_securable(call: Call, kind: str, full_name: str) -> dict[str, Any]:
    """Delete a securable that the caller manages and that has no storage to remove."""
    unity = call.workspace.unity
    unity.grants.check_manage(call.caller, kind, full_name)
    unity.securables.remove(kind, full_name)
    return {}


def is_forced(call: Call) -> bool:
    """Say whether the call has force=true."""
    return str(call.query.get("force", "")).lower() == "true"


def _kept(call: Call, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: call.body[name] for name in names if call.body.get(name) is not None}


def _storage_root(call: Call) -> dict[str, Any]:
    if not call.body.get("storage_root"):
        return {}
    unity, root = call.workspace.unity, normalize(call.body["storage_root"])
    location = unity.paths.location_of(root)
    if location is None:
        raise bad_request(f"No external location covers the storage root '{root}'; create one first")
    unity.check(call.caller, "CREATE_MANAGED_STORAGE", "external_location", location["name"])
    taken = unity.paths.overlapping(root)
    if taken is not None:
        raise bad_request(f"Storage root '{root}' overlaps {taken.kind} '{taken.full_name}'", "LOCATION_OVERLAP")
    return {"storage_root": root, "storage_location": root}


def _is_filled(call: Call, schema: str) -> bool:
    return any(True for _ in call.workspace.unity.securables.children("schema", schema))


def _remove_schema(call: Call, schema: str) -> None:
    unity = call.workspace.unity
    for kind, child in list(unity.securables.children("schema", schema)):
        unity.securables.remove(kind, child["full_name"])
        remove_storage(call.workspace, child)
    unity.securables.remove("schema", schema)
