"""Conditions of a statement. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html

All operators but BinaryEquals; with IfExists, ForAnyValue and ForAllValues.
"""

from __future__ import annotations

import ipaddress
import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from local_workspace.iam.patterns import Context, as_list, matches_arn, matches_pattern, substitute_variables

Matcher = Callable[[str, str, Context], bool]  # (expected, actual, context)
_FOR_ANY, _FOR_ALL, _IF_EXISTS = "foranyvalue:", "forallvalues:", "ifexists"


class UndecidableCondition(Exception):
    """A condition that cannot be decided here is refused, never skipped."""


def conditions_hold(conditions: Mapping[str, Any], context: Context) -> bool:
    """Say whether all conditions hold.

    Raises:
        UndecidableCondition: one of them has an unknown operator or cannot be compared, whatever the others say.
    """
    return all(list(_decide_all(conditions, context)))


def _decide_all(conditions: Mapping[str, Any], context: Context) -> Iterator[bool]:
    for name, pairs in conditions.items():
        for key, expected in pairs.items():
            found = context.get(key.lower())
            actual = None if found is None else [str(value) for value in as_list(found)]
            yield _holds(name, actual, [_as_text(value) for value in as_list(expected)], context)


def _holds(name: str, actual: list[str] | None, expected: list[str], context: Context) -> bool:
    lowered = name.lower()
    base = lowered.removeprefix(_FOR_ANY).removeprefix(_FOR_ALL).removesuffix(_IF_EXISTS)
    if base == "null":
        return (actual is None) == (expected[0].lower() == "true")
    matcher, negated = _find_matcher(base, name)
    if actual is None:
        return _holds_without_key(lowered, negated)
    try:
        fits = [any(matcher(value, one, context) for value in expected) != negated for one in actual]
    except ValueError as error:
        raise UndecidableCondition(f"{name} cannot compare {actual} with {expected}: {error}") from error
    return all(fits) if lowered.startswith(_FOR_ALL) or (negated and not lowered.startswith(_FOR_ANY)) else any(fits)


def _holds_without_key(name: str, negated: bool) -> bool:
    """A missing key fails an operator and satisfies its negation; ForAnyValue needs a value, ForAllValues none."""
    if name.endswith(_IF_EXISTS) or name.startswith(_FOR_ALL):
        return True
    return negated and not name.startswith(_FOR_ANY)


def _find_matcher(base: str, name: str) -> tuple[Matcher, bool]:
    positive = base.replace("not", "", 1)
    if positive not in _MATCHERS or (positive != base and positive not in _NEGATABLE):
        raise UndecidableCondition(f"the local workspace does not evaluate the IAM condition operator {name}")
    return _MATCHERS[positive], positive != base


def _equal(expected: str, actual: str, context: Context) -> bool:
    return substitute_variables(expected, context) == actual


def _equal_ignoring_case(expected: str, actual: str, context: Context) -> bool:
    return (substitute_variables(expected, context) or "\0").lower() == actual.lower()


def _like(expected: str, actual: str, context: Context) -> bool:
    return matches_pattern(expected, actual, context)


def _like_arn(expected: str, actual: str, context: Context) -> bool:
    return matches_arn(expected, actual, context)


def _in_network(expected: str, actual: str, _context: Context) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


def _compare_numbers(compare: Callable[[float, float], bool]) -> Matcher:
    return lambda expected, actual, _: compare(float(actual), float(expected))


def _compare_times(compare: Callable[[float, float], bool]) -> Matcher:
    return lambda expected, actual, _: compare(_seconds(actual), _seconds(expected))


def _seconds(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else datetime.fromisoformat(text).timestamp()


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_ORDERS = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
_MATCHERS: dict[str, Matcher] = {
    "stringequals": _equal,
    "stringequalsignorecase": _equal_ignoring_case,
    "stringlike": _like,
    "arnequals": _like_arn,
    "arnlike": _like_arn,
    "bool": _equal_ignoring_case,
    "ipaddress": _in_network,
    **{f"numeric{name}": _compare_numbers(compare) for name, compare in _ORDERS.items()},
    **{f"date{name}": _compare_times(compare) for name, compare in _ORDERS.items()},
}
_NEGATABLE = {
    *("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress"),
    *("numericequals", "dateequals"),
}
