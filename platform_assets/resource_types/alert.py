"""SQL alerts. https://docs.databricks.com/api/workspace/alertsv2

By the current API, `alerts_v2`: an alert has its query's text, schedule and subscribers in itself. What the SDK calls
`alerts` are legacy ones on saved queries, which their documentation calls so, and whose schedule is no part of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lakehouse.grammar.texts import choice_problems, control_problems, pattern_problems, range_problems
from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.grammar.schedules import schedule_problems
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.saved_object import Found, SavedObject, tree_path
from platform_assets.resource_types.sql_places import SqlReader, fill_places, list_keys, require_places

_ALONE = ("IS_NULL", "IS_NOT_NULL")
CONDITIONS = (
    *("EQUAL", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"),
    *_ALONE,
)
AGGREGATIONS = ("SUM", "COUNT", "COUNT_DISTINCT", "AVG", "MEDIAN", "MIN", "MAX", "STDDEV")
WHEN_EMPTY = ("OK", "TRIGGERED", "UNKNOWN", "ERROR")


class NameTaken(Exception):
    """Somebody else's object has the name."""


@dataclass(frozen=True)
class Alert(SqlReader, SavedObject):
    """A SQL alert: a condition on a column of a query's result, looked at on a schedule (Quartz), and whom it tells.

    The query is a declared one, whose text it takes, or `text` with `reads` as in a query; it runs with the deployer's
    rights. Without `aggregation` (COUNT, MAX, ...) the first row counts. `told`: e-mail addresses of users.
    """

    query: Query | None = None
    text: str = ""
    reads: Mapping[str, Resource | TableName] = field(default_factory=dict, hash=False)
    column: str = ""
    aggregation: str | None = None
    condition: str = "GREATER_THAN"
    threshold: float | str | bool | None = None
    when_empty: str = "OK"
    schedule: str = ""
    timezone: str = "UTC"
    paused: bool = False
    told: tuple[str, ...] = ()
    told_of_ok: bool = False
    told_again_after_seconds: int = 0
    summary: str = ""
    purpose: str = ""

    type_name = "alert"
    permissions_type = "alertsv2"

    def __post_init__(self) -> None:
        require_places(self.key, self.text, self.reads)
        if not (self.query or self.text or self.column or self.schedule):
            return  # no more than its name: one that was found
        if bool(self.query) == bool(self.text):
            raise refuse(self.key, "either a query or a text is declared")
        if self.query and self.query.parameters:
            raise refuse(self.key, f"{self.query.key} has parameters, and an alert gives it none")
        if self.condition not in CONDITIONS:
            raise refuse(self.key, f"condition is one of {', '.join(CONDITIONS)}, not {self.condition!r}")
        if (self.threshold is None) != (self.condition in _ALONE):
            raise refuse(self.key, f"{self.condition} does not go with threshold {self.threshold!r}")
        if not self.column or not self.schedule:
            raise refuse(self.key, "a column and a schedule are declared")

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, permissions, condition, schedule, whom it tells."""
        yield from super().find_problems(target)
        yield from schedule_problems(self.schedule, self.timezone)
        if self.aggregation is not None:
            yield from choice_problems("aggregation", self.aggregation, AGGREGATIONS)
        yield from choice_problems("when_empty", self.when_empty, WHEN_EMPTY)
        yield from range_problems("told_again_after_seconds", self.told_again_after_seconds, 0, 2**31 - 1)
        words = "an e-mail address in lower case"
        for address in self.told:
            yield from pattern_problems("whom it tells", address, r"[a-z0-9._+-]+@[a-z0-9.-]+", words)
        if isinstance(self.threshold, float) and not math.isfinite(self.threshold):
            yield f"its threshold is a number, not {self.threshold}"
        for text in (self.text, self.column, self.summary, self.purpose):
            yield from control_problems("its text, column, summary or purpose", text)

    @property
    def needs(self) -> tuple[str, ...]:
        """The query, or the declared resources that its text reads."""
        return (self.query.key,) if self.query else list_keys(self.reads)

    def desired_settings(self, target: Target) -> dict[str, Any]:
        """Text with physical names, condition and schedule in the API's form."""
        filled = self.query.fill_text(target) if self.query else fill_places(target, self.text, self.reads).strip()
        return {
            "query_text": filled,
            "custom_summary": self.summary,
            "custom_description": self.purpose,
            "evaluation": {
                "source": {"name": self.column, "aggregation": self.aggregation},
                "comparison_operator": self.condition,
                "threshold": _describe_threshold(self.threshold),
                "empty_result_state": self.when_empty,
                "notification": {
                    "notify_on_ok": self.told_of_ok,
                    "retrigger_seconds": self.told_again_after_seconds,
                    "subscriptions": sorted(self.told),
                },
            },
            "schedule": {
                "quartz_cron_schedule": self.schedule,
                "timezone_id": self.timezone,
                "pause_status": "PAUSED" if self.paused else "UNPAUSED",
            },
        }

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Alert:
        """A text with places, whichever query it was taken from; condition, schedule, whom it tells."""
        text, reads = rebuilding.name_places(state["query_text"])
        evaluation, schedule = state["evaluation"], state["schedule"]
        notification, threshold = evaluation["notification"], (evaluation["threshold"] or {}).get("value") or {}
        told = tuple(notification["subscriptions"])
        if elsewhere := [one for one in told if "@" not in one]:
            raise NotExpressible(f"it tells the notification destination {elsewhere[0]}; declared are users alone")
        return replace(
            self,
            **self.rebuild_base(state, rebuilding),
            text=text,
            reads=reads,
            column=evaluation["source"]["name"],
            aggregation=evaluation["source"]["aggregation"],
            condition=evaluation["comparison_operator"],
            threshold=next(iter(threshold.values()), None),
            when_empty=evaluation["empty_result_state"],
            schedule=schedule["quartz_cron_schedule"],
            timezone=schedule["timezone_id"],
            paused=schedule["pause_status"] == "PAUSED",
            told=told,
            told_of_ok=notification["notify_on_ok"],
            told_again_after_seconds=notification["retrigger_seconds"],
            summary=state["custom_summary"],
            purpose=state["custom_description"],
        )

    @classmethod
    def list_found(cls, clients: Clients, title: str | None = None) -> Iterator[Found]:
        """List."""
        for one in clients.workspace.alerts_v2.list_alerts():
            if title in (None, one.display_name):
                yield Found(str(one.id), f"{tree_path(one.parent_path)}/{one.display_name}", one)

    def read_settings(self, clients: Clients, found: Found, warehouses: Mapping[str, str]) -> dict[str, Any]:
        """What the list says, but what the service adds: state, last evaluation, how a column is shown."""
        answer = found.answer.as_dict()
        evaluation, schedule = answer.get("evaluation") or {}, answer.get("schedule") or {}
        source, notification = evaluation.get("source") or {}, evaluation.get("notification") or {}
        told = notification.get("subscriptions") or []
        return {
            "query_text": (answer.get("query_text") or "").strip(),
            "custom_summary": answer.get("custom_summary") or "",
            "custom_description": answer.get("custom_description") or "",
            "evaluation": {
                "source": {"name": source.get("name"), "aggregation": source.get("aggregation")},
                "comparison_operator": evaluation.get("comparison_operator"),
                "threshold": evaluation.get("threshold"),
                "empty_result_state": evaluation.get("empty_result_state"),
                "notification": {
                    "notify_on_ok": bool(notification.get("notify_on_ok")),
                    "retrigger_seconds": notification.get("retrigger_seconds") or 0,
                    "subscriptions": sorted(str(one.get("user_email") or one.get("destination_id")) for one in told),
                },
            },
            "schedule": {
                "quartz_cron_schedule": schedule.get("quartz_cron_schedule"),
                "timezone_id": schedule.get("timezone_id"),
                "pause_status": schedule.get("pause_status") or "UNPAUSED",
            },
        }

    def make(self, clients: Clients, folder: str, desired: State) -> str:
        """Create. The service numbers a name that is taken, as after a lost answer: that one goes, the first stays."""
        api, names = clients.workspace.alerts_v2, [*desired]
        place = {"display_name": self.title, "parent_path": folder}
        made = api.create_alert(_as_alert({**self._as_fields(clients, desired, names), **place}))
        if made.display_name == self.title:
            return str(made.id)
        self.trash(clients, str(made.id))
        first = self.find(clients)
        if first is None:
            raise NameTaken(f"an alert that may not be seen has the name {self.title!r} in {folder}")
        self.change(clients, first, desired, [name for name in names if name != "permissions"])
        return first.identity

    def change(self, clients: Clients, found: Found, desired: State, names: list[str]) -> None:
        """Update the fields that differ, each as a whole."""
        fields = self._as_fields(clients, desired, names)
        clients.workspace.alerts_v2.update_alert(found.identity, _as_alert(fields), ",".join(fields))

    def trash(self, clients: Clients, identity: str) -> None:
        """Trash."""
        clients.workspace.alerts_v2.trash_alert(identity)

    def _as_fields(self, clients: Clients, desired: State, names: list[str]) -> dict[str, Any]:
        fields = {name: desired[name] for name in names if name not in ("warehouse", "permissions")}
        if "warehouse" in names:
            fields["warehouse_id"] = self.warehouse_id(clients, desired)
        if evaluation := fields.get("evaluation"):
            notification = evaluation["notification"]
            told = [{"user_email": address} for address in notification["subscriptions"]]
            fields["evaluation"] = {**evaluation, "notification": {**notification, "subscriptions": told}}
        return fields


def _as_alert(fields: dict[str, Any]) -> Any:
    from databricks.sdk.service.sql import AlertV2

    return AlertV2.from_dict(fields)


def _describe_threshold(threshold: float | str | bool | None) -> dict[str, Any] | None:
    if threshold is None:
        return None
    kinds = {bool: "bool_value", str: "string_value"}
    return {"value": {kinds.get(type(threshold), "double_value"): threshold}}
