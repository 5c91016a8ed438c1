"""What a saved query says, read and checked from the JSON of requests. Nothing is run here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document, Store
from local_workspace.services.warehouses import state as warehouses
from local_workspace.services.workspace.saved_objects import pick_settings, refuse_unknown
from local_workspace.services.workspace.sql_enums import values_of

TEXTS = ("query_text", "description", "catalog", "schema")
SETTINGS = (*TEXTS, "warehouse_id", "parameters", "tags", "run_as_mode", "apply_auto_limit")
DEFAULTS: Document = {"run_as_mode": "OWNER", "apply_auto_limit": False}
RUN_AS = ("OWNER", "VIEWER")
# The fields of a parameter of which there is exactly one, each with its own.
VALUES: Mapping[str, tuple[str, ...]] = {
    "text_value": ("value",),
    "numeric_value": ("value",),
    "enum_value": ("enum_options", "values", "multi_values_options"),
    "query_backed_value": ("query_id", "values", "multi_values_options"),
    "date_value": ("date_value", "dynamic_date_value", "precision"),
    "date_range_value": ("date_range_value", "dynamic_date_range_value", "precision", "start_day_of_week"),
}
_ENUMS = {
    "precision": "DatePrecision",
    "dynamic_date_value": "DateValueDynamicDate",
    "dynamic_date_range_value": "DateRangeValueDynamicDateRange",
}


def read_settings(store: Store, caller: Principal, given: Mapping[str, Any]) -> Document:
    """Return the settings among the fields of a request.

    Raises:
        ApiError: 400 naming the field; 404 or 403 for a warehouse that is not there or not the caller's to use.
    """
    found = pick_settings(given, SETTINGS, TEXTS)
    if "warehouse_id" in found:
        warehouses.find(store, caller, str(found["warehouse_id"]), "CAN_USE")
    if found.get("run_as_mode", "OWNER") not in RUN_AS:
        raise bad_request(f"run_as_mode must be one of {', '.join(RUN_AS)}, got {found['run_as_mode']!r}")
    if not isinstance(found.get("apply_auto_limit", False), bool):
        raise bad_request("apply_auto_limit must be true or false")
    _check_tags(found.get("tags", []))
    _check_parameters(found.get("parameters", []))
    return found


def takes_manage(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say whether CAN_EDIT does not suffice for a change.

    It does not for the warehouse, for whose rights the query runs with, and for the text that runs with its owner's.
    https://docs.databricks.com/aws/en/security/auth/access-control/#query-acls
    """
    changed = {name for name in SETTINGS if before.get(name) != after.get(name)}
    kept = {"warehouse_id", "run_as_mode", *(["query_text"] if before["run_as_mode"] == "OWNER" else [])}
    return bool(changed & kept)


def _check_tags(tags: Any) -> None:
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise bad_request("tags must be a list of texts")


def _check_parameters(parameters: Any) -> None:
    if not isinstance(parameters, list) or not all(isinstance(one, Mapping) for one in parameters):
        raise bad_request("parameters must be a list of objects")
    names = [one.get("name") for one in parameters]
    for one in parameters:
        _check_parameter(one)
    for name in names:
        if names.count(name) > 1:
            raise bad_request(f"Parameter {name} is given twice")


def _check_parameter(parameter: Mapping[str, Any]) -> None:
    name = parameter.get("name")
    if not isinstance(name, str) or not name:
        raise bad_request("Every entry of parameters needs a name")
    refuse_unknown(parameter, ("name", "title", *VALUES), f"Parameter {name}")
    kinds = [kind for kind in VALUES if parameter.get(kind) is not None]
    if len(kinds) != 1:
        raise bad_request(f"Parameter {name} needs exactly one of {', '.join(VALUES)}")
    value = parameter[kinds[0]]
    if not isinstance(value, Mapping):
        raise bad_request(f"Parameter {name}: {kinds[0]} must be an object")
    refuse_unknown(value, VALUES[kinds[0]], f"Parameter {name}: {kinds[0]}")
    for field, enum in _ENUMS.items():
        if field in value and value[field] not in (known := values_of(enum)):
            raise bad_request(f"Parameter {name}: {field} must be one of {', '.join(known)}, got {value[field]!r}")
    _check_value(name, kinds[0], value)


def _check_value(name: str, kind: str, value: Mapping[str, Any]) -> None:
    content = value.get("value")
    if kind == "text_value" and not isinstance(content, str):
        raise bad_request(f"Parameter {name}: value must be a text")
    if kind == "numeric_value" and (isinstance(content, bool) or not isinstance(content, int | float)):
        raise bad_request(f"Parameter {name}: value must be a number, got {content!r}")
    if kind == "enum_value":
        _check_choice(name, value)
    if kind == "query_backed_value" and not value.get("query_id"):
        raise bad_request(f"Parameter {name}: query_backed_value needs query_id")
    if kind in ("date_value", "date_range_value"):
        _check_date(name, kind, value)


def _check_choice(name: str, value: Mapping[str, Any]) -> None:
    options = str(value.get("enum_options") or "").split("\n")
    for chosen in value.get("values") or []:
        if chosen not in options:
            raise bad_request(f"Parameter {name}: {chosen!r} is none of its enum_options")


def _check_date(name: str, kind: str, value: Mapping[str, Any]) -> None:
    dynamic = f"dynamic_{kind}"
    if (value.get(kind) is None) == (value.get(dynamic) is None):
        raise bad_request(f"Parameter {name}: {kind} needs exactly one of {kind}, {dynamic}")
    fixed = value.get(kind)
    if fixed is None:
        return
    for text in [fixed.get("start"), fixed.get("end")] if isinstance(fixed, Mapping) else [fixed]:
        try:
            datetime.fromisoformat(str(text))
        except ValueError:
            raise bad_request(f"Parameter {name}: {text!r} is no date") from None
