"""Does a statement speak of a request? Principal, action, resource and conditions must all match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_workspace.iam.conditions import conditions_hold
from local_workspace.iam.patterns import Context, as_list, matches_pattern

Statement = Mapping[str, Any]
_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?")


@dataclass(frozen=True)
class Request:
    """What is asked of AWS: `context` maps lower-case condition keys to their values.

    `principal` is the ARN of a user or role, or the name of an AWS service; `session` the ARN of a role's session.
    `resource_account` is given when the resource is of another account than the principal.
    """

    action: str
    resource: str
    principal: str = ""
    context: Context = field(default_factory=dict)
    session: str = ""
    resource_account: str = ""

    @property
    def account(self) -> str:
        """The principal's account; empty for a service."""
        found = re.search(r"::(\d{12}):", self.principal)
        return found.group(1) if found else ""


def applies(statement: Statement, request: Request) -> bool:
    """Say whether principal, action, resource and conditions of the statement all match.

    Raises:
        UndecidableCondition: a condition cannot be decided.
    """
    return (
        _matches_principal(statement, request)
        and _matches_field(statement, "Action", request.action, request.context, ignore_case=True)
        and _matches_field(statement, "Resource", request.resource, request.context, ignore_case=False)
        and conditions_hold(statement.get("Condition", {}), request.context)
    )


def names_account_only(statement: Statement, request: Request) -> bool:
    """Say whether a statement lets in the principal's account: then its own policies must allow as well."""
    names = list(_list_principals(statement.get("Principal", "*")))
    return not any(_is_principal(name, request) and not _ACCOUNT.fullmatch(name) for name in names)


def names_whoever_signs(statement: Statement, request: Request) -> bool:
    """Say whether a statement names the user or the session itself, which no boundary or session policy narrows."""
    signer = request.session or (request.principal if ":user/" in request.principal else "")
    return bool(signer) and signer in _list_principals(statement.get("Principal", "*"))


def _matches_principal(statement: Statement, request: Request) -> bool:
    if "NotPrincipal" in statement:
        return not any(_is_principal(name, request) for name in _list_principals(statement["NotPrincipal"]))
    if "Principal" in statement:
        return any(_is_principal(name, request) for name in _list_principals(statement["Principal"]))
    return True


def _list_principals(element: Any) -> Iterator[str]:
    for value in element.values() if isinstance(element, Mapping) else [element]:
        yield from as_list(value)


def _is_principal(name: str, request: Request) -> bool:
    if name in ("*", request.principal) or (request.session and name == request.session):
        return True
    account = _ACCOUNT.fullmatch(name)
    return account is not None and account.group(1) == request.account


def _matches_field(statement: Statement, name: str, value: str, context: Context, ignore_case: bool) -> bool:
    def matches(patterns: Any) -> bool:
        return any(matches_pattern(pattern, value, context, ignore_case) for pattern in as_list(patterns))

    if f"Not{name}" in statement:
        return not matches(statement[f"Not{name}"])
    return name not in statement or matches(statement[name])
