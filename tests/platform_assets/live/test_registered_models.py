"""A registered model on a real workspace: made, executed by whom it is for, mended, pruned only by name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from platform_assets.resource_types.registered_model import RegisteredModel
from tests.platform_assets.live.conftest import Gateway, NewTarget

DELAY = RegisteredModel("flights.gold.Delay", purpose="Minutes late")
READERS = Grants("registered_model.flights.gold.Delay", {"analysts": ("EXECUTE",)})
DECLARED: tuple[Resource, ...] = (*RESOURCES, DELAY, READERS)
KEYS = ["registered_model", "grants/registered_model"]


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, KEYS, resources=DECLARED).failures == ()
    yield applied
    DELAY.delete(Clients(applied))


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, KEYS, resources=DECLARED).changed_nothing
    assert gateway.writes(since) == []


def test_analysts_see_it_and_nobody_else(target: Target) -> None:
    name = DELAY.physical_name(target)
    assert open_workspace(target, "analyst").registered_models.get(name).comment == DELAY.desired(target)["comment"]
    for role in ("pipeline", "outsider"):
        with pytest.raises(PermissionDenied, match="does not have"):
            open_workspace(target, role).registered_models.get(name)


def test_changes_by_hand_are_named_and_mended(target: Target) -> None:
    api, name = Clients(target).workspace, DELAY.physical_name(target)
    api.registered_models.update(name, comment=mark_comment(target, "mine"))
    (analysts, pipeline) = (target.principals[one] for one in ("analysts", "pipeline"))
    changes = [
        PermissionsChange(principal=analysts, remove=[Privilege.EXECUTE]),
        PermissionsChange(principal=pipeline, add=[Privilege.EXECUTE]),
    ]
    api.grants.update("function", name, changes=changes)
    shown = explain_plan(plan_estate(target, KEYS, resources=DECLARED))
    for line in ("comment: mine (managed_by", f"grant EXECUTE to {analysts}", "(foreign "):
        assert line in shown
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert plan_estate(target, KEYS, resources=DECLARED).is_empty
    api.registered_models.delete(name)
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert open_workspace(target, "analyst").registered_models.get(name).name == "delay"


def test_an_answer_lost_after_create_makes_it_once_and_pruning_takes_its_name(target: Target, gateway: Gateway) -> None:
    extra = RegisteredModel("flights.gold.again")
    gateway.add_fault(method="POST", path="*/models", drop="after", times=1)
    assert apply_estate(target, [extra.key], resources=(*DECLARED, extra)).failures == ()
    assert plan_estate(target, KEYS, resources=(*DECLARED, extra)).is_empty
    apply_estate(target, resources=DECLARED, prune=Prune(True))
    assert extra.read(Clients(target)) is not None, "versions may be in it"
    assert apply_estate(target, resources=DECLARED, prune=Prune(True, [extra.key])).failures == ()
    assert extra.read(Clients(target)) is None


def test_two_estates_on_one_workspace_do_not_meet(target: Target, new_target: NewTarget) -> None:
    assert DELAY.physical_name(new_target()) != DELAY.physical_name(target)
    assert plan_estate(new_target(), resources=(), find_undeclared=True).undeclared == ()
