"""Conditions of a statement. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html

All operators, with IfExists, ForAnyValue and ForAllValues.
"""

from __future__ import annotations

import base64
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from local_workspace.iam.patterns import as_list, matches_arn, matches_pattern, substitute_variables
from local_workspace.iam.request_keys import Context, UndecidableCondition, UnknownOperator, look_up

Matcher = Callable[[str, str, "Context | None"], bool]  # (expected, actual, context for variables)
_FOR_ANY, _FOR_ALL, _IF_EXISTS = "foranyvalue:", "forallvalues:", "ifexists"
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


def conditions_hold(conditions: Mapping[str, Any], context: Context, has_variables: bool = True) -> bool:
    """Say whether all conditions hold; `has_variables` says whether the policy's version knows variables.

    Raises:
        UndecidableCondition: there is an unknown operator, whatever the others say; or all others hold, and one is on a
            key that is not known or cannot be compared.
    """
    undecided: list[UndecidableCondition] = []
    holds = True
    for name, pairs in conditions.items():
        decide = _find_decision(name)
        for key, expected in pairs.items():
            try:
                found = look_up(key, context)
                actual = None if found is None else [str(value) for value in as_list(found)]
                texts = [_as_text(value) for value in as_list(expected)]
                holds = decide(actual, texts, context if has_variables else None) and holds
            except UndecidableCondition as error:
                undecided.append(error)
    if holds and undecided:
        raise undecided[0]
    return holds


def _find_decision(name: str) -> Callable[[list[str] | None, list[str], Context | None], bool]:
    lowered = name.lower()
    if lowered == "null":
        return lambda actual, expected, _: any((actual is None) == (one.lower() == "true") for one in expected)
    base = lowered.removeprefix(_FOR_ANY).removeprefix(_FOR_ALL).removesuffix(_IF_EXISTS)
    negated = base in _NEGATIONS
    matcher = _MATCHERS.get(_NEGATIONS.get(base, base))
    if matcher is None:
        raise UnknownOperator(f"the local workspace does not evaluate the IAM condition operator {name}")

    def decide(actual: list[str] | None, expected: list[str], context: Context | None) -> bool:
        if actual is None:
            return _holds_without_key(lowered, negated)
        try:
            fits = [any(matcher(value, one, context) for value in expected) != negated for one in actual]
        except ValueError as error:
            raise UndecidableCondition(f"{name} cannot compare {actual} with {expected}: {error}") from error
        of_all = lowered.startswith(_FOR_ALL) or (negated and not lowered.startswith(_FOR_ANY))
        return all(fits) if of_all else any(fits)

    return decide


def _holds_without_key(name: str, negated: bool) -> bool:
    """A missing key fails an operator and satisfies its negation; ForAnyValue needs a value, ForAllValues none."""
    if name.endswith(_IF_EXISTS) or name.startswith(_FOR_ALL):
        return True
    return negated and not name.startswith(_FOR_ANY)


def _equal(expected: str, actual: str, context: Context | None) -> bool:
    return substitute_variables(expected, context) == actual


def _equal_ignoring_case(expected: str, actual: str, context: Context | None) -> bool:
    wanted = substitute_variables(expected, context)
    return wanted is not None and wanted.lower() == actual.lower()


def _like(expected: str, actual: str, context: Context | None) -> bool:
    return matches_pattern(expected, actual, context)


def _like_arn(expected: str, actual: str, context: Context | None) -> bool:
    return matches_arn(expected, actual, context)


def _same_truth(expected: str, actual: str, _context: Context | None) -> bool:
    return expected.lower() == actual.lower()


def _same_bytes(expected: str, actual: str, _context: Context | None) -> bool:
    return base64.b64decode(expected, validate=True) == base64.b64decode(actual, validate=True)


def _in_network(expected: str, actual: str, _context: Context | None) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


def _compare_numbers(compare: Callable[[Decimal, Decimal], bool]) -> Matcher:
    return lambda expected, actual, _: compare(_number(actual), _number(expected))


def _compare_times(compare: Callable[[Decimal, Decimal], bool]) -> Matcher:
    return lambda expected, actual, _: compare(_seconds(actual), _seconds(expected))


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return Decimal(text)


def _seconds(text: str) -> Decimal:
    """Return seconds since 1970 of either notation; a time without a zone is in UTC."""
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    moment = datetime.fromisoformat(text)
    return Decimal(str((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()))


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
    "bool": _same_truth,
    "binaryequals": _same_bytes,
    "ipaddress": _in_network,
    **{f"numeric{name}": _compare_numbers(compare) for name, compare in _ORDERS.items()},
    **{f"date{name}": _compare_times(compare) for name, compare in _ORDERS.items()},
}
_NEGATIONS = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
