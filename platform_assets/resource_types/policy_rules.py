"""What no generated policy may allow. Every document passes here as it is made, so none can reach an account.

Denies may be as wide as they like. https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_NEVER = ("iam:", "ec2:")
_GLUE_READS = re.compile(r"glue:(Get|BatchGet|List|Search)\w*")
_EVERY_KEY = re.compile(r"arn:aws:kms:[^:]*:[^:]*:key/\*")
_EVERY_BUCKET = re.compile(r"\*|arn:aws:s3:::[^/]*\*.*")

Statement = Mapping[str, Any]


class UnsafePolicy(Exception):
    """A policy allows more than any may; the message names statement and element."""


def require_least_privilege(document: Mapping[str, Any]) -> None:
    """Refuse a document that allows too much.

    Raises:
        UnsafePolicy: with all that is wrong.
    """
    if problems := find_violations(document):
        raise UnsafePolicy(f"The policy allows too much: {'; '.join(problems)}")


def find_violations(document: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each element of the normalised document that allows too much."""
    allowing = [one for one in document["Statement"] if one["Effect"] != "Deny"]
    return [f"{one.get('Sid', '?')} {problem}" for one in allowing for rule in _RULES for problem in rule(one)]


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
