"""What each type of resource brings along: a link, a row in the documents, a plan case, a service that answers it."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from lakehouse.names import RESOURCE_TYPES
from local_workspace.engines.moto_state import CONTROL, OBJECTS
from local_workspace.gateway.app import RouteTable, load_routes
from platform_assets.resource_types import registry
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.registry import TYPES

ROOT = Path(__file__).parent.parent.parent
TABLE = (ROOT / "docs" / "reference" / "resource-types.md").read_text()
LINK = re.compile(r"https://docs\.(?:databricks|aws\.amazon)\.com/[^\s|)]+")
WITHOUT_CASE = {"wheel": "it is made of source files: see tests/lakehouse/test_wheels.py"}

# type -> what it is listed, read and written by: routes of the local workspace, or services of moto.
UC = "/api/2.1/unity-catalog"
STATEMENTS = "POST /api/2.0/sql/statements"
ROUTES: dict[str, tuple[str, ...]] = {
    "service_principal": ("GET POST /api/2.0/preview/scim/v2/ServicePrincipals",),
    "user": (
        "GET POST /api/2.0/preview/scim/v2/Users",
        "GET PATCH DELETE /api/2.0/preview/scim/v2/Users/{id}",
    ),
    "group": ("GET POST /api/2.0/preview/scim/v2/Groups",),
    "workspace_assignment": (
        "GET POST /api/2.0/preview/permissionassignments",
        "PUT DELETE /api/2.0/preview/permissionassignments/principals/{id}",
    ),
    "token_policy": ("GET PATCH /api/2.0/workspace-conf", "GET PUT /api/2.0/permissions/authorization/tokens"),
    "sql_warehouse": ("GET POST /api/2.0/sql/warehouses", "GET PATCH /api/2.0/permissions/warehouses/{id}"),
    "cluster_policy": (
        "GET /api/2.0/policies/clusters/list",
        "POST /api/2.0/policies/clusters/create",
        "POST /api/2.0/policies/clusters/edit",
        "POST /api/2.0/policies/clusters/delete",
        "GET PATCH /api/2.0/permissions/cluster-policies/{id}",
    ),
    "secret_scope": (
        "GET /api/2.0/secrets/scopes/list",
        "POST /api/2.0/secrets/scopes/create",
        "POST /api/2.0/secrets/scopes/delete",
        "POST /api/2.0/secrets/acls/put",
        "POST /api/2.0/secrets/put",
    ),
    "directory": (
        "GET /api/2.0/workspace/get-status",
        "POST /api/2.0/workspace/mkdirs",
        "POST /api/2.0/workspace/delete",
        "GET PATCH /api/2.0/permissions/directories/{id}",
    ),
    "workspace_file": (
        "GET /api/2.0/workspace/export",
        "POST /api/2.0/workspace/import",
        "GET PATCH /api/2.0/permissions/files/{id}",
    ),
    "experiment": (
        "GET /api/2.0/mlflow/experiments/get-by-name",
        "GET /api/2.0/mlflow/experiments/list",
        "POST /api/2.0/mlflow/experiments/create",
        "POST /api/2.0/mlflow/experiments/restore",
        "POST /api/2.0/mlflow/experiments/set-experiment-tag",
        "POST /api/2.0/mlflow/experiments/delete",
        "GET PATCH /api/2.0/permissions/experiments/{id}",
    ),
    "repo": (
        "GET /api/2.0/workspace/get-status",
        "GET POST /api/2.0/repos",
        "GET PATCH DELETE /api/2.0/repos/{id}",
        "GET PATCH /api/2.0/permissions/repos/{id}",
    ),
    "storage_credential": (f"GET POST {UC}/storage-credentials", f"GET PATCH DELETE {UC}/storage-credentials/x"),
    "external_location": (f"GET POST {UC}/external-locations", f"GET PATCH DELETE {UC}/external-locations/x"),
    "catalog": (f"GET POST {UC}/catalogs", f"GET PATCH DELETE {UC}/catalogs/x"),
    "schema": (f"GET POST {UC}/schemas", f"GET PATCH DELETE {UC}/schemas/x.y"),
    "volume": (f"GET POST {UC}/volumes", f"GET PATCH DELETE {UC}/volumes/x.y.z"),
    "volume_file": (
        "GET PUT DELETE /api/2.0/fs/files/Volumes/x/y/z/w.csv",
        "GET /api/2.0/fs/directories/Volumes/x/y/z/w",
    ),
    "table": (f"GET {UC}/tables", f"GET DELETE {UC}/tables/x.y.z", STATEMENTS),
    "function": (f"GET {UC}/functions", f"GET DELETE {UC}/functions/x.y.z", STATEMENTS),
    "registered_model": (f"GET POST {UC}/models", f"GET PATCH DELETE {UC}/models/x.y.z"),
    "view": (f"GET {UC}/tables", f"GET DELETE {UC}/tables/x.y.z", STATEMENTS),
    "query": (
        "GET POST /api/2.0/sql/queries",
        "GET PATCH DELETE /api/2.0/sql/queries/{id}",
        "GET PATCH /api/2.0/permissions/queries/{id}",
    ),
    "alert": (
        "GET POST /api/2.0/alerts",
        "GET PATCH DELETE /api/2.0/alerts/{id}",
        "GET PATCH /api/2.0/permissions/alertsv2/{id}",
    ),
    "dashboard": (
        "POST /api/2.0/lakeview/dashboards",
        "GET PATCH DELETE /api/2.0/lakeview/dashboards/{id}",
        "GET POST DELETE /api/2.0/lakeview/dashboards/{id}/published",
        "GET PATCH /api/2.0/permissions/dashboards/{id}",
        "GET /api/2.0/workspace/list",
    ),
    "wheel": ("PUT GET /api/2.0/fs/files/Volumes/x/y/z/w.whl",),
    "jar": ("POST /api/2.2/jobs/runs/submit", "HEAD /api/2.0/fs/files/Volumes/x/y/z/j.jar"),
    "notebook": ("GET /api/2.0/workspace/export", "POST /api/2.0/workspace/import"),
    "job": ("POST /api/2.2/jobs/create", "GET /api/2.2/jobs/list", "GET PATCH /api/2.0/permissions/jobs/1"),
    "pipeline": (
        "GET POST /api/2.0/pipelines",
        "GET PUT DELETE /api/2.0/pipelines/{id}",
        "GET PATCH /api/2.0/permissions/pipelines/{id}",
    ),
    "serving_endpoint": (
        "GET POST /api/2.0/serving-endpoints",
        "GET DELETE /api/2.0/serving-endpoints/{id}",
        "PUT /api/2.0/serving-endpoints/{id}/config",
        "PATCH /api/2.0/serving-endpoints/{id}/tags",
        "GET PATCH /api/2.0/permissions/serving-endpoints/{id}",
    ),
    "grants": (f"GET PATCH {UC}/permissions/schema/x.y",),
}
MOTO = {"kms_key": "kms", "sqs_queue": "sqs", "s3_bucket": "s3", "iam_role": "iam", "control_plane_role": "iam"}


def link_of(resource_type: type[Resource]) -> str | None:
    found = LINK.search(inspect.getmodule(resource_type).__doc__ or "")  # type: ignore[union-attr]
    return found[0] if found else None


def defined_types() -> set[type[Resource]]:
    """Every concrete subclass of the modules that the registry imports, and of those beside them."""
    found, waiting = set(), [Resource]
    while waiting:
        below = [one for one in waiting.pop().__subclasses__() if one.__module__.startswith(registry.__package__ or "")]
        waiting += below
        found |= {one for one in below if not inspect.isabstract(one)}
    return found


@pytest.mark.parametrize("resource_type", TYPES, ids=lambda one: one.type_name)
def test_a_type_links_its_api_and_stands_in_the_table(resource_type: type[Resource]) -> None:
    link = link_of(resource_type)
    assert link, f"the docstring of {resource_type.__module__} links no page of its API"
    start = f"| `{resource_type.type_name}` | `{resource_type.__name__}` | "
    rows = [line for line in TABLE.splitlines() if line.startswith(start)]
    assert len(rows) == 1, f"docs/reference/resource-types.md needs one row that starts with {start}"
    assert f"({link})" in rows[0]
    assert resource_type.__doc__, f"{resource_type.__name__} has no docstring"


def test_the_table_has_no_row_too_many_and_the_registrys_order() -> None:
    assert re.findall(r"^\| `(\w+)` \|", TABLE, re.MULTILINE) == [one.type_name for one in TYPES]


def test_every_file_of_a_type_is_registered() -> None:
    folder = Path(registry.__file__).parent
    declared = {path.stem for path in folder.glob("*.py") if "    type_name = " in path.read_text()}
    assert declared == {one.__module__.rpartition(".")[2] for one in TYPES}
    assert defined_types() == set(TYPES)
    assert {one.type_name for one in TYPES} <= set(RESOURCE_TYPES)


def test_every_type_is_imported_or_says_why_not() -> None:
    limits = (ROOT / "docs" / "limits.md").read_text()
    section = limits.partition("## What `lakehouse import` leaves out\n")[2].partition("\n## ")[0]
    reasons = dict(re.findall(r"^\| `(\w+)` \| (\S.*) \|$", section, re.MULTILINE))
    assert list(reasons) == [one.type_name for one in TYPES if one.references is None]
    for one in TYPES:
        assert (one.rebuild is not Resource.rebuild) is (one.references is not None), one.type_name


def test_every_type_has_a_plan_case() -> None:
    cases = [json.loads(path.read_text()) for path in (ROOT / "tests" / "plans").glob("*.json")]
    covered = {one["type"] for case in cases for one in case["resources"]}
    assert {one.type_name for one in TYPES} - covered == WITHOUT_CASE.keys()


@pytest.mark.parametrize("resource_type", TYPES, ids=lambda one: one.type_name)
def test_the_local_workspace_serves_each_type(resource_type: type[Resource]) -> None:
    name = resource_type.type_name
    if name in MOTO:
        assert MOTO[name] in (*CONTROL.services, *OBJECTS.services), "its state would not survive a restart"
        return
    assert name in ROUTES, f"say in ROUTES which calls {resource_type.__name__} is read and changed by"
    table = RouteTable(load_routes())
    for line in ROUTES[name]:
        *methods, path = line.split()
        for method in methods:
            table.find(method, path.replace("{id}", "1"))  # raises 501 for what nobody serves
