"""Volumes: /api/2.1/unity-catalog/volumes.

https://docs.databricks.com/api/workspace/volumes
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request
from local_workspace.services.unity_catalog.catalogs import list_visible, update_securable
from local_workspace.services.unity_catalog.locations import require_free_location
from local_workspace.services.unity_catalog.securables import check_name, new_id
from local_workspace.services.unity_catalog.storage_cleanup import remove_storage


def create_volume(call: Call) -> dict[str, Any]:
    """POST /volumes: needs CREATE VOLUME; an external one CREATE EXTERNAL VOLUME on its location too."""
    unity, name = call.workspace.unity, check_name(call.require("name"), "Volume")
    catalog, schema_name = str(call.require("catalog_name")), str(call.require("schema_name"))
    schema, volume_type = f"{catalog}.{schema_name}", str(call.require("volume_type"))
    unity.check(call.caller, "CREATE_VOLUME", "schema", schema)
    volume_id = new_id()
    if volume_type == "EXTERNAL":
        url = require_free_location(call, call.require("storage_location"), "CREATE_EXTERNAL_VOLUME")
    elif volume_type == "MANAGED":
        if call.body.get("storage_location"):
            raise bad_request("CreateVolume storage_location can not be provided.")
        url = unity.paths.managed_location(schema, "volumes", volume_id)
    else:
        raise bad_request(f"volume_type must be MANAGED or EXTERNAL, got {volume_type!r}")
    document = {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema_name,
        "volume_type": volume_type,
        "volume_id": volume_id,
        "storage_location": url,
        **({"comment": call.body["comment"]} if call.body.get("comment") else {}),
    }
    return unity.securables.insert("volume", f"{schema}.{name}", document, call.caller.name)


def get_volume(call: Call) -> dict[str, Any]:
    """GET /volumes/{name}."""
    call.workspace.unity.grants.check_sees(call.caller, "volume", call.params["name"])
    return call.workspace.unity.securables.load("volume", call.params["name"])


def list_volumes(call: Call) -> dict[str, Any]:
    """GET /volumes?catalog_name=&schema_name=."""
    schema = f"{call.require('catalog_name')}.{call.require('schema_name')}"
    call.workspace.unity.grants.check_sees(call.caller, "schema", schema)
    return list_visible(call, "volume", "volumes", schema)


def update_volume(call: Call) -> dict[str, Any]:
    """PATCH /volumes/{name}."""
    return update_securable(call, "volume", call.params["name"], ("comment", "owner"))


def delete_volume(call: Call) -> dict[str, Any]:
    """DELETE /volumes/{name}: a managed volume's files go with it."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "volume", name)
    volume = unity.securables.load("volume", name)
    unity.securables.remove("volume", name)
    remove_storage(call.workspace, volume)
    return {}
