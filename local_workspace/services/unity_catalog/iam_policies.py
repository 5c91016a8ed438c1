"""Evaluates AWS IAM policy documents: identity, trust and bucket policies. Pure functions over parsed JSON.

moto evaluates no conditions, no session policies and reads NotPrincipal as deny-all, so the gateway decides itself.
Semantics: "Policy evaluation logic" in the IAM user guide, for the operators that storage policies use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Statement = Mapping[str, Any]
_FOR_ANY = "foranyvalue:"
_POSITIVE = ("stringequals", "arnequals", "stringlike", "arnlike", "bool")
_NEGATED = ("stringnotequals", "arnnotequals", "stringnotlike", "arnnotlike")


@dataclass(frozen=True)
class Request:
    """What is asked of AWS: `context` maps lower-case condition keys to their values."""

    action: str
    resource: str
    principal: str = ""
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """`allowed` with the statement that decided; `reason` is a sentence for people."""

    allowed: bool
    reason: str
    denied_explicitly: bool = False


def evaluate(policy: Mapping[str, Any], request: Request, what: str) -> Decision:
    """Decide the request by one policy; `what` names the policy in the reason."""
    allowing: str | None = None
    for number, statement in enumerate(_as_list(policy.get("Statement", []))):
        name = statement.get("Sid") or f"number {number + 1}"
        try:
            if not applies(statement, request):
                continue
        except UnknownConditionOperator as error:
            return Decision(False, f"statement {name} of {what} cannot be decided: {error}", True)
        if statement.get("Effect") == "Deny":
            return Decision(False, f"statement {name} of {what} denies {request.action} on {request.resource}", True)
        allowing = allowing or name
    if allowing is None:
        return Decision(False, f"no statement of {what} allows {request.action} on {request.resource}")
    return Decision(True, f"statement {allowing} of {what} allows it")


def applies(statement: Statement, request: Request) -> bool:
    """Say whether principal, action, resource and conditions of the statement all match."""
    return (
        _matches_principal(statement, request.principal)
        and _matches_field(statement, "Action", request.action, ignore_case=True)
        and _matches_field(statement, "Resource", request.resource, ignore_case=False)
        and all(_matches_conditions(statement.get("Condition", {}), request.context))
    )


def _matches_principal(statement: Statement, principal: str) -> bool:
    if "NotPrincipal" in statement:
        return not any(_is_principal(pattern, principal) for pattern in _principals(statement["NotPrincipal"]))
    if "Principal" in statement:
        return any(_is_principal(pattern, principal) for pattern in _principals(statement["Principal"]))
    return True


def _principals(element: Any) -> Iterator[str]:
    if isinstance(element, Mapping):
        for value in element.values():
            yield from _as_list(value)
    else:
        yield from _as_list(element)


def _is_principal(pattern: str, principal: str) -> bool:
    if pattern in ("*", principal):
        return True
    account = re.fullmatch(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", pattern)
    return bool(account) and f"::{account.group(1)}:" in principal  # type: ignore[union-attr]


def _matches_field(statement: Statement, name: str, value: str, ignore_case: bool) -> bool:
    if f"Not{name}" in statement:
        return not _matches_any(statement[f"Not{name}"], value, ignore_case)
    return name not in statement or _matches_any(statement[name], value, ignore_case)


def _matches_any(patterns: Any, value: str, ignore_case: bool) -> bool:
    return any(matches_pattern(pattern, value, ignore_case) for pattern in _as_list(patterns))


def matches_pattern(pattern: str, value: str, ignore_case: bool = False) -> bool:
    """Match with the wildcards of IAM: * for any text, ? for one character."""
    regex = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.fullmatch(regex, value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def _matches_conditions(conditions: Mapping[str, Any], context: Mapping[str, str]) -> Iterator[bool]:
    for operator, pairs in conditions.items():
        for key, expected in pairs.items():
            yield _matches_condition(operator, context.get(key.lower()), [str(value) for value in _as_list(expected)])


def _matches_condition(operator: str, actual: str | None, expected: Iterable[str]) -> bool:
    of_a_set = operator.lower().startswith(_FOR_ANY)  # keys with several values are not asked here: one is a set of one
    name = operator.lower().removeprefix(_FOR_ANY).removesuffix("ifexists")
    if name not in (*_POSITIVE, *_NEGATED):
        raise UnknownConditionOperator(f"the local workspace does not evaluate the IAM condition operator {operator}")
    if actual is None:
        # a missing key fails a positive operator and satisfies a negated one, but not of a set; IfExists passes both
        return operator.lower().endswith("ifexists") or ("not" in name and not of_a_set)
    if name in _POSITIVE:
        wild = name not in ("stringequals", "bool")
        return any(_equal(value, actual, wild, name == "bool") for value in expected)
    return not any(_equal(value, actual, name != "stringnotequals", False) for value in expected)


class UnknownConditionOperator(Exception):
    """A condition that cannot be decided here is refused, never skipped."""


def _equal(expected: str, actual: str, wild: bool, ignore_case: bool) -> bool:
    if wild:
        return matches_pattern(expected, actual)
    return expected.lower() == actual.lower() if ignore_case else expected == actual


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
