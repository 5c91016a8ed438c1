"""What an alert says, read and checked from the JSON of requests. Nothing is evaluated here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, permission_denied
from local_workspace.gateway.principals import load_principal
from local_workspace.gateway.store import Document, Store
from local_workspace.services.jobs.quartz import InvalidSchedule, parse_schedule
from local_workspace.services.warehouses import state as warehouses
from local_workspace.services.workspace.saved_objects import pick_settings, refuse_unknown
from local_workspace.services.workspace.sql_enums import values_of

TEXTS = ("query_text", "custom_summary", "custom_description", "run_as_user_name", "warehouse_id")
SETTINGS = (*TEXTS, "evaluation", "schedule")
REQUIRED = ("query_text", "warehouse_id", "evaluation", "schedule")
STATES = ("UNKNOWN", "OK", "TRIGGERED", "ERROR")
ALONE = ("IS_NULL", "IS_NOT_NULL")  # operators without a threshold
_EVALUATION = ("comparison_operator", "empty_result_state", "notification", "source", "threshold")
_ANSWERED = ("state", "last_evaluated_at")  # the service's own: taken in a request, and not looked at
_VALUES: Mapping[str, type | tuple[type, ...]] = {
    "double_value": (int, float),
    "string_value": str,
    "bool_value": bool,
}


def read_settings(store: Store, caller: Principal, given: Mapping[str, Any]) -> Document:
    """Return the settings among the fields of a request.

    Raises:
        ApiError: 400 naming the field; 404 or 403 for a warehouse or a principal that is not the caller's to use.
    """
    found = pick_settings(given, SETTINGS, TEXTS)
    if "warehouse_id" in found:
        warehouses.find(store, caller, found["warehouse_id"], "CAN_USE")
    if "run_as_user_name" in found:
        _check_run_as(store, caller, found["run_as_user_name"])
    if "evaluation" in found:
        found["evaluation"] = _read_evaluation(found["evaluation"])
    if "schedule" in found:
        found["schedule"] = _read_schedule(found["schedule"])
    return found


def require_whole(settings: Mapping[str, Any]) -> None:
    """Refuse an alert that lacks what it cannot be evaluated without.

    Raises:
        ApiError: 400 naming the field.
    """
    for name in REQUIRED:
        if not settings.get(name):
            raise bad_request(f"Missing required field: {name}")


def _check_run_as(store: Store, caller: Principal, name: str) -> None:
    other = load_principal(store, name)
    if other.name != caller.name and not caller.is_admin:
        raise permission_denied(f"User '{caller.name}' does not have the role servicePrincipal/user on '{name}'.")


def _read_evaluation(given: Any) -> Document:
    evaluation = _require_object(given, "evaluation", (*_EVALUATION, *_ANSWERED))
    operator = _choose(evaluation, "comparison_operator", values_of("ComparisonOperator"), "evaluation")
    if not evaluation.get("source"):
        raise bad_request("Missing required field: evaluation.source")
    _check_column(evaluation["source"], "evaluation.source")
    threshold = evaluation.get("threshold")
    if operator in ALONE and threshold:
        raise bad_request(f"evaluation.threshold: {operator} takes none")
    if operator not in ALONE:
        _check_threshold(threshold)
    if evaluation.get("empty_result_state") is not None:
        _choose(evaluation, "empty_result_state", STATES, "evaluation")
    if evaluation.get("notification") is not None:
        _check_notification(evaluation["notification"])
    return {name: value for name, value in evaluation.items() if name in _EVALUATION}


def _check_threshold(given: Any) -> None:
    threshold = _require_object(given or {}, "evaluation.threshold", ("column", "value"))
    if (threshold.get("column") is None) == (threshold.get("value") is None):
        raise bad_request("evaluation.threshold needs exactly one of column, value")
    if threshold.get("column") is not None:
        _check_column(threshold["column"], "evaluation.threshold.column")
        return
    value = _require_object(threshold["value"], "evaluation.threshold.value", tuple(_VALUES))
    if len(value) != 1:
        raise bad_request(f"evaluation.threshold.value needs exactly one of {', '.join(_VALUES)}")
    (name, content) = next(iter(value.items()))
    if not isinstance(content, _VALUES[name]) or (name == "double_value" and isinstance(content, bool)):
        raise bad_request(f"evaluation.threshold.value.{name} is {content!r}")


def _check_column(given: Any, where: str) -> None:
    column = _require_object(given, where, ("name", "display", "aggregation"))
    if not isinstance(column.get("name"), str) or not column["name"]:
        raise bad_request(f"Missing required field: {where}.name")
    if column.get("aggregation") is not None:
        _choose(column, "aggregation", values_of("Aggregation"), where)


def _check_notification(given: Any) -> None:
    where = "evaluation.notification"
    notification = _require_object(given, where, ("notify_on_ok", "retrigger_seconds", "subscriptions"))
    seconds = notification.get("retrigger_seconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise bad_request(f"{where}.retrigger_seconds must be a whole number, got {seconds!r}")
    for one in notification.get("subscriptions") or []:
        subscription = _require_object(one, f"{where}.subscriptions", ("destination_id", "user_email"))
        if len(subscription) != 1:
            raise bad_request(f"{where}.subscriptions: exactly one of destination_id, user_email is expected")
        if "destination_id" in subscription:
            raise bad_request(f"Notification destination '{subscription['destination_id']}' does not exist.")
        if "@" not in str(subscription["user_email"]).strip("@"):
            raise bad_request(f"Invalid e-mail address {subscription['user_email']!r} in {where}.subscriptions")


def _read_schedule(given: Any) -> Document:
    schedule = _require_object(given, "schedule", ("quartz_cron_schedule", "timezone_id", "pause_status"))
    for name in ("quartz_cron_schedule", "timezone_id"):
        if not schedule.get(name):
            raise bad_request(f"Missing required field: schedule.{name}")
    read = {"pause_status": "UNPAUSED", **schedule}
    _choose(read, "pause_status", ("UNPAUSED", "PAUSED"), "schedule")
    expression = str(read["quartz_cron_schedule"])
    try:
        parse_schedule(expression, str(read["timezone_id"]))
    except InvalidSchedule as error:
        raise bad_request(f"Invalid quartz_cron_schedule '{expression}': {error}") from None
    return read


def _require_object(given: Any, where: str, known: tuple[str, ...]) -> Document:
    if not isinstance(given, Mapping):
        raise bad_request(f"{where} must be an object")
    refuse_unknown(given, known, where)
    return {name: value for name, value in given.items() if value is not None}


def _choose(given: Mapping[str, Any], name: str, known: list[str] | tuple[str, ...], where: str) -> str:
    value = given.get(name)
    if value not in known:
        raise bad_request(f"{where}.{name} must be one of {', '.join(known)}, got {value!r}")
    return str(value)
