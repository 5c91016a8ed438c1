"""Isolated catalogs on a real workspace: bound before they close, mended, opened; never closed to who declares them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.service.catalog import IsolationMode, WorkspaceBinding

from lakehouse.targets import REMOTE, Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import Status
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from tests.platform_assets.live.conftest import Gateway, NewTarget

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


@pytest.mark.parametrize("key", ["external_location/artifacts", "storage_credential/lake_storage"])
def test_a_location_or_credential_of_other_workspaces_is_not_taken_for_missing(new_target: NewTarget, key: str) -> None:
    target = new_target()
    resources = tuple(one for one in RESOURCES if one.group == "platform_storage" or one.type_name == "sqs_queue")
    assert apply_estate(target, resources=resources).failures == ()
    (resource,) = [one for one in resources if one.key == key]
    kind, name = resource.type_name, resource.physical_name(target)
    workspace = open_workspace(target, "admin")
    mode = IsolationMode.ISOLATION_MODE_ISOLATED
    here = WorkspaceBinding(target.workspace_ids["local"])
    workspace.workspace_bindings.update_bindings(kind, name, add=[here])
    if kind == "external_location":
        workspace.external_locations.update(name, isolation_mode=mode, fallback=True)
    else:
        workspace.storage_credentials.update(name, isolation_mode=mode)
    (step,) = [one for one in plan_estate(target, resources=resources).steps if one.key == key]
    assert step.action is Action.NONE and "isolation_mode ISOLATION_MODE_ISOLATED: " in step.notes[0]
    assert kind == "storage_credential" or "fallback True: " in step.notes[1]
    workspace.workspace_bindings.update_bindings(kind, name, add=[WorkspaceBinding(99)], remove=[here])
    plans = [plan_estate(target, [key], resources=resources), plan_estate(target, resources=resources)]
    for plan in plans:  # got alone, and listed with others
        (step,) = [one for one in plan.steps if one.key == key]
        assert step.action is Action.BLOCKED
    says = {
        "external_location": "exists and is not visible in this workspace: it is isolated, and bound to 99",
        "storage_credential": "is not accessible in current workspace",
    }
    assert says[kind] in step.notes[0]
    assert not apply_estate(target, [key], resources=resources).count(Status.CREATED)


def test_a_catalog_of_another_workspace_is_not_taken_for_missing(target: Target) -> None:
    api, name = open_workspace(target, "admin").workspace_bindings, CLOSED.physical_name(target)
    here = WorkspaceBinding(target.workspace_ids["local"])
    api.update_bindings("catalog", name, remove=[here])
    for selection in ([CLOSED.key], None):
        steps = plan_estate(target, selection, resources=declare(CLOSED)).steps
        assert [one.action for one in steps if one.key == CLOSED.key] == [Action.BLOCKED]
    api.update_bindings("catalog", name, add=[here])
