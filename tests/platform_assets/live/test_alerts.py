"""An alert on a real workspace: made and evaluated, opened to whom it is for and to nobody else, mended, trashed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import AlertEvaluationState, AlertV2, AlertV2Evaluation, LifecycleState

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

DELAYS = Query("delays", text="SELECT * FROM VALUES (3), (7) AS flights(late)")
LATE = Alert(
    "too-late",
    query=DELAYS,
    column="late",
    aggregation="MAX",
    threshold=5,
    schedule="0 0 5 * * ?",
    told=("ann@lakehouse.example",),
    purpose="Somebody is late",
    permissions={"analysts": "CAN_RUN"},
)
ESTATE: tuple[Resource, ...] = (DELAYS, LATE)
SOON = "* * * * * ?"  # at least ten seconds apart, as all schedules here
LONGEST_S = 60


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, ESTATE) as made:
        yield made


def get(target: Target, alert: Alert = LATE) -> AlertV2:
    found = alert.find(Clients(target))
    assert found is not None
    answer: AlertV2 = found.answer
    return answer


def wait_for_evaluation(target: Target, alert: Alert, after: str = "") -> AlertV2Evaluation:
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        evaluation = get(target, alert).evaluation
        if evaluation and (evaluation.last_evaluated_at or "") > after:
            return evaluation
        time.sleep(0.3)
    raise AssertionError(f"{alert.key} was not evaluated in {LONGEST_S} s")


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=ESTATE).changed_nothing
    assert gateway.writes(since) == []
    assert get(target).query_text == DELAYS.text


def test_it_is_evaluated_on_its_schedule_with_its_makers_rights(new_target: NewTarget) -> None:
    made = new_target()
    fine = replace(LATE, name="fine", threshold=50, schedule=SOON)
    broken = replace(LATE, name="broken", query=None, text="SELECT * FROM nowhere.at.all", schedule=SOON)
    late, paused = replace(LATE, schedule=SOON), replace(LATE, name="paused", schedule=SOON, paused=True)
    assert apply_estate(made, resources=(DELAYS, late, fine, broken, paused)).failures == ()
    seen = {alert.name: wait_for_evaluation(made, alert) for alert in (late, fine, broken)}
    states = AlertEvaluationState
    assert {name: one.state for name, one in seen.items()} == {
        "too-late": states.TRIGGERED,
        "fine": states.OK,
        "broken": states.ERROR,
    }
    evaluation = get(made, paused).evaluation
    assert evaluation and (evaluation.state, evaluation.last_evaluated_at) == (states.UNKNOWN, None)
    assert plan_estate(made, resources=(DELAYS, late, fine, broken, paused)).is_empty, "a state is no drift"
    calmer = (DELAYS, replace(late, threshold=9))
    assert apply_estate(made, resources=calmer, prune=Prune(enabled=True)).failures == ()
    again = wait_for_evaluation(made, late, after=seen["too-late"].last_evaluated_at or "")
    assert again.state is states.OK
    assert apply_estate(made, resources=(), prune=Prune(enabled=True)).failures == ()


def test_analysts_may_see_it_and_no_more_and_nobody_else(target: Target) -> None:
    identity = str(get(target).id)
    assert open_workspace(target, "analyst").alerts_v2.get_alert(identity).display_name == "too-late"
    for role, level in {"analyst": "CAN_EDIT", "pipeline": "CAN_EDIT", "outsider": "CAN_EDIT"}.items():
        client = open_workspace(target, role)
        name = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"'{name}' does not have {level} on Alert 'too-late"):
            client.alerts_v2.update_alert(identity, AlertV2(query_text="SELECT 1"), "query_text")
    with pytest.raises(PermissionDenied, match="CAN_READ on Alert"):
        open_workspace(target, "pipeline").alerts_v2.get_alert(identity)


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, identity = Clients(target).workspace, str(get(target).id)
    by_hand = get(target)
    assert by_hand.evaluation and by_hand.evaluation.source and by_hand.schedule
    by_hand.evaluation.source.aggregation, by_hand.query_text = None, "SELECT 1 AS late"
    by_hand.schedule.timezone_id = "Europe/Berlin"
    api.alerts_v2.update_alert(identity, by_hand, "evaluation,query_text,schedule,custom_description")
    pipeline = AccessControlRequest(
        service_principal_name=target.principals["pipeline"], permission_level=PermissionLevel.CAN_EDIT
    )
    api.permissions.set("alertsv2", identity, access_control_list=[pipeline])
    shown = explain_plan(plan_estate(target, resources=ESTATE))
    for line in (
        "query_text: SELECT 1 AS late -> ",
        "evaluation.source.aggregation: MAX",
        "schedule.timezone_id: Europe/Berlin -> UTC",
        "permissions.analysts: CAN_RUN",
        "(CAN_EDIT)']: have permissions that are not declared",
    ):
        assert line in shown
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE).is_empty
    assert get(target).id == identity
    assert open_workspace(target, "pipeline").alerts_v2.get_alert(identity), "others are left"


def test_one_in_the_trash_is_made_anew_and_an_undeclared_one_is_trashed(target: Target) -> None:
    api, identity = Clients(target).workspace.alerts_v2, str(get(target).id)
    api.trash_alert(identity)
    assert apply_estate(target, resources=ESTATE).failures == ()
    again = str(get(target).id)
    assert again != identity
    assert plan_estate(target, resources=(DELAYS,), find_undeclared=True).undeclared == ("alert/too-late",)
    assert apply_estate(target, resources=(DELAYS,), prune=Prune(enabled=True)).failures == ()
    assert {api.get_alert(one).lifecycle_state for one in (identity, again)} == {LifecycleState.TRASHED}


def test_a_lost_answer_makes_no_second_one_though_the_service_numbers_names(
    new_target: NewTarget, gateway: Gateway
) -> None:
    made = new_target()
    for method, path in (("POST", "/api/2.0/alerts"), ("PATCH", "/api/2.0/permissions/alertsv2/*")):
        gateway.add_fault(method=method, path=path, drop="after", times=1)
    assert apply_estate(made, resources=ESTATE).failures == ()
    assert plan_estate(made, resources=ESTATE, find_undeclared=True).undeclared == ()
    assert plan_estate(made, resources=ESTATE).is_empty
    assert [one["hits"] for one in gateway.faults()] == [1, 1]
    assert apply_estate(made, resources=(), prune=Prune(enabled=True)).failures == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "SELECT 1"}, "either a query or a text"),
        ({"query": None}, "either a query or a text"),
        ({"query": replace(DELAYS, text="SELECT :n", parameters=(QueryParameter("n", 1),))}, "has parameters"),
        ({"condition": "LIKE"}, "condition is one of EQUAL"),
        ({"condition": "IS_NULL"}, "IS_NULL does not go with threshold 5"),
        ({"threshold": None}, "GREATER_THAN does not go with threshold None"),
        ({"schedule": ""}, "a column and a schedule are declared"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(fields, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidDeclaration, match=said):
        replace(LATE, **fields)
