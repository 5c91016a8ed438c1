"""Parameters of saved queries, as the editor has them: a text, a number, a date, or one of several choices. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from platform_assets.resource_types.model import InvalidDeclaration


@dataclass(frozen=True)
class QueryParameter:
    """A parameter `:name` of a query; its default says its type. With `choices` it is one of them."""

    name: str
    default: str | int | float | date
    title: str = ""
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.choices and self.default not in self.choices:
            raise InvalidDeclaration(f"parameter {self.name}: its default {self.default!r} is none of its choices")

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
