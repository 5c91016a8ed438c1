"""A saved query on a real workspace: made, opened to whom it is for and to nobody else, mended, trashed, made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import CreateQueryRequestQuery, LifecycleState, UpdateQueryRequestQuery
from databricks.sdk.service.sql import Query as ApiQuery

from lakehouse.names import parse_table_name
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

BI, REPORTS = SqlWarehouse("insights"), Directory("reports")
WORST = Query(
    "reports/worst-carriers",
    text="SELECT * FROM {days} WHERE flights > :fewest AND carrier = :carrier AND day >= :since",
    reads={"days": parse_table_name("flights.gold.daily_carrier_performance")},
    parameters=(
        QueryParameter("fewest", 10, "At least"),
        QueryParameter("carrier", "UA", choices=("UA", "AA")),
        QueryParameter("since", date(2013, 1, 1)),
    ),
    purpose="Who is late",
    tags=("late",),
    warehouse=BI,
    permissions={"analysts": "CAN_RUN"},
)
PLAIN = Query("one", text="SELECT 1 AS n", run_as="OWNER")
ESTATE: tuple[Resource, ...] = (BI, REPORTS, WORST, PLAIN)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, ESTATE) as made:
        yield made


def get(target: Target, name: str, role: str = "deployer") -> ApiQuery:
    """The target's own, which is in its folder."""
    api = open_workspace(target, role).queries
    found = (api.get(str(one.id)) for one in api.list() if one.display_name == name)
    return next(one for one in found if f"/{target.bucket_prefix}/" in f"{one.parent_path}/")


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=ESTATE).changed_nothing
    assert gateway.writes(since) == []
    found = get(target, "worst-carriers")
    assert found.query_text and f"`{target.catalog('flights')}`.`gold`" in found.query_text
    assert [one.name for one in found.parameters or []] == ["fewest", "carrier", "since"]


def test_analysts_may_read_it_and_no_more_and_nobody_else(target: Target) -> None:
    identity = str(get(target, "worst-carriers", "analyst").id)
    change = UpdateQueryRequestQuery(query_text="SELECT 1")
    refused = {"analyst": "CAN_EDIT", "pipeline": "CAN_EDIT", "outsider": "CAN_EDIT"}
    for role, level in refused.items():
        client = open_workspace(target, role)
        name = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"'{name}' does not have {level} on Query 'worst-carriers"):
            client.queries.update(identity, "query_text", query=change)
    with pytest.raises(PermissionDenied, match="CAN_READ on Query 'one"):
        open_workspace(target, "analyst").queries.get(str(get(target, "one").id))


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, found = Clients(target).workspace, get(target, "worst-carriers")
    change = UpdateQueryRequestQuery(query_text="SELECT 1", tags=["mine", *(found.tags or [])], description="")
    api.queries.update(str(found.id), "query_text,tags,description,warehouse_id,parameters", query=change)
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_EDIT
    )
    api.permissions.set("queries", str(found.id), access_control_list=[pipeline])
    shown = explain_plan(plan_estate(target, resources=ESTATE))
    for line in ("query_text: SELECT 1 -> ", "parameters.since: ", "warehouse: ", "permissions.analysts: CAN_RUN"):
        assert line in shown
    assert "(CAN_EDIT)']: have permissions that are not declared" in shown and "tags" not in shown
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty
    mended = get(target, "worst-carriers")
    assert mended.id == found.id and "mine" in (mended.tags or []), "others' tags stay"
    assert open_workspace(target, "pipeline").queries.get(str(found.id)), "others are left"


def test_one_in_the_trash_is_made_anew(target: Target) -> None:
    api, found = Clients(target).workspace.queries, get(target, "worst-carriers")
    api.delete(str(found.id))
    assert "+ query/reports/worst-carriers" in explain_plan(plan_estate(target, resources=ESTATE))
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty
    assert get(target, "worst-carriers").id != found.id
    assert api.get(str(found.id)).lifecycle_state is LifecycleState.TRASHED


def test_one_of_that_name_is_adopted_where_declared_and_one_in_another_folder_is_left(target: Target) -> None:
    api, home = Clients(target).workspace, f"/Users/{target.principals['deployer']}"
    other = api.queries.create(query=CreateQueryRequestQuery(display_name="one", query_text="x", parent_path=home))
    unmarked = str(get(target, "one").id)
    api.queries.update(unmarked, "tags,query_text", query=UpdateQueryRequestQuery(query_text="SELECT 2"))
    (failure,) = apply_estate(target, resources=ESTATE).failures
    assert "is not ours: it does not carry the mark" in failure.error
    assert get(target, "one").query_text == "SELECT 2"
    adopting = tuple(replace(one, adopt=True) if isinstance(one, Query) else one for one in ESTATE)
    assert apply_estate(target, resources=adopting).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty
    assert (get(target, "one").id, get(target, "one").query_text) == (unmarked, "SELECT 1 AS n")
    assert api.queries.get(str(other.id)).query_text == "x"
    api.queries.delete(str(other.id))


def test_what_is_no_longer_declared_is_trashed_before_its_folder_and_of_this_estate_only(
    target: Target, new_target: NewTarget
) -> None:
    other = new_target()
    assert apply_estate(other, resources=(PLAIN,)).failures == ()
    found = plan_estate(target, resources=(BI,), find_undeclared=True).undeclared
    assert found == ("query/reports/worst-carriers", "query/one", "directory/reports")
    identity = str(get(target, "one").id)
    assert apply_estate(target, resources=(BI,), prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=(BI,), find_undeclared=True).undeclared == ()
    assert Clients(target).workspace.queries.get(identity).lifecycle_state is LifecycleState.TRASHED
    assert plan_estate(other, resources=(PLAIN,)).is_empty
    PLAIN.delete(Clients(other))
    PLAIN.delete(Clients(other))


def test_lost_answers_make_no_second_one(new_target: NewTarget, gateway: Gateway) -> None:
    made = new_target()
    for path in ("/api/2.0/sql/queries", "/api/2.0/permissions/queries/*"):
        gateway.add_fault(path=path, drop="after", times=1)
    assert apply_estate(made, resources=(WORST, BI, REPORTS)).failures == ()
    assert plan_estate(made, resources=(WORST, BI, REPORTS)).is_empty
    mark, api = f"estate={made.bucket_prefix}", Clients(made).workspace.queries
    assert [one.display_name for one in api.list() if mark in (one.tags or [])] == [WORST.title]
    assert apply_estate(made, resources=(), prune=Prune(enabled=True)).failures == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "SELECT {nothing}"}, "nothing is declared for the place {nothing}"),
        ({"text": "SELECT 1", "run_as": "ROOT"}, "run_as is one of VIEWER, OWNER"),
        ({"text": "SELECT 1", "parameters": (QueryParameter("day", 1),)}, "no :day for the parameter"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(fields, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidDeclaration, match=said):
        Query("q", **fields)


def test_a_default_is_one_of_the_choices() -> None:
    with pytest.raises(InvalidDeclaration, match="'c' is none of its choices"):
        QueryParameter("p", "c", choices=("a", "b"))
