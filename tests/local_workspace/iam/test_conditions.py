"""Conditions of IAM policies: every operator, sets, missing keys, variables; unknown operators are refused."""

from __future__ import annotations

from typing import Any

import pytest

from local_workspace.iam.evaluation import evaluate
from local_workspace.iam.request_keys import UndecidableCondition
from local_workspace.iam.statements import Request, applies

ARN = "arn:aws:iam::123456789012:role/team/lake"


def allows(operator: str, expected: Any, actual: Any, **more: str | None) -> bool:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": {operator: {"k": expected}}}
    return applies(statement, Request("kms:Decrypt", "key", context={"k": actual, **more}))


@pytest.mark.parametrize(
    ("operator", "expected", "actual", "allowed"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", None, False),
        ("StringEquals", "a*", "ab", False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a*", "ab", True),
        ("StringLike", "a?", "abc", False),
        ("StringNotLike", "a*", "ba", True),
        ("NumericEquals", 10, "10.0", True),
        ("NumericNotEquals", "10", "10", False),
        ("NumericLessThan", "10", "9", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", False),
        ("DateEquals", "1767225600", "2026-01-01T00:00:00+00:00", True),
        ("DateLessThan", "2026-01-01T00:00:00", "2025-12-31T23:59:59Z", True),  # without a zone it is in UTC
        ("DateEquals", "2026-01-01T00:00:00", "1767225600", True),
        ("DateEquals", "2026-01-01", "2026-01-01T01:00:00+01:00", True),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", True),
        ("BinaryEquals", "QmluYXJ5", "Qg==", False),
        ("BinaryEqualsIfExists", "QmluYXJ5", None, True),
        ("NumericEquals", "9007199254740993", "9007199254740992", False),
        ("Bool", "true", "True", True),
        ("Bool", False, "false", True),
        ("Bool", "true", None, False),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7", True),
        ("IpAddress", "203.0.113.0/24", "203.0.114.7", False),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.7", True),
        ("ArnLike", "arn:aws:iam::123456789012:role/*", ARN, True),
        ("ArnEquals", "arn:aws:iam::*:role/team/lake", ARN, True),
        ("ArnLike", "arn:aws:*:role/team/lake", ARN, False),  # a wildcard stays within its part
        ("ArnNotLike", "arn:aws:iam::123456789012:user/*", ARN, True),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("Null", "false", None, False),
        ("Null", ["true", "false"], "a", True),
        ("Null", "true", [], True),
        ("StringNotEqualsIfExists", "a", None, True),
        ("NumericLessThanIfExists", "10", "11", False),
        ("BoolIfExists", "true", None, True),
        ("ForAnyValue:StringEqualsIfExists", "a", None, True),
        ("ForAllValues:StringEquals", "a", [], True),
        ("ArnLike", "arn:aws:iam::${aws:PrincipalAccount}:role/*", ARN, True),
        ("ArnLike", "arn:aws:iam::1${aws:PrincipalAccount}:role/*", ARN, False),
        ("ArnEquals", "${aws:PrincipalArn}", ARN, True),
        ("ArnEquals", "arn:aws:iam::123456789012:role/team/${aws:none}", ARN, False),
        ("StringEquals", "${aws:PrincipalAccount}", "123456789012", True),
        ("ArnLike", "arn:aws:iam", ARN, False),
        ("ForAnyValue:StringEquals", "a", "a", True),
        ("ForAnyValue:StringEquals", "a", ["b", "a"], True),
        ("ForAnyValue:StringEquals", "a", ["b", "c"], False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringNotEquals", "a", ["a", "b"], True),
        ("ForAnyValue:StringNotEquals", "a", ["a"], False),
        ("ForAnyValue:StringNotEquals", "a", None, False),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
        ("ForAllValues:StringEquals", "a", None, True),  # AWS warns of it: nothing is all of anything
        ("ForAllValues:StringNotEquals", "a", ["b", "a"], False),
    ],
)
def test_condition(operator: str, expected: Any, actual: Any, allowed: bool) -> None:
    known = {"aws:principalaccount": "123456789012", "aws:principalarn": ARN, "aws:none": None}
    assert allows(operator, expected, actual, **known) == allowed


@pytest.mark.parametrize(
    ("expected", "actual", "allowed"),
    [
        ("${aws:username}/*", "ann/x", True),
        ("${aws:username}/*", "bob/x", False),
        ("${aws:none}/*", "/x", False),
        ("${aws:none, 'all'}/*", "all/x", True),
        ("${*}", "*", True),
        ("${*}", "a", False),
    ],
)
def test_variables(expected: str, actual: str, allowed: bool) -> None:
    assert allows("StringLike", expected, actual, **{"aws:username": "ann", "aws:none": None}) == allowed


def test_a_variable_is_plain_text_even_if_it_looks_like_a_pattern() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::home/${aws:username}/*"}
    request = Request("s3:GetObject", "arn:aws:s3:::home/bob/x", context={"aws:username": "*"})
    assert not applies(statement, request)


@pytest.mark.parametrize("name", ["StringResembles", "NotStringEquals", "NotBool", "NullIfExists", "ForAnyValue:Is"])
@pytest.mark.parametrize("actual", ["a", None])
def test_an_unknown_operator_is_refused(name: str, actual: str | None) -> None:
    with pytest.raises(UndecidableCondition, match=name):
        allows(name, "a", actual)


@pytest.mark.parametrize("name", ["NumericEquals", "NotIpAddress", "DateLessThan"])
def test_what_cannot_be_compared_is_refused(name: str) -> None:
    with pytest.raises(UndecidableCondition, match=f"{name} cannot compare"):
        allows(name, "1.2", "never")


def test_an_unknown_operator_denies_whatever_other_statements_allow() -> None:
    odd = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringResembles": {"k": "a"}}}
    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, odd]}
    decision = evaluate(policy, Request("s3:GetObject", "o"), "p")
    assert (decision.allowed, decision.denied_explicitly) == (False, True)
    assert "StringResembles" in decision.reason
