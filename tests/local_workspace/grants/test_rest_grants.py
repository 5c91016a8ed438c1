"""Grants in the REST API: each call succeeds for who may, and its neighbour gets PermissionDenied saying why."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotImplemented as NotServed
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, TableOperation, VolumeType
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, JobSettings, SparkPythonTask, Task
from databricks.sdk.service.workspace import ImportFormat, Language

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BOX, BOX_PATH, BUCKET, NAME, SHELF, SHELF_PATH, TABLE, VIEW, Scratch

MAIN = f"{NAME}.main"
ON_TABLE = f"on Table '{TABLE}'"
Call = Callable[[WorkspaceClient], Any]


def table_key(client: WorkspaceClient, operation: TableOperation) -> Any:
    table_id = client.tables.get(TABLE).table_id
    return client.temporary_table_credentials.generate_temporary_table_credentials(
        operation=operation, table_id=str(table_id)
    )


def path_key(client: WorkspaceClient, path: str, operation: str) -> Any:
    body = {"url": f"s3://{BUCKET}/{path}", "operation": operation}
    return client.api_client.do("POST", "/api/2.1/unity-catalog/temporary-path-credentials", body=body)


def volume_key(client: WorkspaceClient, operation: str) -> Any:
    body = {"volume_id": client.volumes.read(BOX).volume_id, "operation": operation}
    return client.api_client.do("POST", "/api/2.1/unity-catalog/temporary-volume-credentials", body=body)


def grant_select(client: WorkspaceClient) -> Any:
    change = PermissionsChange(principal="analysts", add=[Privilege.SELECT])
    return client.grants.update("table", TABLE, changes=[change])


# name -> (the call, the role that may, the role that may not, what that one is told)
CALLS: dict[str, tuple[Call, str, str, str]] = {
    "get catalog": (lambda c: c.catalogs.get(NAME), "outsider", "", ""),
    "get table": (lambda c: c.tables.get(TABLE), "analyst", "outsider", f"BROWSE {ON_TABLE}"),
    "get view": (lambda c: c.tables.get(VIEW), "analyst", "outsider", f"BROWSE on Table '{VIEW}'"),
    "get volume": (lambda c: c.volumes.read(BOX), "analyst", "outsider", f"BROWSE on Volume '{BOX}'"),
    "get location": (
        lambda c: c.external_locations.get(NAME),
        "analyst",
        "outsider",
        f"BROWSE on External Location '{NAME}'",
    ),
    "get credential": (
        lambda c: c.storage_credentials.get(NAME),
        "deployer",
        "analyst",
        f"MANAGE on Storage Credential '{NAME}'",
    ),
    "read file": (
        lambda c: c.files.download(f"{SHELF_PATH}/one.txt"),
        "analyst",
        "outsider",
        f"READ VOLUME on Volume '{SHELF}'",
    ),
    "list files": (
        lambda c: list(c.files.list_directory_contents(SHELF_PATH)),
        "analyst",
        "outsider",
        f"READ VOLUME on Volume '{SHELF}'",
    ),
    "write file": (
        lambda c: c.files.upload(f"{BOX_PATH}/rest", io.BytesIO(b"1"), overwrite=True),
        "pipeline",
        "analyst",
        f"WRITE VOLUME on Volume '{BOX}'",
    ),
    "delete file": (
        lambda c: (c.files.upload(f"{BOX_PATH}/gone", io.BytesIO(b"")), c.files.delete(f"{BOX_PATH}/gone")),
        "pipeline",
        "analyst",
        f"WRITE VOLUME on Volume '{BOX}'",
    ),
    "read keys of a table": (
        lambda c: table_key(c, TableOperation.READ),
        "analyst",
        "outsider",
        ON_TABLE,
    ),
    "write keys of a table": (
        lambda c: table_key(c, TableOperation.READ_WRITE),
        "pipeline",
        "analyst",
        f"MODIFY {ON_TABLE}",
    ),
    "read keys of a path": (
        lambda c: path_key(c, "files", "PATH_READ"),
        "analyst",
        "outsider",
        f"READ FILES on External Location '{NAME}'",
    ),
    "write keys of a path": (
        lambda c: path_key(c, "files", "PATH_READ_WRITE"),
        "pipeline",
        "analyst",
        f"WRITE FILES on External Location '{NAME}'",
    ),
    "keys for a new table": (
        lambda c: path_key(c, "new", "PATH_CREATE_TABLE"),
        "pipeline",
        "analyst",
        f"CREATE EXTERNAL TABLE on External Location '{NAME}'",
    ),
    "read keys of a volume": (lambda c: volume_key(c, "READ_VOLUME"), "analyst", "outsider", f"on Volume '{BOX}'"),
    "write keys of a volume": (
        lambda c: volume_key(c, "WRITE_VOLUME"),
        "pipeline",
        "analyst",
        f"WRITE VOLUME on Volume '{BOX}'",
    ),
    "grant": (grant_select, "deployer", "pipeline", f"MANAGE {ON_TABLE}"),
    "create schema": (
        lambda c: (c.schemas.create("extra", NAME), c.schemas.delete(f"{NAME}.extra")),
        "deployer",
        "pipeline",
        f"CREATE SCHEMA on Catalog '{NAME}'",
    ),
    "create volume": (
        lambda c: (c.volumes.create(NAME, "main", "extra", VolumeType.MANAGED), c.volumes.delete(f"{MAIN}.extra")),
        "pipeline",
        "analyst",
        f"CREATE VOLUME on Schema '{MAIN}'",
    ),
    "create catalog": (lambda c: c.catalogs.create("of_analyst"), "", "analyst", "CREATE CATALOG on Metastore"),
    "drop table": (lambda c: c.tables.delete(TABLE), "", "pipeline", f"MANAGE {ON_TABLE}"),
    "drop schema": (lambda c: c.schemas.delete(MAIN, force=True), "", "pipeline", f"MANAGE on Schema '{MAIN}'"),
    "drop catalog": (lambda c: c.catalogs.delete(NAME, force=True), "", "pipeline", f"MANAGE on Catalog '{NAME}'"),
}


@pytest.mark.parametrize("name", CALLS)
def test_who_may_succeeds_and_the_neighbour_is_told_what_is_missing(
    workspace: WarmWorkspace, scratch: Scratch, name: str
) -> None:
    call, allowed, refused, missing = CALLS[name]
    if allowed:
        call(workspace.client(allowed))
    if refused:
        with pytest.raises(PermissionDenied) as caught:
            call(workspace.client(refused))
        told = "User does not have "
        assert re.search(f"{re.escape(told)}.*{re.escape(missing)}", str(caught.value)), caught.value


def test_lists_show_what_one_may_see(workspace: WarmWorkspace, scratch: Scratch) -> None:
    def seen(role: str) -> dict[str, set[str | None]]:
        client = workspace.client(role)
        return {
            "catalogs": {one.name for one in client.catalogs.list()} & {NAME},
            "tables": {one.full_name for one in client.tables.list(NAME, "main")} & {TABLE, f"{MAIN}.secrets"},
            "volumes": {one.full_name for one in client.volumes.list(NAME, "main")} & {BOX},
            "locations": {one.name for one in client.external_locations.list()} & {NAME},
            "credentials": {one.name for one in client.storage_credentials.list()} & {NAME},
        }

    everything: dict[str, set[str | None]] = {
        "catalogs": {NAME},
        "tables": {TABLE, f"{MAIN}.secrets"},
        "volumes": {BOX},
        "locations": {NAME},
        "credentials": {NAME},
    }
    assert seen("deployer") == everything
    assert seen("analyst") == {**everything, "tables": {TABLE}, "credentials": set()}
    nothing: set[str | None] = set()
    assert seen("outsider") == {**dict.fromkeys(everything, nothing), "catalogs": {NAME}}


def test_keys_open_their_prefix_and_nothing_else(workspace: WarmWorkspace, scratch: Scratch) -> None:
    import boto3
    from botocore.exceptions import ClientError

    answer = path_key(workspace.client("analyst"), "files", "PATH_READ")
    keys = answer["aws_temp_credentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=workspace.aws("s3").meta.endpoint_url,
        region_name=workspace.target.region,
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )
    assert s3.get_object(Bucket=BUCKET, Key="files/one.txt")["Body"].read() == b"one\n"
    in_table = scratch.table_url.removeprefix(f"s3://{BUCKET}/") + "/_delta_log/00000000000000000000.json"
    refused: list[Callable[[], Any]] = [
        lambda: s3.put_object(Bucket=BUCKET, Key="files/two.txt", Body=b""),
        lambda: s3.get_object(Bucket=BUCKET, Key=in_table),
        lambda: s3.get_object(Bucket=BUCKET, Key="shelf/one.txt"),
        lambda: s3.list_objects_v2(Bucket="lakehouse-local-metastore"),
    ]
    for call in refused:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def test_jobs_and_workspace_objects_belong_to_their_makers(workspace: WarmWorkspace) -> None:
    pipeline, analyst = workspace.client("pipeline"), workspace.client("analyst")
    task = Task("t", spark_python_task=SparkPythonTask("/Volumes/a/b/c/x.py"), environment_key="default")
    environment = JobEnvironment("default", Environment(environment_version="4"))
    job_id = pipeline.jobs.create(name="mine", tasks=[task], environments=[environment]).job_id
    assert job_id is not None
    denied: list[Call] = [
        lambda c: c.jobs.get(job_id),
        lambda c: c.jobs.run_now(job_id),
        lambda c: c.jobs.reset(job_id, JobSettings(name="yours")),
        lambda c: c.jobs.delete(job_id),
    ]
    for call in denied:
        with pytest.raises(PermissionDenied, match=rf"{workspace.name('analyst')}.* on job {job_id}"):
            call(analyst)
    assert pipeline.jobs.get(job_id).settings is not None
    pipeline.jobs.delete(job_id)
    path, content = f"/Users/{workspace.name('analyst')}/mine", base64.b64encode(b"1").decode()
    analyst.workspace.import_(path, content=content, format=ImportFormat.SOURCE, language=Language.PYTHON)
    with pytest.raises(PermissionDenied, match=re.escape(path)):
        pipeline.workspace.export(path)


def test_unknown_routes_and_tokens(workspace: WarmWorkspace) -> None:
    with pytest.raises(NotServed, match="/api/2.1/unity-catalog/shares"):
        workspace.client("admin").api_client.do("GET", "/api/2.1/unity-catalog/shares")
    host = str(workspace.client("admin").config.host)
    with pytest.raises(PermissionDenied, match="lakehouse local token"):
        WorkspaceClient(host=host, token="dapi-nobody").current_user.me()
    answer = requests.get(f"{host}/api/2.0/preview/scim/v2/Me", timeout=10)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHENTICATED")
