"""The token policy on a real workspace: set, binding, mended; leaving it out leaves it as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.token_policy import TokenPolicy
from tests.platform_assets.live.conftest import Gateway, NewTarget

POLICY: tuple[Resource, ...] = (TokenPolicy(longest_days=30, users=("analysts",)),)
USERS = AccessControlRequest(group_name="users", permission_level=PermissionLevel.CAN_USE)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    """The policy is the workspace's, which other tests use as well: afterwards it is as it was."""
    made = new_target()
    assert apply_estate(made, resources=POLICY).failures == ()
    yield made
    admin = Clients(made).identity
    admin.workspace_conf.set_status({"maxTokenLifetimeDays": "0", "enableTokensConfig": "true"})
    admin.permissions.set("authorization", "tokens", access_control_list=[USERS])


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=POLICY).changed_nothing
    assert gateway.writes(since) == []


def test_it_binds(target: Target) -> None:
    analyst = open_workspace(target, "analyst")
    made = analyst.tokens.create(lifetime_seconds=60)
    assert made.token_info
    analyst.tokens.delete(str(made.token_info.token_id))
    with pytest.raises(InvalidParameterValue, match="maxTokenLifetimeDays is 30"):
        analyst.tokens.create(lifetime_seconds=31 * 24 * 3600)
    for role in ("pipeline", "deployer", "outsider"):
        with pytest.raises(PermissionDenied, match="does not have permission to use tokens"):
            open_workspace(target, role).tokens.create(lifetime_seconds=60)


def test_changes_by_hand_are_named_and_mended(target: Target) -> None:
    admin = Clients(target).identity
    admin.workspace_conf.set_status({"maxTokenLifetimeDays": "0", "enableTokensConfig": "false"})
    admin.permissions.set("authorization", "tokens", access_control_list=[USERS])
    shown = explain_plan(plan_estate(target, resources=POLICY))
    for line in ("enabled: false -> true", "longest_days: 0 -> 30", "users"):
        assert line in shown
    assert apply_estate(target, resources=POLICY).failures == ()
    assert plan_estate(target, resources=POLICY).is_empty


def test_an_answer_lost_is_no_harm(target: Target, gateway: Gateway) -> None:
    longer: tuple[Resource, ...] = (TokenPolicy(longest_days=60, users=("analysts",)),)
    gateway.add_fault(method="PATCH", path="*/workspace-conf", drop="after", times=1)
    apply_estate(target, resources=longer)
    assert apply_estate(target, resources=longer).failures == ()
    assert plan_estate(target, resources=longer).is_empty


def test_a_workspace_has_one() -> None:
    with pytest.raises(InvalidDeclaration, match="token_policy/mine: a workspace has one token policy"):
        TokenPolicy("mine")


def test_leaving_it_out_leaves_it_as_it_is(target: Target) -> None:
    assert plan_estate(target, resources=(), find_undeclared=True).undeclared == ()
    assert apply_estate(target, resources=(), prune=Prune(True)).changed_nothing
    assert plan_estate(target, resources=POLICY).is_empty
