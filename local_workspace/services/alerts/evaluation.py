"""Whether an alert's condition holds in the rows of its query. Pure.

A null holds in no comparison but IS_NULL, as in SQL; what cannot be compared is an error, never a guess.
"""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQUAL": operator.eq,
    "NOT_EQUAL": operator.ne,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}
Columns = Mapping[str, Sequence[Any]]


class CannotEvaluate(Exception):
    """The condition does not fit the result; the message says why."""


def evaluate(evaluation: Mapping[str, Any], columns: Columns) -> str:
    """Return the state: OK or TRIGGERED; of no rows, the one that is declared for them, UNKNOWN if none is.

    Raises:
        CannotEvaluate: a column is not there, or values cannot be aggregated or compared.
    """
    source = evaluation["source"]
    values = _find(columns, source["name"])
    if not values:
        return str(evaluation.get("empty_result_state") or "UNKNOWN")
    found, name = _aggregate(source, values), evaluation["comparison_operator"]
    if name in ("IS_NULL", "IS_NOT_NULL"):
        holds = (found is None) == (name == "IS_NULL")
    else:
        holds = _compare(name, found, _read_threshold(evaluation["threshold"], columns))
    return "TRIGGERED" if holds else "OK"


def _read_threshold(threshold: Mapping[str, Any], columns: Columns) -> Any:
    if column := threshold.get("column"):
        return _aggregate(column, _find(columns, column["name"]))
    return next(iter(threshold["value"].values()))


def _find(columns: Columns, name: str) -> Sequence[Any]:
    for known, values in columns.items():
        if known.lower() == name.lower():
            return values
    raise CannotEvaluate(f"the result has no column {name!r}; it has {', '.join(columns)}")


def _aggregate(column: Mapping[str, Any], values: Sequence[Any]) -> Any:
    """Return the aggregate of the values that are not null, as SQL does; without one the first row's value."""
    name, there = column.get("aggregation"), [value for value in values if value is not None]
    if name is None:
        return values[0]
    if name in ("COUNT", "COUNT_DISTINCT"):
        return len(there if name == "COUNT" else set(there))
    if name in ("MIN", "MAX"):
        return (min if name == "MIN" else max)(there, default=None)
    if not all(_is_number(value) for value in there):
        raise CannotEvaluate(f"{name} of {column['name']!r}: not all its values are numbers")
    if len(there) < (2 if name == "STDDEV" else 1):
        return None
    return _NUMERIC[name](there)


_NUMERIC: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "SUM": sum,
    "AVG": statistics.mean,
    "MEDIAN": statistics.median,
    "STDDEV": statistics.stdev,
}


def _compare(name: str, found: Any, threshold: Any) -> bool:
    if found is None or threshold is None:
        return False
    if isinstance(found, date) and not isinstance(found, datetime) and isinstance(threshold, str):
        found = found.isoformat()
    same_kind = _is_number(found) and _is_number(threshold)
    if not same_kind and type(found) is not type(threshold):
        raise CannotEvaluate(f"{found!r} cannot be compared with {threshold!r}")
    return bool(_COMPARE[name](found, threshold))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
