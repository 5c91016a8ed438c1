"""Registered models: who may see and change them, what they share with functions, what the API refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    DatabricksError,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service.catalog import Privilege

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch, grant, run_sql

SCHEMA = f"{NAME}.main"
DELAY, FARE = f"{SCHEMA}.delay", f"{SCHEMA}.fare"


@pytest.fixture
def uc(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[WorkspaceClient]:
    client = workspace.client("deployer")
    client.registered_models.create(NAME, "main", "Delay", comment="Minutes late")
    client.registered_models.create(NAME, "main", "fare")
    grant(workspace, "function", DELAY, "analyst", Privilege.EXECUTE)
    yield client
    for one in client.registered_models.list(catalog_name=NAME, schema_name="main"):
        client.registered_models.delete(str(one.full_name))


def names(client: WorkspaceClient, **page: int) -> list[str]:
    return [str(one.name) for one in client.registered_models.list(catalog_name=NAME, schema_name="main", **page)]


def test_it_is_made_found_changed_and_deleted(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    made = uc.registered_models.get(DELAY)
    assert (made.full_name, made.comment, made.owner) == (DELAY, "Minutes late", workspace.name("deployer"))
    assert "/__unitystorage/" in str(made.storage_location) and "/models/" in str(made.storage_location)
    assert names(uc, max_results=1) == ["delay", "fare"]
    assert {DELAY, FARE} <= {one.full_name for one in uc.registered_models.list()}
    assert list(uc.model_versions.list(DELAY)) == []
    uc.registered_models.update(DELAY, comment="Late", new_name="late")
    workspace.client("admin").registered_models.update(f"{SCHEMA}.late", owner=workspace.name("analyst"))
    moved = uc.registered_models.get(f"{SCHEMA}.late")
    assert (moved.comment, moved.owner) == ("Late", workspace.name("analyst"))
    uc.registered_models.delete(FARE)
    for call in (uc.registered_models.get, uc.registered_models.delete):
        with pytest.raises(NotFound, match=f"Routine or Model '{FARE}' does not exist"):
            call(FARE)


def test_who_may_execute_sees_it_and_the_neighbour_does_not(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    analyst = workspace.client("analyst")
    assert names(analyst) == ["delay"]
    assert list(analyst.model_versions.list(DELAY)) == []
    assert uc.grants.get("function", DELAY).as_dict()["privilege_assignments"][0]["privileges"] == ["EXECUTE"]
    for client, name in ((analyst, FARE), (workspace.client("pipeline"), DELAY)):
        refused = f"does not have .* on Routine or Model '{name}'"
        with pytest.raises(PermissionDenied, match=refused):
            client.registered_models.get(name)
        with pytest.raises(PermissionDenied, match=refused):
            list(client.model_versions.list(name))
    assert names(workspace.client("pipeline")) == []


def test_only_who_manages_it_changes_it(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    models, grants = workspace.client("analyst").registered_models, workspace.client("analyst").grants
    for call in (
        lambda: models.update(DELAY, comment="mine"),
        lambda: models.delete(DELAY),
        lambda: grants.update("function", DELAY, changes=[]),
    ):
        with pytest.raises(PermissionDenied, match=f"MANAGE on Routine or Model '{DELAY}'"):
            call()
    analyst = workspace.name("analyst")
    with pytest.raises(PermissionDenied, match="Only a metastore admin transfers"):
        uc.registered_models.update(DELAY, owner=analyst)
    workspace.client("admin").registered_models.update(DELAY, owner=analyst)
    assert models.update(DELAY, comment="mine").comment == "mine"


@pytest.mark.parametrize("privilege", [Privilege.CREATE_MODEL, Privilege.CREATE_FUNCTION])
def test_it_takes_one_of_two_privileges_to_make_one(
    workspace: WarmWorkspace, uc: WorkspaceClient, privilege: Privilege
) -> None:
    client = workspace.client("analyst")
    with pytest.raises(PermissionDenied, match=f"does not have CREATE MODEL on Schema '{SCHEMA}'"):
        client.registered_models.create(NAME, "main", "mine")
    grant(workspace, "schema", SCHEMA, "analyst", privilege)
    try:
        assert client.registered_models.create(NAME, "main", "mine").owner == workspace.name("analyst")
    finally:
        changes = [{"principal": workspace.name("analyst"), "remove": [privilege.value]}]
        path = f"/api/2.1/unity-catalog/permissions/schema/{SCHEMA}"
        uc.api_client.do("PATCH", path, body={"changes": changes})


def test_a_model_and_a_function_never_have_the_same_name(
    workspace: WarmWorkspace, scratch: Scratch, uc: WorkspaceClient
) -> None:
    text = f"CREATE FUNCTION {DELAY}(n INT) RETURNS INT RETURN n"
    answer = uc.statement_execution.execute_statement(text, scratch.warehouse, wait_timeout="50s")
    assert answer.status and answer.status.error and "already exists" in str(answer.status.error.message)
    run_sql(workspace, "deployer", f"CREATE FUNCTION {SCHEMA}.thrice(n INT) RETURNS INT RETURN n * 3")
    try:
        for name in ("THRICE", "delay"):
            with pytest.raises((AlreadyExists, ResourceConflict), match="already exists"):
                uc.registered_models.create(NAME, "main", name)
        with pytest.raises((AlreadyExists, ResourceConflict), match="already exists"):
            uc.registered_models.update(DELAY, new_name="thrice")
        assert "thrice" not in names(uc)
        assert "delay" not in [one.name for one in uc.functions.list(NAME, "main")]
    finally:
        run_sql(workspace, "deployer", f"DROP FUNCTION {SCHEMA}.thrice")


def test_grants_on_it_are_made_in_sql_too(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    pipeline = workspace.client("pipeline")
    run_sql(workspace, "deployer", f"GRANT EXECUTE ON FUNCTION {FARE} TO `{workspace.name('pipeline')}`")
    assert pipeline.registered_models.get(FARE).name == "fare"
    run_sql(workspace, "deployer", f"REVOKE EXECUTE ON FUNCTION {FARE} FROM `{workspace.name('pipeline')}`")
    with pytest.raises(PermissionDenied):
        pipeline.registered_models.get(FARE)


def test_its_grants_end_with_it(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    uc.registered_models.delete(DELAY)
    uc.registered_models.create(NAME, "main", "delay")
    with pytest.raises(PermissionDenied):
        workspace.client("analyst").registered_models.get(DELAY)


def test_bad_requests_are_refused_by_name(uc: WorkspaceClient) -> None:
    models = uc.registered_models
    for call, kind, said in (
        (lambda: models.get("main.delay"), BadRequest, "is not a full model name"),
        (lambda: models.create(NAME, "main", "a b"), BadRequest, "Model name 'a b' must not contain"),
        (lambda: models.create(NAME, "nowhere", "x"), NotFound, "Schema 'scratch.nowhere' does not exist"),
        (lambda: models.create(NAME, "main", "x", storage_location="s3://b/x"), NotImplemented, "managed storage"),
        (lambda: list(models.list(catalog_name=NAME)), BadRequest, "schema_name"),
        (lambda: models.update(DELAY, owner="nobody"), NotFound, "nobody"),
        (lambda: models.set_alias(DELAY, "champion", 1), NotImplemented, "does not serve PUT"),
        (lambda: uc.grants.get("registered_model", DELAY), BadRequest, "Unknown securable type 'registered_model'"),
        (lambda: uc.schemas.delete(SCHEMA), DatabricksError, "is not empty: it has .*delay"),
    ):
        with pytest.raises(kind, match=said):
            call()


def test_a_privilege_that_models_do_not_take_is_refused(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    with pytest.raises(BadRequest, match="SELECT is not applicable to Routine or Model"):
        grant(workspace, "function", DELAY, "analyst", Privilege.SELECT)
