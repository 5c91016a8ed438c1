"""Deciding a request by all policies that have a say.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_workspace.iam.patterns import as_list
from local_workspace.iam.request_keys import UndecidableCondition, UnknownOperator
from local_workspace.iam.statements import Request, Statement, applies, names_account_only, names_whoever_signs

Named = tuple[str, Mapping[str, Any]]  # what a policy is called in reasons, and its document


@dataclass(frozen=True)
class Decision:
    """`allowed` with the statement that decided; `reason` is a sentence for people."""

    allowed: bool
    reason: str
    denied_explicitly: bool = False


@dataclass(frozen=True)
class Policies:
    """The policies of one decision. Boundaries, session and organization policies narrow when there are any.

    `resource_must_allow`: the resource's policy is needed even within an account, as with KMS keys and roles.
    """

    identity: Sequence[Named] = ()
    resource: Named | None = None
    session: Sequence[Named] = ()
    boundary: Named | None = None
    organization: Sequence[Named] = ()
    resource_must_allow: bool = False

    def __iter__(self) -> Iterator[Named]:
        """All of them."""
        single = [policy for policy in (self.resource, self.boundary) if policy is not None]
        return iter([*self.organization, *self.identity, *self.session, *single])


def evaluate(policy: Mapping[str, Any], request: Request, what: str) -> Decision:
    """Decide the request by one policy; `what` names the policy in the reason."""
    allowing: str | None = None
    undecided: dict[str, Decision] = {}  # by effect
    for name, statement in _list_statements(policy):
        effect = str(statement.get("Effect"))
        try:
            if not applies(statement, request, _has_variables(policy)):
                continue
        except UndecidableCondition as error:
            effect = "Deny" if isinstance(error, UnknownOperator) else effect
            undecided[effect] = Decision(False, f"statement {name} of {what} cannot be decided: {error}", True)
            continue
        if effect == "Deny":
            return Decision(False, f"statement {name} of {what} denies {request.action} on {request.resource}", True)
        allowing = allowing or name
    if "Deny" in undecided or (undecided and allowing is None):
        return undecided.get("Deny") or next(iter(undecided.values()))
    if allowing is None:
        return Decision(False, f"no statement of {what} allows {request.action} on {request.resource}")
    return Decision(True, f"statement {allowing} of {what} allows it")


def decide(policies: Policies, request: Request) -> Decision:
    """Decide the request as AWS does: an explicit deny wins, then what narrows must allow, then somebody must."""
    for what, policy in policies:
        decision = evaluate(policy, request, what)
        if decision.denied_explicitly:
            return decision
    for what, policy in policies.organization:
        if not (decision := evaluate(policy, request, what)).allowed:
            return decision
    given = _decide_given(policies, request)
    if not given.allowed or _is_final(policies, request):
        return given
    narrowing = [policies.session, [policies.boundary] if policies.boundary else []]
    for kind in narrowing:
        decisions = [evaluate(policy, request, what) for what, policy in kind]
        if decisions and not any(decision.allowed for decision in decisions):
            return decisions[0]
    return given


def _decide_given(policies: Policies, request: Request) -> Decision:
    """What identity and resource policies give: one of them within an account, both across accounts."""
    identity = [evaluate(policy, request, what) for what, policy in policies.identity]
    own = next((decision for decision in identity if decision.allowed), None)
    nothing = Decision(False, f"no policy of {request.principal} allows {request.action} on {request.resource}")
    if policies.resource is None:
        return own or nothing if not (policies.resource_must_allow or _crosses(request)) else nothing
    what, policy = policies.resource
    resource = evaluate(policy, request, what)
    if _crosses(request) or (policies.resource_must_allow and _delegates(policy, request)):
        return resource if not resource.allowed else own or nothing
    if policies.resource_must_allow:
        return resource
    return own or (resource if resource.allowed and not _delegates(policy, request) else nothing)


def _crosses(request: Request) -> bool:
    return bool(request.resource_account) and request.resource_account != request.account


def _delegates(policy: Mapping[str, Any], request: Request) -> bool:
    return all(names_account_only(statement, request) for statement in _allowing(policy, request))


def _is_final(policies: Policies, request: Request) -> bool:
    if policies.resource is None or _crosses(request):
        return False
    return any(names_whoever_signs(statement, request) for statement in _allowing(policies.resource[1], request))


def _allowing(policy: Mapping[str, Any], request: Request) -> list[Statement]:
    statements = [statement for _, statement in _list_statements(policy)]
    return [one for one in statements if one.get("Effect") == "Allow" and _surely_applies(policy, one, request)]


def _surely_applies(policy: Mapping[str, Any], statement: Statement, request: Request) -> bool:
    try:
        return applies(statement, request, _has_variables(policy))
    except UndecidableCondition:
        return False


def _has_variables(policy: Mapping[str, Any]) -> bool:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"""
    return policy.get("Version") == "2012-10-17"


def _list_statements(policy: Mapping[str, Any]) -> Iterator[tuple[str, Statement]]:
    for number, statement in enumerate(as_list(policy.get("Statement", []))):
        yield statement.get("Sid") or f"number {number + 1}", statement
