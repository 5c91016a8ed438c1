"""Condition keys: those that AWS always sends have their values, what is not known is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from local_workspace.iam.evaluation import Decision, Policies, decide, evaluate
from local_workspace.iam.statements import Request

ACCOUNT = "123456789012"
ROLE, USER = f"arn:aws:iam::{ACCOUNT}:role/team/lake", f"arn:aws:iam::{ACCOUNT}:user/team/ann"
SESSION, SERVICE = f"arn:aws:sts::{ACCOUNT}:assumed-role/lake/job", "s3.amazonaws.com"
HOME = "arn:aws:s3:::home/${aws:username}/*"
LATER = "2999-01-01T00:00:00Z"  # in the name of a test, so no time of this clock: workers must find the same names


def ask(principal: str, condition: Any, effect: str = "Allow", **more: Any) -> Decision:
    one = {"Sid": "One", "Effect": effect, "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [one, *([anything] if effect == "Deny" else [])]}
    return evaluate(policy, Request("s3:GetObject", "arn:aws:s3:::lake/one", principal, **more), "p")


@pytest.mark.parametrize(
    ("principal", "operator", "key", "value"),
    [
        (ROLE, "StringEquals", "aws:PrincipalAccount", ACCOUNT),
        (SESSION, "StringEquals", "aws:PrincipalAccount", ACCOUNT),
        (ROLE, "ArnEquals", "aws:PrincipalArn", ROLE),
        (USER, "ArnLike", "AWS:principalarn", "arn:aws:iam::*:user/team/*"),
        (ROLE, "StringEquals", "aws:PrincipalType", "AssumedRole"),
        (USER, "StringEquals", "aws:PrincipalType", "User"),
        (USER, "StringEquals", "aws:username", "ann"),
        (ROLE, "Null", "aws:username", "true"),
        (ROLE, "Bool", "aws:PrincipalIsAWSService", "false"),
        (SERVICE, "Bool", "aws:PrincipalIsAWSService", "true"),
        (SERVICE, "StringEquals", "aws:PrincipalServiceName", SERVICE),
        (ROLE, "Null", "aws:PrincipalServiceName", "true"),
        (ROLE, "Null", "aws:SourceArn", "true"),
        (ROLE, "Null", "aws:FederatedProvider", "true"),
        (ROLE, "DateLessThan", "aws:CurrentTime", LATER),
        (ROLE, "DateGreaterThan", "aws:CurrentTime", "2025-01-01T00:00:00"),
        (ROLE, "NumericGreaterThan", "aws:EpochTime", "1735689600"),
        (ROLE, "DateGreaterThan", "aws:EpochTime", "2025-01-01T00:00:00Z"),
    ],
)
def test_what_every_request_carries_or_lacks_is_known(principal: str, operator: str, key: str, value: str) -> None:
    assert ask(principal, {operator: {key: value}}).allowed
    assert ask(principal, {operator: {key: value}}, "Deny").reason == (
        "statement One of p denies s3:GetObject on arn:aws:s3:::lake/one"
    )


UNKNOWN = [
    *("aws:SourceIp", "aws:UserAgent", "aws:userid", "aws:SourceVpc", "aws:PrincipalOrgID", "aws:PrincipalTag/team"),
    *("aws:ResourceTag/team", "aws:Referer", "aws:RequestedRegion", "aws:TokenIssueTime", "s3:ExistingObjectTag/team"),
    *("s3:x-amz-acl", "aws:ViaAWSService", "aws:SecureTransport", "some:Key"),
]


@pytest.mark.parametrize("key", UNKNOWN)
@pytest.mark.parametrize("operator", ["StringEquals", "StringNotEqualsIfExists", "Null", "ForAllValues:StringLike"])
@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_is_not_known_cannot_be_decided(key: str, operator: str, effect: str) -> None:
    decision = ask(ROLE, {operator: {key: "true"}}, effect)
    assert not decision.allowed
    assert f"statement One of p cannot be decided: {key} " in decision.reason


def test_what_the_caller_says_is_known() -> None:
    said = {"aws:sourceip": "203.0.113.7", "s3:x-amz-acl": None}
    assert ask(ROLE, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, context=said).allowed
    assert not ask(ROLE, {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "Deny", context=said).allowed
    assert ask(ROLE, {"Null": {"s3:x-amz-acl": "true"}}, context=said).allowed


def test_an_unknown_key_decides_nothing_where_it_makes_no_difference() -> None:
    both = {"StringEquals": {"aws:PrincipalAccount": "999999999999", "aws:SourceIp": "203.0.113.7"}}
    assert ask(ROLE, both, "Deny").allowed
    unknown = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"some:Key": "true"}}}
    plain = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    assert evaluate({"Statement": [unknown, plain]}, Request("s3:GetObject", "o", ROLE), "p").allowed
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert " denies " in evaluate({"Statement": [{**unknown, "Effect": "Deny"}, deny]}, Request("a:b", "o"), "p").reason


def test_a_deny_unless_the_account_is_ours_lets_ours_in() -> None:
    condition = {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": condition}
    allow = ("own", {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
    policies = Policies((allow,), ("bucket", {"Version": "2012-10-17", "Statement": [deny]}))
    assert decide(policies, Request("s3:GetObject", "o", ROLE)).allowed
    stranger = Request("s3:GetObject", "o", "arn:aws:iam::999999999999:role/lake")
    assert decide(policies, stranger).denied_explicitly


@pytest.mark.parametrize(
    ("version", "resource", "allowed"),
    [
        ("2012-10-17", "arn:aws:s3:::home/ann/x", True),
        ("2012-10-17", "arn:aws:s3:::home/${aws:username}/x", False),
        ("2008-10-17", "arn:aws:s3:::home/ann/x", False),
        ("2008-10-17", "arn:aws:s3:::home/${aws:username}/x", True),
        (None, "arn:aws:s3:::home/ann/x", False),
        (None, "arn:aws:s3:::home/${aws:username}/x", True),
    ],
)
def test_variables_are_text_before_the_version_that_has_them(version: str | None, resource: str, allowed: bool) -> None:
    value = resource.removeprefix("arn:aws:s3:::")
    for element in (
        {"Resource": HOME},
        {"Resource": "*", "Condition": {"StringLike": {"k": "home/${aws:username}/*"}}},
        {"Resource": "*", "Condition": {"ArnLike": {"arn": HOME}}},
    ):
        policy: dict[str, Any] = {"Statement": {"Effect": "Allow", "Action": "s3:GetObject", **element}}
        if version:
            policy["Version"] = version
        request = Request("s3:GetObject", resource, USER, {"k": value, "arn": resource})
        assert evaluate(policy, request, "p").allowed == allowed, element


def test_a_variable_that_is_not_known_cannot_be_decided() -> None:
    for element in (
        {"Resource": "arn:aws:s3:::home/${aws:PrincipalTag/team}/*"},
        {"Resource": "*", "Condition": {"StringLike": {"aws:PrincipalAccount": "${aws:PrincipalTag/team, '*'}"}}},
    ):
        policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", **element}}
        decision = evaluate(policy, Request("s3:GetObject", "arn:aws:s3:::home/ann/x", ROLE), "p")
        assert "cannot be decided: aws:PrincipalTag/team" in decision.reason
