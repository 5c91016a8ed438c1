"""Does a statement speak of a request? Principal, action, resource and conditions must all match."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from local_workspace.iam.conditions import conditions_hold
from local_workspace.iam.patterns import as_list, matches_pattern
from local_workspace.iam.request_keys import Context, UndecidableCondition, describe_principal

Statement = Mapping[str, Any]
_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?")


@dataclass(frozen=True)
class Request:
    """What is asked of AWS: `context` maps lower-case condition keys to their values, None for what it lacks.

    `principal` is the ARN of a user or role, or the name of an AWS service; `session` the ARN of a role's session.
    `resource_account` is given when the resource is of another account than the principal.
    """

    action: str
    resource: str
    principal: str = ""
    context: Context = field(default_factory=dict)
    session: str = ""
    resource_account: str = ""

    @cached_property
    def keys(self) -> Context:
        """All condition keys that are known: those of the context, and what the principal says by itself."""
        return {**describe_principal(self.principal), **self.context}

    @property
    def account(self) -> str:
        """The principal's account; empty for a service."""
        found = re.search(r"::(\d{12}):", self.principal)
        return found.group(1) if found else ""


def applies(statement: Statement, request: Request, has_variables: bool = True) -> bool:
    """Say whether principal, action, resource and conditions of the statement all match.

    `has_variables` says whether the policy's version knows variables; one that does not takes them for text.

    Raises:
        UndecidableCondition: a condition, a variable or a NotPrincipal cannot be decided.
    """
    return (
        _matches_field(statement, "Action", request.action, None, ignore_case=True)
        and _matches_principal(statement, request)
        and _matches_field(statement, "Resource", request.resource, request.keys if has_variables else None)
        and conditions_hold(statement.get("Condition", {}), request.keys, has_variables)
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
        return not _is_spared(statement, request, set(_list_principals(statement["NotPrincipal"])))
    if "Principal" in statement:
        return any(_is_principal(name, request) for name in _list_principals(statement["Principal"]))
    return True


def _is_spared(statement: Statement, request: Request, names: set[str]) -> bool:
    """Say whether NotPrincipal lists all that the principal is: its account, itself, and its session if it is a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
    """
    if statement.get("Effect") != "Deny":
        raise UndecidableCondition("AWS advises against NotPrincipal with Allow and does not say whom it lets in")
    if "*" in names:
        return True
    if not request.account:
        return request.principal in names
    listed = request.principal in names and any(
        found.group(1) == request.account for name in names if (found := _ACCOUNT.fullmatch(name))
    )
    if not listed or ":role/" not in request.principal:
        return listed
    if request.session:
        return request.session in names
    sessions = f":assumed-role/{request.principal.rsplit('/', 1)[-1]}/"
    if any(sessions in name for name in names):
        raise UndecidableCondition("NotPrincipal names a session of the role, whose sessions' names are not known here")
    return False


def _list_principals(element: Any) -> Iterator[str]:
    for value in element.values() if isinstance(element, Mapping) else [element]:
        yield from as_list(value)


def _is_principal(name: str, request: Request) -> bool:
    if name in ("*", request.principal) or (request.session and name == request.session):
        return True
    account = _ACCOUNT.fullmatch(name)
    return account is not None and account.group(1) == request.account


def _matches_field(
    statement: Statement, name: str, value: str, context: Context | None, ignore_case: bool = False
) -> bool:
    def matches(patterns: Any) -> bool:
        return any(matches_pattern(pattern, value, context, ignore_case) for pattern in as_list(patterns))

    if f"Not{name}" in statement:
        return not matches(statement[f"Not{name}"])
    return name not in statement or matches(statement[name])
