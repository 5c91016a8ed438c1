"""The generated policies: least privilege by a linter that sees violations, and one form whatever AWS makes of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.targets import REMOTE, local_target
from local_workspace.iam.evaluation import evaluate
from local_workspace.iam.statements import Request
from platform_assets.declarations import RESOURCES
from platform_assets.resource_types.compute_policies import Network, compute_access
from platform_assets.resource_types.policies import (
    UNITY_CATALOG_ROLE,
    bucket_access,
    make_document,
    normalize_policy,
    queue_access,
    storage_access,
    storage_trust,
)
from platform_assets.resource_types.policy_rules import UnsafePolicy, find_violations

TARGETS = (local_target(Path("/nowhere")), *REMOTE.values())
KEY, ROLE = "arn:aws:kms:eu-central-1:123456789012:alias/lake", "arn:aws:iam::123456789012:role/storage"


def find_policies(value: Any) -> Iterator[Mapping[str, Any]]:
    """All policy documents inside a state."""
    if isinstance(value, Mapping):
        if "Statement" in value:
            yield value
        for inner in value.values():
            yield from find_policies(inner)


def test_no_declared_policy_allows_too_much() -> None:
    found = [
        (target.name, resource.key, problem)
        for target in TARGETS
        for resource in RESOURCES
        for policy in find_policies(resource.desired(target))
        for problem in find_violations(policy)
    ]
    assert found == []


def test_there_are_policies_to_lint() -> None:
    policies = [policy for one in RESOURCES for policy in find_policies(one.desired(TARGETS[0]))]
    assert len(policies) == 7  # four buckets, one queue, trust and access of the role


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Action": ["*"]}, "Objects allows *"),
        ({"Action": ["s3:*"]}, "Objects allows s3:*"),
        ({"Action": ["s3:Get*"]}, "Objects allows s3:Get*"),
        ({"Action": ["s3:GetObjec?"]}, "Objects allows s3:GetObjec?"),
        ({"Action": ["iam:PassRole"]}, "Objects allows iam:PassRole"),
        ({"Action": ["IAM:PassRole"]}, "Objects allows IAM:PassRole"),
        ({"Action": ["ec2:DescribeVpcs"]}, "Objects allows ec2:DescribeVpcs"),
        ({"Action": ["glue:CreateTable"]}, "Objects allows glue:CreateTable"),
        ({"Action": ["glue:BatchDeletePartition"]}, "Objects allows glue:BatchDeletePartition"),
        ({"Action": ["glue:GetTables"]}, None),
        ({"Resource": ["*"]}, "Objects allows it on *"),
        ({"Resource": ["arn:aws:s3:::*"]}, "Objects allows it on arn:aws:s3:::*"),
        ({"Resource": ["arn:aws:s3:::lake*"]}, "Objects allows it on arn:aws:s3:::lake*"),
        ({"Resource": ["arn:aws:s3:::*/one"]}, "Objects allows it on arn:aws:s3:::*/one"),
        ({"Resource": ["arn:aws:s3:::lake/a*"]}, None),
        ({"Resource": []}, "Objects names no resource"),
        ({"Resource": ["arn:aws:kms:eu-central-1:123456789012:key/*"]}, "Objects allows it on every key (arn"),
        ({"NotAction": ["s3:PutObject"]}, "Objects allows all but some (NotAction)"),
        ({"NotResource": ["arn:aws:s3:::lake/*"]}, "Objects allows all but some (NotResource)"),
        ({"Principal": "*"}, "Objects lets everybody in"),
        ({"Principal": {"AWS": ["*"]}}, "Objects lets everybody in"),
        ({"Principal": {"Service": ["s3.amazonaws.com"]}}, "Objects lets a service in for any account"),
        ({"Effect": "Deny", "Action": ["s3:*"], "Resource": ["*"], "Principal": "*"}, None),
    ],
)
def test_the_linter_sees(change: dict[str, Any], problem: str | None) -> None:
    policy = storage_access(["lake"], KEY, ROLE)
    policy["Statement"][0] |= change
    found = find_violations(policy)
    assert found == [] if problem is None else len(found) == 1 and found[0].startswith(problem), found


@pytest.mark.parametrize("operator", ["StringEqualsIfExists", "ForAllValues:StringEquals", "StringNotEquals"])
def test_a_condition_that_a_missing_key_satisfies_demands_nothing(operator: str) -> None:
    trust, access = storage_trust("external", ROLE), storage_access(["lake"], KEY, ROLE)
    trust["Statement"][0]["Condition"] = {operator: {"sts:ExternalId": ["external"]}}
    assert find_violations(trust) == ["UnityCatalogWithExternalId can be assumed without an External ID"]
    (key,) = [one for one in access["Statement"] if one["Sid"] == "Key"]
    key["Condition"] = {operator: key["Condition"].popitem()[1]}
    assert len(find_violations(access)) == 1


def test_a_policy_that_allows_too_much_is_never_made() -> None:
    with pytest.raises(UnsafePolicy, match=r"Objects allows it on arn:aws:s3:::\*/\*"):
        storage_access(["*"], KEY, ROLE)


def test_trust_demands_the_external_id_of_unity_catalog_and_of_the_role_itself() -> None:
    (statement,) = storage_trust("external", ROLE)["Statement"]
    assert statement["Principal"] == {"AWS": sorted([UNITY_CATALOG_ROLE, ROLE])}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": ["external"]}}


def test_a_bucket_refuses_plain_http_and_unnamed_principals() -> None:
    tls, named = bucket_access("lake", [ROLE, "arn:aws:iam::123456789012:role/admin"])["Statement"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": ["false"]}}
    assert named["Condition"]["ArnNotLike"]["aws:PrincipalArn"][-1] == ROLE
    for statement in (tls, named):
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] == "*"
        assert statement["Resource"] == ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]


ADMIN, LANDING = "arn:aws:iam::123456789012:role/admin", "landing"
TLS, PLAIN = {"aws:securetransport": "true"}, {"aws:securetransport": "false"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"Action": ["ec2:*"]}, "allows ec2:*"),
        ({"Action": ["ec2:Terminate*"]}, "allows ec2:Terminate*"),
        ({"Action": ["iam:PassRole"]}, "allows iam:PassRole"),
        ({"Action": ["ec2:StopInstances"], "Condition": {}}, "allows ec2:StopInstances on what has no tag"),
        ({"Action": ["ec2:RunInstances"], "Condition": {}}, "allows ec2:RunInstances on what has no tag"),
        ({"Condition": {"StringEqualsIfExists": {"ec2:ResourceTag/Vendor": "x"}}}, "allows ec2:TerminateInstances on"),
        ({"Resource": ["*"]}, "allows ec2:TerminateInstances on *"),
        ({"Resource": ["arn:aws:ec2:*:123456789012:instance/*"]}, "allows ec2:TerminateInstances on arn:aws:ec2:*"),
        ({"Resource": []}, "names no resource"),
        ({"NotResource": ["x"]}, "allows all but some (NotResource)"),
        ({"Action": ["ec2:DescribeVpcs"], "Resource": ["*"], "Condition": {}}, None),
        ({"Action": ["ec2:CreateFleet"], "Condition": {}}, None),
        ({"Action": ["ec2:RunInstances"], "Resource": ["arn:aws:ec2:eu-central-1::image/*"], "Condition": {}}, None),
    ],
)
def test_the_linter_sees_what_launches_too_much(change: dict[str, Any], problem: str | None) -> None:
    policy = compute_access(Network("eu-central-1", "123456789012", "vpc-1", "sg-1"))
    (statement,) = [one for one in policy["Statement"] if one["Action"] == ["ec2:DeleteVolume"]]
    statement |= {"Action": ["ec2:TerminateInstances"], **change}
    found = find_violations(policy, launches=True)
    assert found == [] if problem is None else found and found[0].startswith(f"Volumes {problem}"), found


def test_nobody_else_may_launch_anything() -> None:
    policy = compute_access(Network("eu-central-1", "123456789012", "vpc-1", "sg-1"))
    assert len(find_violations(policy)) > 40
    with pytest.raises(UnsafePolicy, match="Reads allows ec2:DescribeAvailabilityZones"):
        make_document(*policy["Statement"])


@pytest.mark.parametrize(
    ("principal", "context", "denied_by"),
    [
        (ROLE, TLS, None),
        (ADMIN, TLS, None),
        (ROLE, PLAIN, "TlsOnly"),
        ("arn:aws:iam::123456789012:role/storage-2", TLS, "NamedPrincipalsOnly"),
        ("arn:aws:iam::999999999999:role/storage", TLS, "NamedPrincipalsOnly"),
    ],
)
@pytest.mark.parametrize("place", ["arn:aws:s3:::lake", "arn:aws:s3:::lake/a/b.json"])
def test_whom_a_bucket_lets_in(principal: str, context: dict[str, str], denied_by: str | None, place: str) -> None:
    request = Request("s3:GetObject", place, principal, {**context, "aws:principalarn": principal})
    decision = evaluate(bucket_access("lake", [ROLE, ADMIN]), request, "the policy")
    assert decision.denied_explicitly == (denied_by is not None)
    assert denied_by is None or denied_by in decision.reason


@pytest.mark.parametrize(
    ("bucket", "account", "allowed"),
    [("landing", "123456789012", True), ("other", "123456789012", False), ("landing", "999999999999", False)],
)
def test_who_may_send_to_the_queue(bucket: str, account: str, allowed: bool) -> None:
    queue = "arn:aws:sqs:eu-central-1:123456789012:events"
    context = {"aws:sourcearn": f"arn:aws:s3:::{bucket}", "aws:sourceaccount": account}
    request = Request("sqs:SendMessage", queue, "s3.amazonaws.com", context)
    assert evaluate(queue_access(queue, LANDING, "123456789012"), request, "the policy").allowed == allowed


@pytest.mark.parametrize(("alias", "allowed"), [("alias/lake", True), ("alias/other", False), (None, False)])
def test_which_key_the_role_may_use(alias: str | None, allowed: bool) -> None:
    context = {"kms:resourcealiases": alias} if alias else {}
    request = Request("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/1", ROLE, context)
    assert evaluate(storage_access(["lake"], KEY, ROLE), request, "the policy").allowed == allowed


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_every_bucket_lets_in_the_role_and_those_who_keep_it(target: Any) -> None:
    for resource in (one for one in RESOURCES if one.type_name == "s3_bucket"):
        named = resource.desired(target)["policy"]["Statement"][1]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert target.iam_role_arn("storage") in named
        for role in ("admin", "deployer", "pipeline"):
            assert any(arn.endswith(f"/lakehouse-{role}") for arn in named), "break-glass, deployer, queue reader"
        assert len(named) == 4


DOCUMENTS = [
    storage_trust("external", ROLE),
    storage_access(["lake", "landing"], KEY, ROLE),
    bucket_access("lake", [ROLE, "arn:aws:iam::123456789012:role/admin"]),
    queue_access("arn:aws:sqs:eu-central-1:123456789012:events", "landing", "123456789012"),
]


def rewrite_as_aws_may(value: Any, dice: random.Random) -> Any:
    """Lists of one as their element, lists in another order, documents as text."""
    if isinstance(value, Mapping):
        return {key: rewrite_as_aws_may(inner, dice) for key, inner in value.items()}
    if not isinstance(value, list):
        return value
    items = [rewrite_as_aws_may(inner, dice) for inner in value]
    if all(isinstance(item, str) for item in items):
        dice.shuffle(items)
    return items[0] if len(items) == 1 and dice.random() < 0.7 else items


@given(st.sampled_from(DOCUMENTS), st.randoms(use_true_random=False), st.booleans())
def test_whatever_aws_makes_of_it_reads_the_same(document: dict[str, Any], dice: random.Random, as_text: bool) -> None:
    stored = rewrite_as_aws_may(document, dice)
    assert normalize_policy(json.dumps(stored) if as_text else stored) == document


@pytest.mark.parametrize("everybody", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_everybody_is_written_in_one_way(everybody: Any) -> None:
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": everybody, "Action": "s3:*"}}
    assert normalize_policy(document)["Statement"][0]["Principal"] == "*"
