"""A SQL warehouse on a real workspace: made, used by whom it is for and by nobody else, mended, pruned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from tests.platform_assets.live.conftest import Gateway, NewTarget

WAREHOUSES: tuple[Resource, ...] = (SqlWarehouse("bi", size="Small", users=("analysts",)),)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    assert apply_estate(made, resources=WAREHOUSES).failures == ()
    yield made
    WAREHOUSES[0].delete(Clients(made))


def find_id(target: Target) -> str:
    name = WAREHOUSES[0].physical_name(target)
    return next(str(one.id) for one in Clients(target).workspace.warehouses.list() if one.name == name)


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=WAREHOUSES).changed_nothing
    assert gateway.writes(since) == []


def test_analysts_may_use_it_and_nobody_else(target: Target) -> None:
    identity = find_id(target)
    assert open_workspace(target, "analyst").warehouses.get(identity).cluster_size == "Small"
    for role in ("pipeline", "outsider"):
        with pytest.raises(PermissionDenied):
            open_workspace(target, role).warehouses.get(identity)


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, identity = Clients(target).workspace, find_id(target)
    name = WAREHOUSES[0].physical_name(target)
    api.warehouses.edit(identity, name=name, cluster_size="4X-Large", max_num_clusters=9)
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_USE
    )
    api.permissions.set("warehouses", identity, access_control_list=[pipeline])
    shown = explain_plan(plan_estate(target, resources=WAREHOUSES))
    for line in ("cluster_size: 4X-Large -> Small", "max_num_clusters: 9 -> 1", "users: [] -> ", "(other_users "):
        assert line in shown
    assert apply_estate(target, resources=WAREHOUSES).failures == ()
    assert plan_estate(target, resources=WAREHOUSES).is_empty
    assert open_workspace(target, "pipeline").warehouses.get(identity).max_num_clusters == 1, "others are left"


def test_it_is_pruned_when_no_longer_declared(target: Target) -> None:
    assert plan_estate(target, resources=(), find_undeclared=True).undeclared == ("sql_warehouse/bi",)
    assert apply_estate(target, resources=(), prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=(), find_undeclared=True).undeclared == ()
    assert apply_estate(target, resources=WAREHOUSES).failures == ()


def test_an_answer_lost_after_create_makes_no_second_one(new_target: NewTarget, gateway: Gateway) -> None:
    made = new_target()
    gateway.add_fault(method="POST", path="*/sql/warehouses", drop="after", times=1)
    assert apply_estate(made, resources=WAREHOUSES).failures == ()
    assert plan_estate(made, resources=WAREHOUSES).is_empty
    names = [one.name for one in Clients(made).workspace.warehouses.list()]
    assert names.count(WAREHOUSES[0].physical_name(made)) == 1
    WAREHOUSES[0].delete(Clients(made))
