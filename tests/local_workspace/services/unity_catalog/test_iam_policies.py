"""Conditions of IAM policies: sets, missing keys, and operators that are refused rather than skipped."""

from __future__ import annotations

import pytest

from local_workspace.services.unity_catalog.iam_policies import Request, UnknownConditionOperator, applies


def allows(operator: str, expected: str, actual: str | None) -> bool:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {operator: {"k": expected}}}
    context = {} if actual is None else {"k": actual}
    return applies(statement, Request("kms:Decrypt", "key", context=context))


@pytest.mark.parametrize(
    ("operator", "actual", "allowed"),
    [
        ("StringEquals", "a", True),
        ("StringEquals", "b", False),
        ("StringEquals", None, False),
        ("StringEqualsIfExists", None, True),
        ("StringNotEquals", None, True),
        ("ForAnyValue:StringEquals", "a", True),
        ("ForAnyValue:StringEquals", "b", False),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAnyValue:StringLike", "a", True),
        ("ForAnyValue:StringNotEquals", "b", True),
        ("ForAnyValue:StringNotEquals", None, False),
    ],
)
def test_condition(operator: str, actual: str | None, allowed: bool) -> None:
    assert allows(operator, "a", actual) == allowed


@pytest.mark.parametrize("actual", ["a", None])
def test_an_unknown_operator_is_refused(actual: str | None) -> None:
    with pytest.raises(UnknownConditionOperator, match="ForAllValues:StringEquals"):
        allows("ForAllValues:StringEquals", "a", actual)
