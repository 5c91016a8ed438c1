"""A cluster policy on a real workspace: made, seen by whom it is for and by nobody else, mended, pruned."""

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
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from tests.platform_assets.live.conftest import Gateway, NewTarget

NODE = {"type": "fixed", "value": "m5d.large"}
POLICIES: tuple[Resource, ...] = (
    ClusterPolicy("small", {"node_type_id": NODE}, purpose="Small clusters", users=("analysts",)),
)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    assert apply_estate(made, resources=POLICIES).failures == ()
    yield made
    POLICIES[0].delete(Clients(made))


def find_id(target: Target) -> str:
    name = POLICIES[0].physical_name(target)
    return next(str(one.policy_id) for one in Clients(target).identity.cluster_policies.list() if one.name == name)


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=POLICIES).changed_nothing
    assert gateway.writes(since) == []


def test_analysts_may_use_it_and_nobody_else(target: Target) -> None:
    identity, name = find_id(target), POLICIES[0].physical_name(target)
    assert open_workspace(target, "analyst").cluster_policies.get(identity).name == name
    for role in ("pipeline", "deployer", "outsider"):
        client = open_workspace(target, role)
        user = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"'{user}' does not have CAN_USE on Cluster policy '{name}"):
            client.cluster_policies.get(identity)


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, identity = Clients(target).identity, find_id(target)
    name, marked = POLICIES[0].physical_name(target), mark_comment(target, "theirs")
    api.cluster_policies.edit(identity, name=name, definition="{}", description=marked)
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_USE
    )
    api.permissions.set("cluster-policies", identity, access_control_list=[pipeline])
    shown = explain_plan(plan_estate(target, resources=POLICIES))
    for line in ('definition.node_type_id: {"type"', "description: ", "permissions.analysts: CAN_USE", "(other_users "):
        assert line in shown
    assert apply_estate(target, resources=POLICIES).failures == ()
    assert plan_estate(target, resources=POLICIES).is_empty
    assert open_workspace(target, "pipeline").cluster_policies.get(identity).policy_id == identity, "others are left"


def test_it_is_pruned_when_no_longer_declared(target: Target) -> None:
    assert plan_estate(target, resources=(), find_undeclared=True).undeclared == ("cluster_policy/small",)
    assert apply_estate(target, resources=(), prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=(), find_undeclared=True).undeclared == ()


def test_an_answer_lost_after_create_makes_no_second_one(new_target: NewTarget, gateway: Gateway) -> None:
    made = new_target()
    gateway.add_fault(method="POST", path="*/policies/clusters/create", drop="after", times=1)
    assert apply_estate(made, resources=POLICIES).failures == ()
    assert plan_estate(made, resources=POLICIES).is_empty
    POLICIES[0].delete(Clients(made))
