"""Isolated catalogs on a real workspace: bound before they close, mended, opened; never closed to who declares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.service.catalog import WorkspaceBinding

from lakehouse.targets import REMOTE, Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from tests.platform_assets.live.conftest import Gateway

OPEN = Catalog("shared", folder="shared")
CLOSED = replace(OPEN, isolated=True, read_by=("dev",))


def declare(catalog: Catalog) -> tuple[Resource, ...]:
    return (*RESOURCES, catalog)


@pytest.fixture
def target(applied: Target) -> Iterator[Target]:
    made = replace(applied, workspace_ids={**applied.workspace_ids, "dev": 7})
    assert apply_estate(made, [CLOSED.key], resources=declare(CLOSED)).failures == ()
    yield made
    CLOSED.delete(Clients(made))


def bindings(target: Target) -> dict[int, str]:
    found = Clients(target).workspace.workspace_bindings.get_bindings("catalog", CLOSED.physical_name(target))
    return {one.workspace_id: one.binding_type.value for one in found if one.binding_type}


def test_it_is_isolated_once_and_stays_so(target: Target, gateway: Gateway) -> None:
    assert bindings(target) == {target.workspace_ids["local"]: "BINDING_TYPE_READ_WRITE", 7: "BINDING_TYPE_READ_ONLY"}
    since = gateway.now()
    assert apply_estate(target, ["catalog"], resources=declare(CLOSED)).changed_nothing
    assert gateway.writes(since) == []


def test_a_binding_by_hand_is_a_revoke_and_opening_leaves_the_bindings(target: Target) -> None:
    api, name = Clients(target).workspace.workspace_bindings, CLOSED.physical_name(target)
    api.update_bindings("catalog", name, add=[WorkspaceBinding(99)], remove=[WorkspaceBinding(7)])
    shown = explain_plan(plan_estate(target, [CLOSED.key], resources=declare(CLOSED)))
    assert "bind workspace 7 as READ_ONLY" in shown and "revoke READ_WRITE from workspace 99" in shown
    assert apply_estate(target, [CLOSED.key], resources=declare(CLOSED)).failures == ()
    assert bindings(target) == {target.workspace_ids["local"]: "BINDING_TYPE_READ_WRITE", 7: "BINDING_TYPE_READ_ONLY"}
    assert apply_estate(target, [OPEN.key], resources=declare(OPEN)).failures == ()
    assert plan_estate(target, [OPEN.key], resources=declare(OPEN)).is_empty


def test_a_lost_answer_between_binding_and_closing_leaves_it_open_to_the_next_apply(
    applied: Target, gateway: Gateway
) -> None:
    catalog = Catalog("torn", folder="torn", isolated=True)
    gateway.add_fault(method="PATCH", path="*/bindings/*", status=400, times=1)
    assert len(apply_estate(applied, [catalog.key], resources=declare(catalog)).failures) == 1
    assert apply_estate(applied, [catalog.key], resources=declare(catalog)).failures == ()
    assert plan_estate(applied, [catalog.key], resources=declare(catalog)).is_empty
    catalog.delete(Clients(applied))


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="catalog/shared names workspaces .* but is not isolated"):
        replace(OPEN, read_by=("dev",))
    with pytest.raises(InvalidDeclaration, match="workspace_ids of target dev .* lacks 'dev'"):
        replace(CLOSED, read_by=()).desired(REMOTE["dev"])
