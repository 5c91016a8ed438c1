"""A dashboard on a real workspace: published, opened to whom it is for and to nobody else, mended, trashed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.errors import Aborted, NotFound, PermissionDenied
from databricks.sdk.service.dashboards import Dashboard as Draft
from databricks.sdk.service.dashboards import LifecycleState
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from lakehouse.names import parse_table_name
from lakehouse.targets import Target
from lakehouse.warehouses import find_warehouse
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types import dashboard
from platform_assets.resource_types.dashboard import Dashboard
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

BI = SqlWarehouse("dashboards")
DAYS = parse_table_name("flights.gold.daily_carrier_performance")
CARRIERS = Dashboard(
    "carriers", source="carriers", reads={"days": DAYS}, warehouse=BI, permissions={"analysts": "CAN_READ"}
)
DRAFT = Dashboard("draft", source="carriers", reads={"days": DAYS}, published=False)
ESTATE: tuple[Resource, ...] = (BI, CARRIERS, DRAFT)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, ESTATE) as made:
        yield made


def id_of(target: Target, which: Dashboard = CARRIERS) -> str:
    found = which.find(Clients(target))
    assert found is not None
    return found.identity


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=ESTATE).changed_nothing
    assert gateway.writes(since) == []
    api = Clients(target).workspace.lakeview
    assert f"`{target.catalog('flights')}`.`gold`" in str(api.get(id_of(target)).serialized_dashboard)
    assert api.get_published(id_of(target)).embed_credentials is False
    with pytest.raises(NotFound, match="Unable to find published"):
        api.get_published(id_of(target, DRAFT))


def test_analysts_may_see_it_and_no_more_and_nobody_else(target: Target) -> None:
    identity = id_of(target)
    assert open_workspace(target, "analyst").lakeview.get_published(identity).display_name == "carriers"
    refused = {"analyst": "CAN_EDIT", "pipeline": "CAN_EDIT", "outsider": "CAN_EDIT"}
    for role, level in refused.items():
        client = open_workspace(target, role)
        name = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"'{name}' does not have {level} on Dashboard 'carriers"):
            client.lakeview.publish(identity)
    with pytest.raises(PermissionDenied, match="CAN_READ on Dashboard"):
        open_workspace(target, "pipeline").lakeview.get_published(identity)
    with pytest.raises(PermissionDenied, match="CAN_READ on Dashboard"):
        open_workspace(target, "analyst").lakeview.get(id_of(target, DRAFT))


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, identity = Clients(target).workspace, id_of(target)
    starter = find_warehouse(api, target.warehouse)
    api.lakeview.update(identity, Draft(serialized_dashboard='{"pages": []}', warehouse_id=starter))
    api.lakeview.publish(identity, embed_credentials=True)
    api.lakeview.publish(id_of(target, DRAFT))
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_EDIT
    )
    api.permissions.set("dashboards", identity, access_control_list=[pipeline])
    shown = explain_plan(plan_estate(target, resources=ESTATE))
    for line in (
        "definition.datasets: ",
        "published.embed_credentials: true -> false",
        f"warehouse: {target.warehouse} -> {BI.physical_name(target)}",
        "permissions.analysts: CAN_READ",
        "(CAN_EDIT)']: have permissions that are not declared",
        "~ dashboard/draft",
    ):
        assert line in shown
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty
    assert id_of(target) == identity
    assert open_workspace(target, "pipeline").lakeview.get(identity), "others are left"


def test_a_draft_that_was_changed_and_changed_back_is_published_anew(target: Target) -> None:
    api, identity = Clients(target).workspace.lakeview, id_of(target)
    said = api.get(identity).serialized_dashboard
    api.update(identity, Draft(serialized_dashboard="{}"))
    api.publish(identity)
    api.update(identity, Draft(serialized_dashboard=said))
    assert "published.is_current: false -> true" in explain_plan(plan_estate(target, resources=ESTATE))
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty


def test_what_somebody_changes_between_is_not_overwritten(target: Target) -> None:
    api, clients = Clients(target).workspace.lakeview, Clients(target)
    before = CARRIERS.find(clients)
    assert before is not None
    api.update(before.identity, Draft(serialized_dashboard='{"pages": []}'))
    desired = CARRIERS.desired(target)
    with pytest.raises(Aborted, match="was changed since etag"):
        CARRIERS.change(clients, before, desired, ["definition"])
    assert api.get(before.identity).serialized_dashboard == '{"pages": []}\n'


def test_one_in_the_trash_is_made_anew_and_an_undeclared_one_is_trashed(target: Target, new_target: NewTarget) -> None:
    other, alone = new_target(), replace(DRAFT, name="carriers")
    assert apply_estate(other, resources=(alone,)).failures == ()
    api, identity = Clients(target).workspace.lakeview, id_of(target)
    api.trash(identity)
    assert "+ dashboard/carriers" in explain_plan(plan_estate(target, resources=ESTATE))
    assert apply_estate(target, resources=ESTATE).failures == ()
    again = id_of(target)
    assert again != identity
    found = plan_estate(target, resources=(BI,), find_undeclared=True).undeclared
    assert found == ("dashboard/carriers", "dashboard/draft")
    assert apply_estate(target, resources=(BI,), prune=Prune(enabled=True)).failures == ()
    assert {api.get(one).lifecycle_state for one in (identity, again)} == {LifecycleState.TRASHED}
    assert plan_estate(other, resources=(alone,)).is_empty, "another estate's of that name"
    alone.delete(Clients(other))
    alone.delete(Clients(other))


def test_lost_answers_are_made_good(new_target: NewTarget, gateway: Gateway) -> None:
    made = new_target()
    path = "/api/2.0/lakeview/dashboards"
    for where in (path, f"{path}/*/published"):
        gateway.add_fault(method="POST", path=where, drop="after", times=1)
    gateway.add_fault(method="PATCH", path="/api/2.0/permissions/dashboards/*", drop="after", times=1)
    assert apply_estate(made, resources=(BI, CARRIERS)).failures == ()
    assert plan_estate(made, resources=(BI, CARRIERS)).is_empty
    gateway.add_fault(method="PATCH", path=f"{path}/*", drop="after", times=1)
    calmer = replace(CARRIERS, warehouse=None)
    assert apply_estate(made, resources=(BI, calmer)).failures == ()
    assert plan_estate(made, resources=(BI, calmer)).is_empty
    assert [one["hits"] for one in gateway.faults()] == [1, 1, 1, 1]
    assert apply_estate(made, resources=(), prune=Prune(enabled=True)).failures == ()


def test_a_definition_that_cannot_be_meant_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "SOURCES", tmp_path)
    (tmp_path / "broken.lvdash.json").write_text("{")
    (tmp_path / "places.lvdash.json").write_text('{"datasets": [{"name": "d", "queryLines": ["FROM {days}"]}]}')
    with pytest.raises(InvalidDeclaration, match="its definition is no JSON"):
        Dashboard("d", source="broken")
    with pytest.raises(InvalidDeclaration, match="nothing is declared for the place {days}"):
        Dashboard("d", source="places")
    with pytest.raises(InvalidDeclaration, match="there is no file platform_assets/dashboards/nowhere.lvdash.json"):
        Dashboard("d", source="nowhere")
