"""A serving endpoint on a real workspace: defined, seen by whom it is for, mended, pruned; and never ready here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.errors import NotImplemented, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.serving import EndpointStateReady, EndpointTag, ServedEntityInput

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from tests.platform_assets.live.conftest import Gateway, NewTarget

LATE = RegisteredModel("flights.gold.Late")
SERVED = ServingEndpoint("late", LATE.name, 1, permissions={"analysts": "CAN_QUERY"})
DECLARED: tuple[Resource, ...] = (*RESOURCES, SERVED, LATE)
KEYS = ["serving_endpoint", "registered_model"]


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, KEYS, resources=DECLARED).failures == ()
    yield applied
    for one in (SERVED, LATE):
        one.delete(Clients(applied))


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, KEYS, resources=DECLARED).changed_nothing
    assert gateway.writes(since) == []


def test_each_may_do_what_is_declared_and_no_more(target: Target) -> None:
    name, analyst = SERVED.physical_name(target), open_workspace(target, "analyst").serving_endpoints
    state = analyst.get(name).state
    assert state and state.ready is EndpointStateReady.NOT_READY
    with pytest.raises(NotImplemented, match="serves no models"):
        analyst.query(name, inputs=[1])
    with pytest.raises(PermissionDenied, match=f"does not have CAN_MANAGE on Serving endpoint '{name}'"):
        analyst.delete(name)
    for role in ("pipeline", "outsider"):
        with pytest.raises(PermissionDenied, match=f"does not have CAN_VIEW on Serving endpoint '{name}'"):
            open_workspace(target, role).serving_endpoints.get(name)


def test_changes_by_hand_are_named_and_mended_and_others_tags_stay(target: Target) -> None:
    api, name = Clients(target).workspace, SERVED.physical_name(target)
    model = LATE.physical_name(target)
    theirs = ServedEntityInput(entity_name=model, entity_version="7", workload_size="Large", name="theirs")
    api.serving_endpoints.update_config(name, served_entities=[theirs])
    api.serving_endpoints.patch(name, add_tags=[EndpointTag("theirs", "1")], delete_tags=["managed_by"])
    identity = str(api.serving_endpoints.get(name).id)
    deployer = AccessControlRequest(
        service_principal_name=target.principals["deployer"], permission_level=PermissionLevel.CAN_MANAGE
    )
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_VIEW
    )
    api.permissions.set("serving-endpoints", identity, access_control_list=[deployer, pipeline])
    shown = explain_plan(plan_estate(target, KEYS, resources=DECLARED))
    for line in ("entities.late-1", "entities.theirs", "traffic.theirs: 100 -> nothing", "tags.managed_by"):
        assert line in shown
    assert "permissions.analysts: CAN_QUERY" in shown and "(other_users [" in shown
    assert "deployer (" not in shown, "who made it always manages it"
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert plan_estate(target, KEYS, resources=DECLARED).is_empty
    tags = api.serving_endpoints.get(name).tags or []
    assert ("theirs", "1") in [(one.key, one.value) for one in tags]


def test_another_version_is_an_update_in_place(target: Target) -> None:
    newer = replace(SERVED, version=2)
    declared = (*RESOURCES, newer, LATE)
    identity = Clients(target).workspace.serving_endpoints.get(SERVED.physical_name(target)).id
    assert apply_estate(target, KEYS, resources=declared).failures == ()
    assert plan_estate(target, KEYS, resources=declared).is_empty
    assert Clients(target).workspace.serving_endpoints.get(SERVED.physical_name(target)).id == identity
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()


def test_an_answer_lost_after_create_makes_it_once(target: Target, gateway: Gateway) -> None:
    SERVED.delete(Clients(target))
    gateway.add_fault(method="POST", path="*/serving-endpoints", drop="after", times=1)
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert plan_estate(target, KEYS, resources=DECLARED).is_empty


def test_it_is_pruned_when_no_longer_declared_and_estates_do_not_meet(target: Target, new_target: NewTarget) -> None:
    assert plan_estate(new_target(), resources=(), find_undeclared=True).undeclared == ()
    without = (*RESOURCES, LATE)
    assert plan_estate(target, resources=without, find_undeclared=True).undeclared == (SERVED.key,)
    assert apply_estate(target, resources=without, prune=Prune(True)).failures == ()
    assert SERVED.read(Clients(target)) is None
