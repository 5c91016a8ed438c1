"""Parameters of saved queries, as the editor has them: a text, a number, a date, or one of several choices. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from lakehouse.grammar.texts import control_problems, pattern_problems
from platform_assets.resource_types.model import refuse
from platform_assets.resource_types.rebuilding import NotExpressible


@dataclass(frozen=True)
class QueryParameter:
    """A parameter `:name` of a query; its default says its type. With `choices` it is one of them."""

    name: str
    default: str | int | float | date
    title: str = ""
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.choices and self.default not in self.choices:
            raise refuse(f"parameter {self.name}", f"its default {self.default!r} is none of its choices")

    def as_api(self) -> dict[str, Any]:
        """Return it as the API has it, without its name."""
        return {"title": self.title or self.name, **self._value()}

    def _value(self) -> dict[str, Any]:
        if self.choices:
            return {"enum_value": {"enum_options": "\n".join(self.choices), "values": [self.default]}}
        if isinstance(self.default, date):
            return {"date_value": {"date_value": self.default.isoformat(), "precision": "DAY_PRECISION"}}
        if isinstance(self.default, str):
            return {"text_value": {"value": self.default}}
        return {"numeric_value": {"value": self.default}}


def parameter_problems(parameter: QueryParameter) -> Iterator[str]:
    """Yield why a parameter cannot be kept: what is typed into the editor is one line."""
    what = f"the parameter {parameter.name[:40]}"
    yield from pattern_problems(f"the name of {what}", parameter.name, r"[A-Za-z_]\w{0,254}", "letters, digits and _")
    if any(not choice or choice != choice.strip() for choice in parameter.choices):
        yield f"a choice of {what} is a text without blanks at its ends"
    if len({*parameter.choices}) < len(parameter.choices):
        yield f"{what} has a choice twice"
    for text in (parameter.title, *parameter.choices):
        yield from control_problems(f"{what}, title or choice,", text, "")
    if isinstance(parameter.default, str):
        yield from control_problems(f"the default of {what}", parameter.default)
    elif isinstance(parameter.default, float) and not math.isfinite(parameter.default):
        yield f"the default of {what} is a number, not {parameter.default}"


def read_parameter(name: str, found: Mapping[str, Any]) -> QueryParameter:
    """Return the parameter that the API shows.

    Raises:
        NotExpressible: it is of a kind that cannot be declared.
    """
    title = "" if found.get("title") == name else found.get("title") or ""
    if chosen := found.get("enum_value"):
        values, choices = chosen.get("values") or [], tuple(str(chosen.get("enum_options")).split("\n"))
        if len(values) == 1:
            return QueryParameter(name, values[0], title, choices)
    if day := found.get("date_value", {}).get("date_value"):
        return QueryParameter(name, date.fromisoformat(day), title)
    for kind in ("text_value", "numeric_value"):
        if kind in found:
            return QueryParameter(name, found[kind]["value"], title)
    raise NotExpressible(f"parameter {name} is neither a text, a number, a date nor one of several choices")
