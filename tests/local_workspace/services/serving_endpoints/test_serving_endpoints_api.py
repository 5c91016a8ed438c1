"""Serving endpoints: defined by who may execute the model, opened by levels; nothing here claims to serve."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    DatabricksError,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    OperationFailed,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.catalog import Privilege
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.serving import EndpointCoreConfigInput, EndpointTag, ServedEntityInput

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch, grant

MODEL = f"{NAME}.main.served"
API = "/api/2.0/serving-endpoints"
ENTITY = {"entity_name": MODEL, "entity_version": "1", "workload_size": "Small", "scale_to_zero_enabled": True}


@pytest.fixture(scope="module")
def ours(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[WorkspaceClient]:
    client = workspace.client("deployer")
    client.registered_models.create(NAME, "main", "served")
    yield client
    client.registered_models.delete(MODEL)


@pytest.fixture
def name(ours: WorkspaceClient) -> Iterator[str]:
    name = f"e-{uuid.uuid4().hex}"
    ours.api_client.do("POST", API, body={"name": name, "config": {"served_entities": [ENTITY]}})
    yield name
    with contextlib.suppress(NotFound):
        ours.serving_endpoints.delete(name)


def allow(workspace: WarmWorkspace, name: str, role: str, level: str) -> None:
    client = workspace.client("deployer")
    who = {"analyst": "user_name", "pipeline": "service_principal_name"}[role]
    entry = AccessControlRequest(permission_level=PermissionLevel(level), **{who: workspace.name(role)})  # type: ignore[arg-type]
    identity = str(client.serving_endpoints.get(name).id)
    client.permissions.update("serving-endpoints", identity, access_control_list=[entry])


def test_it_is_defined_changed_and_deleted_and_says_that_it_serves_nothing(ours: WorkspaceClient, name: str) -> None:
    found = ours.serving_endpoints.get(name).as_dict()
    (entity,) = found["config"]["served_entities"]
    assert {key: entity[key] for key in ENTITY} == ENTITY
    assert (entity["name"], entity["state"]["deployment"]) == ("served-1", "DEPLOYMENT_FAILED")
    assert found["state"] == {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}
    assert found["config"]["traffic_config"]["routes"][0]["traffic_percentage"] == 100
    with pytest.raises(OperationFailed, match="UPDATE_FAILED"):
        ours.serving_endpoints.wait_get_serving_endpoint_not_updating(name)
    changed = {**ENTITY, "entity_version": "2"}
    ours.serving_endpoints.update_config(name, served_entities=[ServedEntityInput.from_dict(changed)])
    config = ours.serving_endpoints.get(name).config
    assert config and (config.config_version, config.served_entities[0].entity_version) == (2, "2")  # type: ignore[index]
    ours.serving_endpoints.patch(name, add_tags=[EndpointTag("a", "1"), EndpointTag("b")])
    tags = ours.serving_endpoints.patch(name, delete_tags=["a"]).tags
    assert [(one.key, one.value) for one in tags or []] == [("b", "")]
    assert name in [one.name for one in ours.serving_endpoints.list()]
    ours.serving_endpoints.delete(name)
    for call in (ours.serving_endpoints.get, ours.serving_endpoints.delete):
        with pytest.raises(NotFound, match=f"Endpoint with name '{name}' does not exist"):
            call(name)


def test_who_may_not_execute_the_model_cannot_put_it_behind_an_endpoint(
    workspace: WarmWorkspace, ours: WorkspaceClient, name: str
) -> None:
    config = EndpointCoreConfigInput(served_entities=[ServedEntityInput.from_dict(ENTITY)])
    for role in ("analyst", "outsider"):
        with pytest.raises(PermissionDenied):
            workspace.client(role).serving_endpoints.create(f"{name}-2", config=config)
    allow(workspace, name, "analyst", "CAN_MANAGE")
    with pytest.raises(PermissionDenied, match=f"EXECUTE on Routine or Model '{MODEL}'"):
        workspace.client("analyst").serving_endpoints.update_config(name, served_entities=config.served_entities)
    grant(workspace, "function", MODEL, "analyst", Privilege.EXECUTE)
    workspace.client("analyst").serving_endpoints.update_config(name, served_entities=config.served_entities)
    change = {"changes": [{"principal": workspace.name("analyst"), "remove": ["EXECUTE"]}]}
    ours.api_client.do("PATCH", f"/api/2.1/unity-catalog/permissions/function/{MODEL}", body=change)


CALLS = {
    "get": ("CAN_VIEW", lambda api, one: api.serving_endpoints.get(one)),
    "tags": ("CAN_MANAGE", lambda api, one: api.serving_endpoints.patch(one, add_tags=[EndpointTag("a", "1")])),
    "delete": ("CAN_MANAGE", lambda api, one: api.serving_endpoints.delete(one)),
}
LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")


@pytest.mark.parametrize("level", [None, *LEVELS])
@pytest.mark.parametrize("what", CALLS)
def test_a_level_opens_what_it_says(workspace: WarmWorkspace, name: str, what: str, level: str | None) -> None:
    needed, call = CALLS[what]
    client = workspace.client("pipeline")
    if level:
        allow(workspace, name, "pipeline", level)
    assert (name in [one.name for one in client.serving_endpoints.list()]) is bool(level)
    if level and LEVELS.index(level) >= LEVELS.index(needed):
        call(client, name)
        return
    with pytest.raises(PermissionDenied, match=f"does not have {needed} on Serving endpoint '{name}'"):
        call(client, name)


def test_a_query_is_refused_as_what_it_is(workspace: WarmWorkspace, ours: WorkspaceClient, name: str) -> None:
    with pytest.raises(NotImplemented, match="serves no models"):
        ours.serving_endpoints.query(name, inputs=[1])
    allow(workspace, name, "analyst", "CAN_VIEW")
    with pytest.raises(PermissionDenied, match="does not have CAN_QUERY"):
        workspace.client("analyst").serving_endpoints.query(name, inputs=[1])


def test_only_who_manages_it_sees_and_changes_its_permissions(
    workspace: WarmWorkspace, ours: WorkspaceClient, name: str
) -> None:
    allow(workspace, name, "analyst", "CAN_QUERY")
    identity, analyst = str(ours.serving_endpoints.get(name).id), workspace.client("analyst")
    with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
        analyst.permissions.get("serving-endpoints", identity)
    deployer = AccessControlRequest(
        service_principal_name=workspace.name("deployer"), permission_level=PermissionLevel.CAN_MANAGE
    )
    ours.permissions.set("serving-endpoints", identity, access_control_list=[deployer])
    with pytest.raises(PermissionDenied, match="CAN_VIEW"):
        analyst.serving_endpoints.get(name)
    with pytest.raises(NotFound, match="Endpoint with id 'none' does not exist"):
        ours.permissions.get("serving-endpoints", "none")
    levels = workspace.client("admin").permissions.get_permission_levels("serving-endpoints", identity)
    assert [one.permission_level.value for one in levels.permission_levels or [] if one.permission_level] == [*LEVELS]


ROUTE = {"served_model_name": "served-1", "traffic_percentage": 100}


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"name": "a b"}, InvalidParameterValue, "Endpoint name 'a b'"),
        ({"config": None}, InvalidParameterValue, "an object is expected"),
        ({"route_optimized": True}, NotImplemented, "route_optimized"),
        ({"config": {"served_entities": []}}, InvalidParameterValue, "served_entities must be a list"),
        ({"config": {"served_models": []}}, NotImplemented, "served_models"),
        ({"config": {"served_entities": [ENTITY, ENTITY]}}, InvalidParameterValue, "must differ"),
        ({"entity": {"entity_name": "model"}}, InvalidParameterValue, "catalog.schema.model"),
        ({"entity": {"name": "served-1", "entity_name": f"{NAME}.main.nothing"}}, NotFound, "nothing' does not exist"),
        ({"entity": {"entity_version": "latest"}}, InvalidParameterValue, "entity_version must be the number"),
        ({"entity": {"workload_size": "Huge"}}, InvalidParameterValue, "one of Small, Medium, Large"),
        ({"entity": {"workload_type": "GPU_SMALL"}}, NotImplemented, "GPU_SMALL"),
        ({"entity": {"environment_vars": {"A": "1"}}}, NotImplemented, "environment_vars"),
        ({"route": {"served_model_name": "other"}}, InvalidParameterValue, "none of served-1"),
        ({"route": {"traffic_percentage": 99}}, InvalidParameterValue, "add up to 100"),
        ({"route": {"traffic_percentage": 101}}, InvalidParameterValue, "from 0 to 100"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    ours: WorkspaceClient, change: dict[str, Any], kind: type[DatabricksError], said: str
) -> None:
    entity, route = {**ENTITY, **change.pop("entity", {})}, {**ROUTE, **change.pop("route", {})}
    config = {"served_entities": [entity], "traffic_config": {"routes": [route]}}
    name = f"e-{uuid.uuid4().hex}"
    with pytest.raises(kind, match=said):
        ours.api_client.do("POST", API, body={"name": name, "config": config, **change})
    assert name not in [one.name for one in ours.serving_endpoints.list()]


def test_a_name_is_taken_once(ours: WorkspaceClient, name: str) -> None:
    config = EndpointCoreConfigInput(served_entities=[ServedEntityInput.from_dict(ENTITY)])
    with pytest.raises((AlreadyExists, ResourceAlreadyExists), match=f"Endpoint with name '{name}' already exists"):
        ours.serving_endpoints.create(name, config=config)
