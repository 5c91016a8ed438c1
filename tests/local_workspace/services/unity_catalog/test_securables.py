"""Catalogs, schemas, volumes, tables, locations: what the service refuses, and what goes with what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    DatabricksError,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service.catalog import AwsIamRoleRequest, Privilege, VolumeType

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, NAME, TABLE, Scratch, grant

UC = "/api/2.1/unity-catalog"


@pytest.fixture
def uc(workspace: WarmWorkspace, scratch: Scratch) -> WorkspaceClient:
    return workspace.client("deployer")


@pytest.fixture
def catalog(uc: WorkspaceClient) -> Iterator[str]:
    uc.catalogs.create("brief", storage_root=f"s3://{BUCKET}/brief")
    uc.schemas.create("s", "brief")
    uc.volumes.create("brief", "s", "v", VolumeType.MANAGED)
    yield "brief"
    uc.catalogs.delete("brief", force=True)


def test_names_are_taken_once_whatever_their_case(uc: WorkspaceClient, catalog: str) -> None:
    again: list[Callable[[], Any]] = [
        lambda: uc.catalogs.create("BRIEF", storage_root=f"s3://{BUCKET}/other"),
        lambda: uc.schemas.create("S", catalog),
        lambda: uc.volumes.create(catalog, "s", "V", VolumeType.MANAGED),
        lambda: uc.external_locations.create(NAME, "s3://elsewhere", NAME, skip_validation=True),
        lambda: uc.storage_credentials.create(NAME, aws_iam_role=role(uc), skip_validation=True),
    ]
    for call in again:
        with pytest.raises((AlreadyExists, ResourceConflict), match="already exists"):
            call()


def role(uc: WorkspaceClient) -> AwsIamRoleRequest:
    return AwsIamRoleRequest("arn:aws:iam::123456789012:role/none")


def test_what_has_no_parent_is_not_found(uc: WorkspaceClient, catalog: str) -> None:
    missing: list[tuple[Callable[[], Any], str]] = [
        (lambda: uc.schemas.create("s", "nowhere"), "Catalog 'nowhere' does not exist"),
        (lambda: uc.volumes.create(catalog, "none", "v", VolumeType.MANAGED), "Schema 'brief.none' does not exist"),
        (lambda: uc.volumes.read("nowhere.s.v"), "Catalog 'nowhere' does not exist"),
        (lambda: uc.tables.get("brief.s.none"), "Table 'brief.s.none' does not exist"),
        (lambda: uc.external_locations.create("x", "s3://elsewhere", "none"), "Storage Credential 'none'"),
        (lambda: uc.catalogs.delete("nowhere"), "Catalog 'nowhere' does not exist"),
        (lambda: uc.grants.get("schema", "brief.none"), "Schema 'brief.none' does not exist"),
    ]
    for call, told in missing:
        with pytest.raises(NotFound, match=re.escape(told)):
            call()


def test_what_is_not_empty_goes_only_by_force(uc: WorkspaceClient, catalog: str) -> None:
    with pytest.raises((BadRequest, ResourceConflict), match="brief.s.v"):
        uc.schemas.delete("brief.s")
    with pytest.raises((BadRequest, ResourceConflict), match="brief.s"):
        uc.catalogs.delete(catalog)
    uc.schemas.delete("brief.s", force=True)
    with pytest.raises(NotFound):
        uc.volumes.read("brief.s.v")
    with pytest.raises((BadRequest, ResourceConflict), match="scratch"):
        uc.external_locations.delete(NAME)
    with pytest.raises((BadRequest, ResourceConflict), match="scratch"):
        uc.storage_credentials.delete(NAME)


def test_storage_never_overlaps(uc: WorkspaceClient, catalog: str) -> None:
    overlapping: list[tuple[Callable[[], Any], str]] = [
        (lambda: uc.external_locations.create("x", f"s3://{BUCKET}/files", NAME), f"external location '{NAME}'"),
        (lambda: volume(uc, f"s3://{BUCKET}/shelf/inside"), "volume 'scratch.main.shelf'"),
        (lambda: volume(uc, f"s3://{BUCKET}/outside"), "table 'scratch.main.outside'"),
        (lambda: volume(uc, f"s3://{BUCKET}"), "overlaps"),
        (lambda: volume(uc, f"s3://{BUCKET}/managed/__unitystorage/x"), "managed storage"),
        (lambda: volume(uc, "s3://another-bucket/x"), "No external location covers"),
        (lambda: uc.catalogs.create("y", storage_root="s3://another-bucket/x"), "No external location covers"),
        (lambda: uc.catalogs.create("y", storage_root=f"s3://{BUCKET}/shelf"), "volume 'scratch.main.shelf'"),
    ]
    for call, told in overlapping:
        with pytest.raises(BadRequest, match=re.escape(told)):
            call()


def volume(uc: WorkspaceClient, url: str) -> Any:
    return uc.volumes.create("brief", "s", "w", VolumeType.EXTERNAL, storage_location=url)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a/b", "x" * 256])
def test_a_name_that_cannot_be_is_refused(uc: WorkspaceClient, name: str) -> None:
    with pytest.raises(InvalidParameterValue):
        uc.catalogs.create(name)


def test_all_list_calls_paginate(uc: WorkspaceClient, catalog: str) -> None:
    for number in range(3):
        uc.schemas.create(f"page{number}", catalog)
        uc.volumes.create(catalog, "s", f"page{number}", VolumeType.MANAGED)
        uc.storage_credentials.create(f"page{number}", aws_iam_role=role(uc), skip_validation=True)
        uc.external_locations.create(f"page{number}", f"s3://page{number}", f"page{number}", skip_validation=True)
    try:
        lists: dict[str, list[Any]] = {
            "catalogs": list(uc.catalogs.list(max_results=1)),
            "schemas": list(uc.schemas.list(catalog, max_results=2)),
            "tables": list(uc.tables.list(NAME, "main", max_results=2)),
            "volumes": list(uc.volumes.list(catalog, "s", max_results=2)),
            "external-locations": list(uc.external_locations.list(max_results=2)),
            "storage-credentials": list(uc.storage_credentials.list(max_results=2)),
        }
        parents: dict[str, dict[str, Any]] = {
            "schemas": {"catalog_name": catalog},
            "tables": {"catalog_name": NAME, "schema_name": "main"},
            "volumes": {"catalog_name": catalog, "schema_name": "s"},
        }
        for path, found in lists.items():
            query = {**parents.get(path, {}), "max_results": 1}
            page: Any = uc.api_client.do("GET", f"{UC}/{path}", query=query)
            names = [one.name for one in found]
            assert page["next_page_token"], path
            assert len(page[path.replace("-", "_")]) == 1
            assert len(names) == len(set(names)) >= 2, path
    finally:
        for number in range(3):
            uc.external_locations.delete(f"page{number}")
            uc.storage_credentials.delete(f"page{number}")


def test_names_are_kept_in_lower_case(uc: WorkspaceClient, catalog: str) -> None:
    made = uc.volumes.create("Brief", "S", "Odd", VolumeType.MANAGED)
    assert (made.full_name, made.name, made.catalog_name, made.schema_name) == ("brief.s.odd", "odd", "brief", "s")
    assert uc.volumes.read("BRIEF.s.ODD").name == "odd"
    uc.volumes.update("brief.s.odd", new_name="ODD", comment="no other name")
    with pytest.raises(ResourceConflict, match="already exists"):
        uc.volumes.create("brief", "s", "oDD", VolumeType.MANAGED)
    uc.volumes.delete("brief.S.odd")


def test_updates_rename_and_hand_over(workspace: WarmWorkspace, uc: WorkspaceClient, catalog: str) -> None:
    uc.volumes.update("brief.s.v", comment="kept", new_name="w")
    assert uc.volumes.read("brief.s.w").comment == "kept"
    with pytest.raises(NotFound, match="nobody"):
        uc.schemas.update("brief.s", owner="nobody")
    uc.schemas.update("brief.s", owner=workspace.name("analyst"))
    assert uc.schemas.get("brief.s").owner == workspace.name("analyst")
    with pytest.raises(PermissionDenied, match="MANAGE on Volume"):  # an owner must be let into the catalog, too
        workspace.client("analyst").volumes.delete("brief.s.w")
    grant(workspace, "catalog", "brief", "analyst", Privilege.USE_CATALOG)
    workspace.client("analyst").volumes.delete("brief.s.w")  # who owns the schema manages what is in it


def test_a_dropped_managed_table_leaves_no_files(workspace: WarmWorkspace, uc: WorkspaceClient, catalog: str) -> None:
    import io

    place = str(uc.volumes.read("brief.s.v").storage_location).removeprefix(f"s3://{BUCKET}/")
    uc.files.upload("/Volumes/brief/s/v/x", io.BytesIO(b"1"))
    s3 = workspace.aws("s3")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=place)["KeyCount"] == 1
    uc.volumes.delete("brief.s.v")
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=place)["KeyCount"] == 0


def test_the_metastore_is_there(workspace: WarmWorkspace) -> None:
    for role_name in ("admin", "outsider"):
        client = workspace.client(role_name)
        summary = client.metastores.summary()
        assert summary.metastore_id == client.metastores.current().metastore_id
        assert (summary.cloud, summary.region) == ("aws", workspace.target.region)


def test_tables_tell_their_columns_and_place(uc: WorkspaceClient, scratch: Scratch) -> None:
    table = uc.tables.get(TABLE)
    assert table.table_type is not None and table.data_source_format is not None
    assert (table.table_type.value, table.data_source_format.value) == ("MANAGED", "DELTA")
    assert [(column.name, column.type_text) for column in table.columns or []] == [("id", "bigint")]
    assert uc.tables.exists(TABLE).table_exists
    assert not uc.tables.exists(f"{NAME}.main.none").table_exists
    with pytest.raises(DatabricksError, match="full table name"):
        uc.tables.get("numbers")
