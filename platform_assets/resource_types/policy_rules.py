"""What no generated policy may allow. Every document passes here as it is made, so none can reach an account.

Denies may be as wide as they like. https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from platform_assets.resource_types.model import InvalidDeclaration

_NEVER = ("iam:", "ec2:")
_COMPUTE_READS = re.compile(r"ec2:(Describe|Get)\w+")
_IN_ONE_REGION = re.compile(r"arn:aws:ec2:[a-z0-9-]+:\d*:.+")
_BINDING = ("aws:RequestTag/Vendor", "ec2:ResourceTag/Vendor", "ec2:Vpc")
# What RunInstances takes beside instances, volumes and their place in the network.
_TEMPLATES = re.compile(r".*:(capacity-reservation|image|key-pair|launch-template|placement-group|snapshot)/.*")
# Changes that come before there is anything with a tag, or that make the tag.
BEFORE_TAGS = (
    *("ec2:AssignPrivateIpAddresses", "ec2:CancelSpotInstanceRequests", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"),
    *("ec2:CreateLaunchTemplateVersion", "ec2:CreateTags", "ec2:DeleteFleets", "ec2:DeleteLaunchTemplate"),
    *("ec2:DeleteLaunchTemplateVersions", "ec2:DeleteTags", "ec2:ModifyFleet", "ec2:ModifyLaunchTemplate"),
    "ec2:RequestSpotInstances",
)
_GLUE_READS = re.compile(r"glue:(Get|BatchGet|List|Search)\w*")
_EVERY_KEY = re.compile(r"arn:aws:kms:[^:]*:[^:]*:key/\*")
_EVERY_BUCKET = re.compile(r"\*|arn:aws:s3:::[^/]*\*.*")

Statement = Mapping[str, Any]


class UnsafePolicy(InvalidDeclaration):
    """A policy allows more than any may; the message names statement and element."""


def require_least_privilege(document: Mapping[str, Any], launches: bool = False) -> None:
    """Refuse a document that allows too much; one that `launches` compute may have statements about EC2.

    Raises:
        UnsafePolicy: with all that is wrong.
    """
    if problems := find_violations(document, launches):
        raise UnsafePolicy(f"The policy allows too much: {'; '.join(problems)}")


def find_violations(document: Mapping[str, Any], launches: bool = False) -> list[str]:
    """Return a sentence for each element of the normalised document that allows too much."""
    allowing = [one for one in document["Statement"] if one["Effect"] != "Deny"]
    checked = [(one, _COMPUTE_RULES if launches and _is_of_compute(one) else _RULES) for one in allowing]
    return [f"{one.get('Sid', '?')} {problem}" for one, rules in checked for rule in rules for problem in rule(one)]


def _forbid_actions(statement: Statement) -> Iterator[str]:
    for action in statement.get("Action", ()):
        name = action.lower()
        writes_glue = name.startswith("glue:") and not _GLUE_READS.fullmatch(action)
        if "*" in name or "?" in name or name.startswith(_NEVER) or writes_glue:
            yield f"allows {action}"


def _forbid_resources(statement: Statement) -> Iterator[str]:
    resources = statement.get("Resource", ())
    for resource in resources:
        if _EVERY_BUCKET.fullmatch(resource):
            yield f"allows it on {resource}"
        if _EVERY_KEY.fullmatch(resource) and not _has_condition(statement, "kms:ResourceAliases"):
            yield f"allows it on every key ({resource})"
    if not resources and "Principal" not in statement:
        yield "names no resource"


def _forbid_exceptions(statement: Statement) -> Iterator[str]:
    yield from (f"allows all but some ({name})" for name in statement if name.startswith("Not"))


def _forbid_principals(statement: Statement) -> Iterator[str]:
    principal = statement.get("Principal", {})
    if principal == "*" or "*" in principal.get("AWS", ()):
        yield "lets everybody in"
    elif "Service" in principal and not _has_condition(statement, "aws:SourceAccount"):
        yield "lets a service in for any account (no aws:SourceAccount)"
    elif "AWS" in principal and "sts:AssumeRole" in statement.get("Action", ()):
        yield from () if _has_condition(statement, "sts:ExternalId") else ["can be assumed without an External ID"]


def _is_of_compute(statement: Statement) -> bool:
    return all(action.startswith("ec2:") for action in statement.get("Action", ()))


def _bind_compute(statement: Statement) -> Iterator[str]:
    """Reads may be of everything. Changes are of one region, and of our tag or VPC but for what comes before both."""
    resources = statement.get("Resource", ())
    changes = [one for one in statement.get("Action", ()) if not _COMPUTE_READS.fullmatch(one)]
    for action in changes:
        if "*" in action or "?" in action:
            yield f"allows {action}"
        elif not _is_bound(statement, action):
            yield f"allows {action} on what has no tag and is in no VPC of ours"
    for resource in resources:
        if changes and not _IN_ONE_REGION.fullmatch(resource):
            yield f"allows {changes[0]} on {resource}"
    if not resources:
        yield "names no resource"


def _is_bound(statement: Statement, action: str) -> bool:
    if action in BEFORE_TAGS or any(_has_condition(statement, key) for key in _BINDING):
        return True
    return action == "ec2:RunInstances" and all(_TEMPLATES.fullmatch(one) for one in statement.get("Resource", ()))


def _has_condition(statement: Statement, key: str) -> bool:
    """A condition that must hold: a missing key satisfies IfExists, ForAllValues and negations."""
    return any(
        key in pairs
        for operator, pairs in statement.get("Condition", {}).items()
        if not operator.endswith("IfExists") and not operator.startswith("ForAllValues") and "Not" not in operator
    )


_RULES: tuple[Callable[[Statement], Iterator[str]], ...] = (
    _forbid_actions,
    _forbid_resources,
    _forbid_exceptions,
    _forbid_principals,
)
_COMPUTE_RULES = (_bind_compute, _forbid_exceptions, _forbid_principals)
