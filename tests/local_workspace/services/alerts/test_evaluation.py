"""Conditions of alerts over the rows of their query: aggregates and nulls as in SQL; what cannot be is said."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local_workspace.services.alerts.evaluation import CannotEvaluate, evaluate

COLUMNS: dict[str, list[Any]] = {
    "n": [3, None, 5, 5],
    "Late": [0.5, 1.5, 2.5, 3.5],
    "money": [Decimal("1.10"), Decimal("2.20"), None, Decimal("3.30")],
    "name": ["b", "a", None, "b"],
    "day": [date(2013, 1, 1), date(2013, 1, 2), None, None],
    "at": [datetime(2013, 1, 1)] * 4,
    "ok": [True, False, True, True],
    "nothing": [None, None, None, None],
}


def ask(name: str, aggregation: str | None, operator: str, threshold: Any = None, **more: Any) -> str:
    kinds = {bool: "bool_value", str: "string_value", dict: "column"}
    kind = kinds.get(type(threshold), "double_value")
    given = {"column": threshold} if kind == "column" else {"value": {kind: threshold}}
    source = {"name": name, **({"aggregation": aggregation} if aggregation else {})}
    return evaluate({"source": source, "comparison_operator": operator, "threshold": given, **more}, COLUMNS)


@pytest.mark.parametrize(
    ("name", "aggregation", "operator", "threshold"),
    [
        ("n", None, "EQUAL", 3.0),
        ("N", "COUNT", "EQUAL", 3),
        ("n", "COUNT_DISTINCT", "EQUAL", 2),
        ("n", "SUM", "EQUAL", 13),
        ("n", "MAX", "GREATER_THAN", 4.9),
        ("n", "MIN", "LESS_THAN_OR_EQUAL", 3),
        ("late", "AVG", "EQUAL", 2),
        ("late", "MEDIAN", "EQUAL", 2),
        ("n", "STDDEV", "LESS_THAN", 1.1548),
        ("n", "STDDEV", "GREATER_THAN", 1.1546),
        ("money", "SUM", "GREATER_THAN_OR_EQUAL", 6.6),
        ("name", None, "EQUAL", "b"),
        ("name", "MIN", "EQUAL", "a"),
        ("day", "MAX", "EQUAL", "2013-01-02"),
        ("ok", None, "EQUAL", True),
        ("nothing", None, "IS_NULL", None),
        ("nothing", "SUM", "IS_NULL", None),
        ("n", None, "IS_NOT_NULL", None),
        ("n", "MAX", "GREATER_THAN", {"name": "late", "aggregation": "MAX"}),
        ("n", None, "GREATER_THAN", {"name": "late"}),
    ],
)
def test_a_condition_holds(name: str, aggregation: str | None, operator: str, threshold: Any) -> None:
    assert ask(name, aggregation, operator, threshold) == "TRIGGERED"


@pytest.mark.parametrize(
    ("name", "aggregation", "operator", "threshold"),
    [
        ("n", None, "NOT_EQUAL", 3),
        ("n", "MAX", "GREATER_THAN", 5),
        ("nothing", None, "NOT_EQUAL", 3),
        ("nothing", "COUNT", "GREATER_THAN", 0),
        ("nothing", "MAX", "LESS_THAN", 3),
        ("nothing", None, "IS_NOT_NULL", None),
        ("n", None, "EQUAL", {"name": "nothing"}),
        ("ok", None, "EQUAL", False),
    ],
)
def test_a_condition_does_not_hold(name: str, aggregation: str | None, operator: str, threshold: Any) -> None:
    assert ask(name, aggregation, operator, threshold) == "OK"


@pytest.mark.parametrize(
    ("name", "aggregation", "threshold", "said"),
    [
        ("other", None, 1, "no column 'other'; it has n, Late"),
        ("n", None, {"name": "other"}, "no column 'other'"),
        ("name", "SUM", 1, "SUM of 'name': not all its values are numbers"),
        ("ok", "AVG", 1, "AVG of 'ok'"),
        ("name", None, 1, "'b' cannot be compared with 1"),
        ("ok", None, 1, "True cannot be compared with 1"),
        ("n", None, "3", "3 cannot be compared with '3'"),
        ("at", None, "2013-01-01", "cannot be compared"),
    ],
)
def test_what_cannot_be_evaluated_is_said(name: str, aggregation: str | None, threshold: Any, said: str) -> None:
    with pytest.raises(CannotEvaluate, match=said):
        ask(name, aggregation, "GREATER_THAN", threshold)


def test_no_rows_are_what_is_declared_for_them_and_otherwise_unknown() -> None:
    condition = {"source": {"name": "n"}, "comparison_operator": "IS_NULL"}
    assert evaluate(condition, {"n": []}) == "UNKNOWN"
    assert evaluate({**condition, "empty_result_state": "TRIGGERED"}, {"n": []}) == "TRIGGERED"
    with pytest.raises(CannotEvaluate):
        evaluate(condition, {})


def test_the_deviation_of_one_value_is_null_as_in_spark() -> None:
    condition = {"source": {"name": "n", "aggregation": "STDDEV"}, "comparison_operator": "IS_NULL"}
    assert evaluate(condition, {"n": [1]}) == "TRIGGERED"
