"""What a step is told to do: read from the extras that the orchestrator hands over. No Spark here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


class InvalidPlan(Exception):
    """The extras do not say what to do; a step then does nothing at all."""


@dataclass(frozen=True)
class Output:
    """A table to write. `name` is logical, `table` the full physical name; `mode`: how it is written.

    `daily`: rows belong to the days of the range, by the column `flight_date`. `statistics`: the columns that Delta
    keeps them of, all when none is named. `blocking`: the checks without which nothing may be built on the table.
    """

    name: str
    table: str
    asset_key: str
    mode: str
    columns: tuple[tuple[str, str, str], ...]  # name, type, comment
    comment: str = ""
    daily: bool = False
    keys: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    location: str | None = None
    blocking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One run of one step. `days`: first and last, both taken in; None for tables without days."""

    step: str
    outputs: tuple[Output, ...]
    inputs: Mapping[str, tuple[str, bool]]  # logical name -> (physical name, is it daily)
    days: tuple[str, str] | None
    landing: str = ""
    checkpoint: str = ""

    def list_days(self) -> list[str]:
        """Return all days of the range; none for tables without days."""
        if self.days is None:
            return []
        first, last = (date.fromisoformat(day) for day in self.days)
        return [(first + timedelta(number)).isoformat() for number in range((last - first).days + 1)]

    def output(self, name: str) -> Output:
        """Return the output of a logical name."""
        return next(output for output in self.outputs if output.name == name)


def parse_plan(extras: Mapping[str, Any]) -> Plan:
    """Read the extras.

    Raises:
        InvalidPlan: something is missing; above all the range of days of a daily table.
    """
    try:
        outputs = tuple(_parse_output(output) for output in extras["outputs"])
        inputs = {name: (table, bool(daily)) for name, (table, daily) in extras["inputs"].items()}
        days = (extras["start"], extras["end"]) if extras.get("start") and extras.get("end") else None
        plan = Plan(extras["step"], outputs, inputs, days, extras.get("landing", ""), extras.get("checkpoint", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidPlan(f"The extras of the step cannot be read: {type(error).__name__} {error}") from error
    if days is None and any(output.daily for output in outputs):
        raise InvalidPlan(f"{plan.step} is loaded by day, but got no range: pass start and end in extras")
    return plan


def _parse_output(output: Mapping[str, Any]) -> Output:
    columns = tuple((name, kind, comment) for name, kind, comment in output["columns"])
    lists = {name: tuple(output.get(name, ())) for name in ("keys", "statistics", "blocking")}
    return Output(**{**output, **lists, "columns": columns})
