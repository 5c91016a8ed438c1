"""Alerts over HTTP with the real databricks-sdk: what they say, who may see and change them, when they are due."""

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, NotImplemented, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import AlertEvaluationState, AlertV2, LifecycleState

from local_workspace.services.alerts.clock import AT_ONCE, AlertClock
from tests.waiting import wait_until

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)
EVALUATION: dict[str, Any] = {
    "source": {"name": "late", "aggregation": "MAX"},
    "comparison_operator": "GREATER_THAN",
    "threshold": {"value": {"double_value": 5}},
    "empty_result_state": "OK",
    "notification": {"notify_on_ok": True, "subscriptions": [{"user_email": "ann@lakehouse.example"}]},
}
SCHEDULE = {"quartz_cron_schedule": "0 * * * * ?", "timezone_id": "UTC"}


@pytest.fixture
def whole(warehouse: str) -> dict[str, Any]:
    """An alert with all that it needs."""
    text = {"display_name": uuid.uuid4().hex, "query_text": "SELECT 1 AS late", "warehouse_id": warehouse}
    return {**text, "evaluation": EVALUATION, "schedule": SCHEDULE}


def create(client: WorkspaceClient, fields: dict[str, Any]) -> AlertV2:
    return client.alerts_v2.create_alert(AlertV2.from_dict(fields))


def allow(name: str, level: str) -> AccessControlRequest:
    return AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))


def test_an_alert_is_made_changed_and_trashed(ann: WorkspaceClient, whole: dict[str, Any]) -> None:
    made = create(ann, {**whole, "custom_summary": "late"})
    identity, api = str(made.id), ann.alerts_v2
    assert (made.owner_user_name, made.run_as_user_name, made.parent_path) == ("ann", "ann", "/Users/ann")
    assert made.evaluation and made.evaluation.state is AlertEvaluationState.UNKNOWN, "it has not been evaluated"
    assert made.evaluation.as_dict() == {**EVALUATION, "state": "UNKNOWN"}
    assert api.get_alert(identity) == made
    change = AlertV2.from_dict({"query_text": "SELECT 2 AS late", "schedule": {**SCHEDULE, "pause_status": "PAUSED"}})
    changed = api.update_alert(identity, change, "query_text,schedule,custom_summary")
    assert (changed.query_text, changed.custom_summary) == ("SELECT 2 AS late", None)
    assert changed.evaluation == made.evaluation
    assert identity in [one.id for one in api.list_alerts(page_size=1)]
    api.trash_alert(identity)
    assert identity not in [one.id for one in api.list_alerts()]
    assert api.get_alert(identity).lifecycle_state is LifecycleState.TRASHED
    for call in (lambda: api.trash_alert(identity), lambda: api.update_alert(identity, change, "query_text")):
        with pytest.raises(NotFound, match="is in the trash"):
            call()


def test_a_name_that_is_taken_gets_a_number(ann: WorkspaceClient, whole: dict[str, Any]) -> None:
    first, second = create(ann, whole), create(ann, whole)
    assert second.display_name == f"{first.display_name} (1)"
    for one in (first, second):
        ann.alerts_v2.trash_alert(str(one.id))


def test_each_level_opens_what_it_says_and_no_more(served, ann: WorkspaceClient, whole: dict[str, Any]) -> None:
    identity, bob = str(create(ann, whole).id), served.client("bob")
    text = AlertV2.from_dict({"query_text": "SELECT 2 AS late"})
    calls = {
        "CAN_READ": lambda: bob.alerts_v2.get_alert(identity),
        "CAN_EDIT": lambda: bob.alerts_v2.update_alert(identity, text, "query_text"),
        "CAN_MANAGE": lambda: bob.permissions.get("alertsv2", identity),
    }
    for level, count in {"": 0, "CAN_READ": 1, "CAN_RUN": 1, "CAN_EDIT": 2, "CAN_MANAGE": 3}.items():
        if level:
            ann.permissions.set("alertsv2", identity, access_control_list=[allow("bob", level)])
        assert (identity in [one.id for one in bob.alerts_v2.list_alerts()]) == bool(level)
        for number, (needed, call) in enumerate(calls.items()):
            if number < count:
                call()
            else:
                with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on "):
                    call()
        with pytest.raises(PermissionDenied, match="'eve' does not have CAN_READ on Alert"):
            served.client("eve").alerts_v2.get_alert(identity)
    bob.alerts_v2.trash_alert(identity)


def test_nobody_makes_one_that_runs_as_somebody_else(served, ann: WorkspaceClient, whole: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied, match="'ann' does not have the role servicePrincipal/user on 'bob'"):
        create(ann, {**whole, "run_as_user_name": "bob"})
    with pytest.raises(NotFound, match="'nobody' does not exist"):
        create(ann, {**whole, "run_as_user_name": "nobody"})
    made = create(served.client("root"), {**whole, "run_as_user_name": "bob"})
    assert made.run_as_user_name == "bob"
    served.client("root").alerts_v2.trash_alert(str(made.id))


def test_it_is_due_when_its_schedule_says_so_and_not_when_paused_or_trashed(
    served, ann: WorkspaceClient, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, fired = AlertClock(served.workspace), []
    monkeypatch.setattr(clock, "_evaluate", fired.append)
    identity = str(create(ann, whole).id)
    clock.tick(NOW)
    assert clock.tick(NOW + timedelta(minutes=1)) == [identity]
    assert clock.tick(NOW + timedelta(minutes=2)) == [], "it is still being evaluated"
    clock._busy.clear()
    assert clock.tick(NOW + timedelta(minutes=3)) == [identity]
    clock._busy.clear()
    paused = AlertV2.from_dict({"schedule": {**SCHEDULE, "pause_status": "PAUSED"}})
    ann.alerts_v2.update_alert(identity, paused, "schedule")
    assert clock.tick(NOW + timedelta(minutes=4)) == []
    ann.alerts_v2.update_alert(identity, AlertV2.from_dict({"schedule": SCHEDULE}), "schedule")
    clock.tick(NOW + timedelta(minutes=5))
    ann.alerts_v2.trash_alert(identity)
    assert clock.tick(NOW + timedelta(minutes=6)) == []


def test_slow_alerts_of_one_owner_leave_the_others_theirs(
    served, ann: WorkspaceClient, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, began, go = AlertClock(served.workspace), [], threading.Event()
    monkeypatch.setattr(clock, "_evaluate", lambda identity: (began.append(identity), go.wait(60)))
    slow = [str(create(ann, {**whole, "display_name": f"slow {number}"}).id) for number in range(AT_ONCE + 1)]
    root = served.client("root")
    bobs = str(create(root, {**whole, "display_name": "bob's", "run_as_user_name": "bob"}).id)
    clock.tick(NOW)
    clock.tick(NOW + timedelta(minutes=1))
    wait_until(lambda: bobs in began)
    assert not set(slow) <= set(began), "ann's wait for each other"
    go.set()
    wait_until(lambda: set(slow) <= set(began))
    for client, identity in (*((ann, one) for one in slow), (root, bobs)):
        client.alerts_v2.trash_alert(identity)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("display_name", "", "display_name must be"),
        ("query_text", None, "Missing required field: query_text"),
        ("warehouse_id", None, "Missing required field: warehouse_id"),
        ("schedule", None, "Missing required field: schedule"),
        ("schedule.quartz_cron_schedule", "0 5 * * *", "Invalid quartz_cron_schedule '0 5 \\* \\* \\*': 5 fields"),
        ("schedule.timezone_id", "Mars", "time zone: 'Mars'"),
        ("schedule.pause_status", "MAYBE", "pause_status must be one of UNPAUSED, PAUSED"),
        ("evaluation", None, "Missing required field: evaluation"),
        ("evaluation.comparison_operator", "LIKE", "comparison_operator must be one of EQUAL"),
        ("evaluation.comparison_operator", "IS_NULL", "IS_NULL takes none"),
        ("evaluation.source", None, "Missing required field: evaluation.source"),
        ("evaluation.source.name", None, "Missing required field: evaluation.source.name"),
        ("evaluation.source.aggregation", "MODE", "aggregation must be one of AVG"),
        ("evaluation.threshold", None, "threshold needs exactly one of column, value"),
        ("evaluation.threshold.value", {}, "value needs exactly one of double_value"),
        ("evaluation.threshold.value.double_value", True, "double_value must be a number, got True"),
        ("evaluation.empty_result_state", "FINE", "empty_result_state must be one of"),
        ("evaluation.notification.retrigger_seconds", -1, "retrigger_seconds must be"),
        ("evaluation.notification.subscriptions", [{"user_email": "ann"}], "Invalid e-mail address 'ann'"),
        ("evaluation.notification.subscriptions", [{"destination_id": "d1"}], "destination 'd1' does not exist"),
        ("evaluation.colour", "red", "evaluation has no field 'colour'"),
        ("colour", "red", "alert has no field 'colour'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    ann: WorkspaceClient, whole: dict[str, Any], path: str, value: Any, said: str
) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        ann.api_client.do("POST", "/api/2.0/alerts", body=put(whole, path.split("."), value))


def put(document: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """Return the document with another value at the path."""
    inner = value if len(path) == 1 else put(document.get(path[0], {}), path[1:], value)
    return {**document, path[0]: inner}


def test_masks_and_missing_ones_are_refused(ann: WorkspaceClient, whole: dict[str, Any]) -> None:
    identity = str(create(ann, whole).id)
    for mask, error, said in (
        ("parent_path", InvalidParameterValue, "'parent_path' cannot be updated"),
        ("", InvalidParameterValue, "Missing required field: update_mask"),
        ("query_text", InvalidParameterValue, "Missing required field: query_text"),
        ("evaluation.source", NotImplemented, "whole fields"),
    ):
        with pytest.raises(error, match=said):
            ann.alerts_v2.update_alert(identity, AlertV2(), mask)
    with pytest.raises(NotFound, match="Alert x does not exist"):
        ann.alerts_v2.get_alert("x")
    ann.alerts_v2.trash_alert(identity)
