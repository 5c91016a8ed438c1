"""AWS's published evaluation logic as a table: which policies have a say, and who wins.

Rows follow "Policy evaluation logic", "Evaluating identity-based policies with ...", "Cross-account policy evaluation
logic" and "Session policies" in the IAM user guide.
"""

from __future__ import annotations

from typing import Any

import pytest

from local_workspace.iam.evaluation import Policies, decide
from local_workspace.iam.statements import Request

ACCOUNT, OTHER = "123456789012", "999999999999"
ROLE, USER = f"arn:aws:iam::{ACCOUNT}:role/lake", f"arn:aws:iam::{ACCOUNT}:user/ann"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/lake/job"
OBJECT = "arn:aws:s3:::lake/data/one"


def statement(effect: str, action: str = "s3:GetObject", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "p", {"Version": "2012-10-17", "Statement": list(statements)}


def to(*principals: str) -> dict[str, Any]:
    return {"Principal": {"AWS": list(principals)}}


ALLOW, DENY = policy(statement("Allow")), policy(statement("Deny"))
OTHER_ACTION = policy(statement("Allow", "s3:PutObject"))
BY_ROLE, BY_SESSION, BY_USER = (policy(statement("Allow", **to(one))) for one in (ROLE, SESSION, USER))
BY_ACCOUNT, BY_ANYBODY = policy(statement("Allow", **to(ACCOUNT))), policy(statement("Allow", Principal="*"))
DENY_ALL_BY_RESOURCE = policy(statement("Deny", Principal="*"))

TABLE: dict[str, tuple[Policies, bool]] = {
    # by default everything is denied
    "no policy": (Policies(), False),
    "another action": (Policies((OTHER_ACTION,)), False),
    "identity allows": (Policies((ALLOW,)), True),
    "one of several identity policies allows": (Policies((OTHER_ACTION, ALLOW)), True),
    # an explicit deny in any policy wins
    "identity denies": (Policies((ALLOW, DENY)), False),
    "resource denies": (Policies((ALLOW,), DENY_ALL_BY_RESOURCE), False),
    "session denies": (Policies((ALLOW,), session=(ALLOW, DENY)), False),
    "boundary denies": (Policies((ALLOW,), boundary=DENY), False),
    "organization denies": (Policies((ALLOW,), organization=(ALLOW, DENY)), False),
    "deny wins over a resource policy that names the session": (Policies((DENY,), BY_SESSION), False),
    # within an account, identity or resource policy
    "resource names the role": (Policies((), BY_ROLE), True),
    "resource names anybody": (Policies((), BY_ANYBODY), True),
    "resource names somebody else": (Policies((), policy(statement("Allow", **to(OTHER)))), False),
    "resource names the account, which only delegates": (Policies((), BY_ACCOUNT), False),
    "resource names the account, identity allows": (Policies((ALLOW,), BY_ACCOUNT), True),
    "resource is silent, identity allows": (Policies((ALLOW,), policy()), True),
    # keys and roles: nobody without the resource's own policy
    "a key's policy is silent": (Policies((ALLOW,), policy(), resource_must_allow=True), False),
    "a key has no policy": (Policies((ALLOW,), resource_must_allow=True), False),
    "a key's policy names the role": (Policies((), BY_ROLE, resource_must_allow=True), True),
    "a key's policy delegates, identity allows": (Policies((ALLOW,), BY_ACCOUNT, resource_must_allow=True), True),
    "a key's policy delegates, identity is silent": (Policies((), BY_ACCOUNT, resource_must_allow=True), False),
    # session policies, boundaries and organizations narrow and never give
    "session policy alone": (Policies(session=(ALLOW,)), False),
    "session policy is silent": (Policies((ALLOW,), session=(OTHER_ACTION,)), False),
    "session policy allows": (Policies((ALLOW,), session=(ALLOW,)), True),
    "session policy narrows a resource policy that names the role": (
        Policies((), BY_ROLE, session=(OTHER_ACTION,)),
        False,
    ),
    "session policy does not narrow one that names the session": (
        Policies((), BY_SESSION, session=(OTHER_ACTION,)),
        True,
    ),
    "boundary alone": (Policies(boundary=ALLOW), False),
    "boundary is silent": (Policies((ALLOW,), boundary=OTHER_ACTION), False),
    "boundary allows": (Policies((ALLOW,), boundary=ALLOW), True),
    "boundary narrows a resource policy that names the role": (Policies((), BY_ROLE, boundary=OTHER_ACTION), False),
    "boundary and session both must allow": (Policies((ALLOW,), session=(ALLOW,), boundary=OTHER_ACTION), False),
    "organization alone": (Policies(organization=(ALLOW,)), False),
    "organization is silent": (Policies((ALLOW,), organization=(OTHER_ACTION,)), False),
    "organization is silent, resource names the session": (
        Policies((), BY_SESSION, organization=(OTHER_ACTION,)),
        False,
    ),
    "every level of an organization must allow": (Policies((ALLOW,), organization=(ALLOW, OTHER_ACTION)), False),
}


@pytest.mark.parametrize(("policies", "allowed"), TABLE.values(), ids=TABLE)
def test_within_an_account(policies: Policies, allowed: bool) -> None:
    decision = decide(policies, Request("s3:GetObject", OBJECT, ROLE, session=SESSION))
    assert decision.allowed == allowed, decision.reason
    assert decision.reason


@pytest.mark.parametrize(
    ("policies", "allowed"),
    [
        (Policies((ALLOW,)), False),
        (Policies((ALLOW,), policy()), False),
        (Policies((), BY_ROLE), False),
        (Policies((), BY_SESSION), False),
        (Policies((ALLOW,), BY_ROLE), True),
        (Policies((ALLOW,), BY_ACCOUNT), True),
        (Policies((ALLOW, DENY), BY_ROLE), False),
        (Policies((ALLOW,), BY_ROLE, session=(OTHER_ACTION,)), False),
        (Policies((ALLOW,), BY_SESSION, session=(OTHER_ACTION,)), False),
    ],
)
def test_across_accounts_both_sides_must_allow(policies: Policies, allowed: bool) -> None:
    request = Request("s3:GetObject", OBJECT, ROLE, session=SESSION, resource_account=OTHER)
    assert decide(policies, request).allowed == allowed


def test_a_boundary_does_not_narrow_a_resource_policy_that_names_the_user() -> None:
    assert decide(Policies((), BY_USER, boundary=OTHER_ACTION), Request("s3:GetObject", OBJECT, USER)).allowed


ROOT, OTHER_SESSION = f"arn:aws:iam::{ACCOUNT}:root", f"{SESSION}2"


@pytest.mark.parametrize(
    ("listed", "principal", "session", "denied"),
    [
        # a session is spared with its role and its account, each by name
        ([ROLE, SESSION, ROOT], ROLE, SESSION, False),
        ([ROLE, SESSION, ACCOUNT], ROLE, SESSION, False),
        ([ROLE], ROLE, SESSION, True),
        ([ROLE, ROOT], ROLE, SESSION, True),
        ([ROLE, SESSION], ROLE, SESSION, True),
        ([SESSION, ROOT], ROLE, SESSION, True),
        ([ROOT], ROLE, SESSION, True),
        ([ROLE, OTHER_SESSION, ROOT], ROLE, SESSION, True),
        # a user with the account
        ([USER, ROOT], USER, "", False),
        ([USER], USER, "", True),
        ([ROOT], USER, "", True),
        ([USER, ROOT], ROLE, SESSION, True),
        ([ROLE, SESSION, ROOT], f"arn:aws:iam::{OTHER}:role/lake", "", True),
        (["*"], USER, "", False),
        (["s3.amazonaws.com"], "s3.amazonaws.com", "", False),
        ([ROLE, ROOT], "s3.amazonaws.com", "", True),
    ],
)
def test_not_principal_denies_everybody_else(listed: list[str], principal: str, session: str, denied: bool) -> None:
    policies = Policies((ALLOW,), policy(statement("Deny", NotPrincipal={"AWS": listed})))
    decision = decide(policies, Request("s3:GetObject", OBJECT, principal, session=session))
    assert decision.denied_explicitly == denied
    assert "cannot be decided" not in decision.reason


@pytest.mark.parametrize(
    "given",
    [statement("Deny", NotPrincipal={"AWS": [ROLE, SESSION, ROOT]}), statement("Allow", NotPrincipal={"AWS": [USER]})],
    ids=["a session whose name is not known", "allow"],
)
def test_a_not_principal_that_cannot_be_decided_says_so(given: dict[str, Any]) -> None:
    decision = decide(Policies((ALLOW,), policy(given)), Request("s3:GetObject", OBJECT, ROLE))
    assert not decision.allowed and "cannot be decided: " in decision.reason


@pytest.mark.parametrize(
    ("element", "allowed"),
    [
        ({"Action": "S3:getobject"}, True),
        ({"Action": "s3:Get*"}, True),
        ({"Action": ["s3:List*", "s3:Put*"]}, False),
        ({"NotAction": "s3:PutObject"}, True),
        ({"NotAction": "s3:*"}, False),
        ({"Resource": "arn:aws:s3:::lake/data/*"}, True),
        ({"Resource": "arn:aws:s3:::lake/Data/*"}, False),
        ({"Resource": "arn:aws:s3:::lake"}, False),
        ({"NotResource": "arn:aws:s3:::lake/other/*"}, True),
        ({"NotResource": "arn:aws:s3:::lake/*"}, False),
    ],
)
def test_actions_ignore_case_and_resources_do_not(element: dict[str, Any], allowed: bool) -> None:
    base = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    replaced = {key.removeprefix("Not") for key in element}
    one = {**{key: value for key, value in base.items() if key not in replaced}, **element}
    assert decide(Policies((policy(one),)), Request("s3:GetObject", OBJECT, ROLE)).allowed == allowed
