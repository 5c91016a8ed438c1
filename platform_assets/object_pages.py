"""Where the real object is: its address in the metadata of its asset, and its page in a browser.

Only pages whose paths are known are linked. The local workspace serves those of jobs and Unity Catalog; AWS, which it
emulates, has none there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import dagster as dg

from lakehouse.targets import Target
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.view import View

_DATA = "explore/data"
_UNITY = {
    "catalog": _DATA,
    "schema": _DATA,
    "table": _DATA,
    "view": _DATA,
    "volume": f"{_DATA}/volumes",
    "function": f"{_DATA}/functions",
    "registered_model": f"{_DATA}/models",
    "external_location": "explore/location",
    "storage_credential": "explore/credentials",
}
_BY_ID = {"job": "jobs", "sql_warehouse": "sql/warehouses"}
_LOCAL = {*_UNITY, "job"}
_CONSOLE = "https://console.aws.amazon.com"
_AWS: dict[str, Callable[[Target, str], str]] = {
    "s3_bucket": lambda target, name: f"{_CONSOLE}/s3/buckets/{name}?region={target.region}",
    "iam_role": lambda target, name: f"{_CONSOLE}/iam/home#/roles/details/{name}",
    "control_plane_role": lambda target, name: f"{_CONSOLE}/iam/home#/roles/details/{name}",
}


def describe_address(resource: Resource, target: Target) -> dict[str, Any]:
    """Return what Dagster shows of where a resource is: storage, a table's full name and columns."""
    if isinstance(resource, S3Bucket):
        return {"dagster/uri": f"s3://{resource.physical_name(target)}"}
    named = {"dagster/table_name": resource.physical_name(target)} if isinstance(resource, Table | View) else {}
    columns = {"dagster/column_schema": _describe_columns(resource)} if isinstance(resource, Table) else {}
    desired = resource.desired(target)
    place = next((desired[name] for name in ("storage_location", "storage_root", "url") if desired.get(name)), None)
    is_place = isinstance(place, str) and place.startswith("s3://")
    return {**named, **columns, **({"dagster/uri": place} if is_place else {})}


def find_page(resource: Resource, clients: Clients) -> str | None:
    """Return the URL of an existing object's page, None of one that has no page that is known."""
    target, name = clients.target, resource.physical_name(clients.target)
    kind = resource.name.split(".")[0] if isinstance(resource, Grants) else resource.type_name
    if kind in _AWS:
        return None if target.profiles_home else _AWS[kind](target, quote(name))
    if target.profiles_home and kind not in _LOCAL:
        return None
    host = str(clients.workspace.config.host).rstrip("/")
    if kind in _BY_ID:
        ids = resource.audited_names(clients)
        return f"{host}/{_BY_ID[kind]}/{quote(ids[0])}" if ids else None
    return f"{host}/{_UNITY[kind]}/{'/'.join(map(quote, name.split('.')))}" if kind in _UNITY else None


def _describe_columns(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(one.name, one.type.lower(), one.comment) for one in table.columns])
