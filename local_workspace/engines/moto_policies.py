"""Policies as moto enforces them on each request: read by the evaluator that the gateway decides by.

Runs inside the moto process only. moto's own takes a resource for a regular expression, so keys for `out.ide` opened
`outside` and keys for `a|b` opened the bucket; and it takes a condition that it does not know for fulfilled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.iam.models import Policy

from local_workspace.iam.evaluation import evaluate
from local_workspace.iam.request_keys import Context
from local_workspace.iam.statements import Request

_asked: ContextVar[Context] = ContextVar("asked")
# Here nothing is asked over HTTPS and on AWS everything, so a policy that demands HTTPS would shut everybody out.
_ALWAYS: Context = {
    "aws:securetransport": "true",
    "aws:viaawsservice": "false",
    **dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast")),
}


@contextmanager
def asked_with(context: Context) -> Iterator[None]:
    """Let policies see these condition keys while a request is decided."""
    token = _asked.set(context)
    try:
        yield
    finally:
        _asked.reset(token)


class StoredPolicy:
    """A policy as moto stores it: a text, a managed policy with versions, or an inline one by its document."""

    def __init__(self, policy: Any) -> None:
        if isinstance(policy, Policy):
            text = next(version.document for version in policy.versions if version.is_default)
        else:
            text = policy if isinstance(policy, str) else policy["policy_document"]
        self._document = _parse(text)

    def is_action_permitted(
        self,
        action: str,
        resource: str = "*",
        principal: str | None = None,
        incoming_condition_values: Mapping[str, str] | None = None,
    ) -> PermissionResult:
        """Decide by this policy alone; `incoming_condition_values` are condition keys that the call brings along."""
        given = {key.lower(): value for key, value in (incoming_condition_values or {}).items()}
        request = Request(action, resource, principal or "", {**_ALWAYS, **_asked.get({}), **given})
        decision = evaluate(self._document, request, "the policy")
        if decision.allowed:
            return PermissionResult.PERMITTED
        return PermissionResult.DENIED if decision.denied_explicitly else PermissionResult.NEUTRAL


@lru_cache(4096)
def _parse(text: str) -> Mapping[str, Any]:
    return dict(json.loads(text))
