"""Isolated catalogs: without a binding of this workspace nobody gets in, whoever they are; read-only stops writers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.catalog import (
    CatalogIsolationMode,
    IsolationMode,
    Privilege,
    VolumeType,
    WorkspaceBinding,
    WorkspaceBindingBindingType,
)

from local_workspace.gateway.workspace import WORKSPACE_ID
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, NAME, Scratch, grant, run_sql

CATALOG = "isolated"
TABLE, VOLUME = f"{CATALOG}.s.t", f"{CATALOG}.s.v"
FILE = f"/Volumes/{VOLUME.replace('.', '/')}/one.txt"
CLOSED = f"Catalog '{CATALOG}' is not accessible in current workspace"
READ_ONLY = WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY
HERE, ELSEWHERE = WORKSPACE_ID, 4711
_API = "/api/2.1/unity-catalog/bindings"


@pytest.fixture(scope="module")
def owner(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[WorkspaceClient]:
    client = workspace.client("deployer")
    client.catalogs.create(CATALOG, storage_root=f"s3://{BUCKET}/isolated")
    client.schemas.create("s", CATALOG)
    client.volumes.create(CATALOG, "s", "v", VolumeType.MANAGED)
    run_sql(workspace, "deployer", f"CREATE TABLE {TABLE} AS SELECT 1 AS one")
    run_sql(workspace, "deployer", f"CREATE FUNCTION {CATALOG}.s.f(n INT) RETURNS INT RETURN n + 1")
    for privilege in (Privilege.USE_CATALOG, Privilege.ALL_PRIVILEGES):
        grant(workspace, "catalog", CATALOG, "analyst", privilege)
    client.files.upload(FILE, iter_bytes(b"one"), overwrite=True)
    yield client
    bind(client, add=[WorkspaceBinding(HERE)], remove=[WorkspaceBinding(ELSEWHERE)])
    client.catalogs.delete(CATALOG, force=True)


def iter_bytes(content: bytes) -> Any:
    import io

    return io.BytesIO(content)


def bind(
    client: WorkspaceClient, add: list[WorkspaceBinding], remove: list[WorkspaceBinding]
) -> list[WorkspaceBinding]:
    return client.workspace_bindings.update_bindings("catalog", CATALOG, add=add, remove=remove).bindings or []


def attempts(workspace: WarmWorkspace, role: str) -> dict[str, Callable[[], Any]]:
    """What reads and what writes, by every way in."""
    client = workspace.client(role)
    return {
        "read catalog": lambda: client.catalogs.get(CATALOG),
        "read schema": lambda: client.schemas.get(f"{CATALOG}.s"),
        "read table": lambda: client.tables.get(TABLE),
        "read function": lambda: client.functions.get(f"{CATALOG}.s.f"),
        "read grants": lambda: client.grants.get("table", TABLE),
        "read rows": lambda: query(workspace, role, f"SELECT {CATALOG}.s.f(one) FROM {TABLE}"),
        "read file": lambda: client.files.download(FILE),
        "write rows": lambda: query(workspace, role, f"INSERT INTO {TABLE} VALUES (2)"),
        "write file": lambda: client.files.upload(FILE, iter_bytes(b"two"), overwrite=True),
        "write schema": lambda: client.schemas.create("made", CATALOG),
        "write volume": lambda: client.volumes.create(CATALOG, "s", "made", VolumeType.MANAGED),
    }


def query(workspace: WarmWorkspace, role: str, text: str) -> None:
    client = workspace.client(role)
    warehouse = next(str(one.id) for one in client.warehouses.list() if one.name == NAME)
    status = client.statement_execution.execute_statement(text, warehouse, wait_timeout="50s").status
    assert status is not None
    if status.error is not None:
        raise PermissionDenied(str(status.error.message))


@pytest.mark.parametrize("role", ["deployer", "analyst", "admin"])
def test_without_a_binding_of_this_workspace_nobody_gets_in(
    workspace: WarmWorkspace, owner: WorkspaceClient, role: str
) -> None:
    query(workspace, "analyst", f"SELECT * FROM {TABLE}")
    bind(owner, add=[WorkspaceBinding(ELSEWHERE)], remove=[WorkspaceBinding(HERE)])
    owner.catalogs.update(CATALOG, isolation_mode=CatalogIsolationMode.ISOLATED)
    try:
        for name, attempt in attempts(workspace, role).items():
            with pytest.raises(PermissionDenied) as caught:
                attempt()
            assert CLOSED in str(caught.value) or "rows" in name, (name, str(caught.value))
        assert CATALOG not in {one.name for one in workspace.client(role).catalogs.list()}
    finally:
        bind(owner, add=[WorkspaceBinding(HERE)], remove=[])
        owner.catalogs.update(CATALOG, isolation_mode=CatalogIsolationMode.OPEN)


def test_a_read_only_binding_reads_and_does_not_write(workspace: WarmWorkspace, owner: WorkspaceClient) -> None:
    bind(owner, add=[WorkspaceBinding(binding_type=READ_ONLY, workspace_id=HERE)], remove=[])
    owner.catalogs.update(CATALOG, isolation_mode=CatalogIsolationMode.ISOLATED)
    try:
        for role in ("deployer", "analyst"):
            for name, attempt in attempts(workspace, role).items():
                if name.startswith("read"):
                    attempt()
                    continue
                with pytest.raises(PermissionDenied, match=f"Catalog '{CATALOG}' is read-only in current workspace"):
                    attempt()
        with pytest.raises(PermissionDenied, match="is read-only"):
            owner.tables.delete(TABLE)
    finally:
        bind(owner, add=[WorkspaceBinding(HERE)], remove=[])
        owner.catalogs.update(CATALOG, isolation_mode=CatalogIsolationMode.OPEN)


def test_bindings_are_kept_by_owners_and_checked(workspace: WarmWorkspace, owner: WorkspaceClient) -> None:
    made = bind(owner, add=[WorkspaceBinding(HERE), WorkspaceBinding(9)], remove=[WorkspaceBinding(ELSEWHERE)])
    assert [one.workspace_id for one in made] == [HERE, 9]
    assert list(owner.workspace_bindings.get_bindings("catalog", CATALOG)) == made
    assert [one.workspace_id for one in bind(owner, add=[], remove=[WorkspaceBinding(9)])] == [HERE]
    with pytest.raises(PermissionDenied, match="does not have MANAGE on Catalog"):
        list(workspace.client("outsider").workspace_bindings.get_bindings("catalog", CATALOG))
    with pytest.raises(NotFound):
        list(owner.workspace_bindings.get_bindings("catalog", "nowhere"))
    for kind, name, binding, said in (
        ("schema", f"{CATALOG}.s", {"workspace_id": HERE}, "cannot be bound"),
        ("catalog", CATALOG, {"workspace_id": "one"}, "workspace_id must be a whole number"),
        ("catalog", CATALOG, {"workspace_id": HERE, "binding_type": "ANY"}, "binding_type must be"),
        ("external_location", NAME, {"workspace_id": HERE, "binding_type": READ_ONLY.value}, "for catalogs only"),
    ):
        with pytest.raises(BadRequest, match=said):
            owner.api_client.do("PATCH", f"{_API}/{kind}/{name}", body={"add": [binding]})


def test_an_isolated_location_opens_to_its_workspaces_only(workspace: WarmWorkspace, owner: WorkspaceClient) -> None:
    path = f"SELECT count(*) FROM text.`s3://{BUCKET}/files/one.txt`"
    owner.workspace_bindings.update_bindings("external_location", NAME, add=[WorkspaceBinding(ELSEWHERE)])
    owner.external_locations.update(NAME, isolation_mode=IsolationMode.ISOLATION_MODE_ISOLATED)
    try:
        with pytest.raises(PermissionDenied, match=f"External Location '{NAME}' is not accessible"):
            owner.external_locations.get(NAME)
        query(workspace, "analyst", f"SELECT * FROM {TABLE}")  # tables in it are the catalog's business
    finally:
        here = [WorkspaceBinding(HERE)]
        owner.workspace_bindings.update_bindings("external_location", NAME, add=here)
        owner.external_locations.update(NAME, isolation_mode=IsolationMode.ISOLATION_MODE_OPEN)
    query(workspace, "analyst", path)
