"""A second evaluator, moto's own, where it answers: actions and resources with *, allow and deny, no conditions."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from local_workspace.iam.evaluation import evaluate
from local_workspace.iam.statements import Request

_PARTS = st.lists(st.sampled_from(["a", "b", "/", "-", "x1"]), max_size=4).map("".join)
_PATTERNS = st.lists(st.sampled_from(["a", "b", "/", "-", "x1", "*"]), max_size=4).map("".join)


def one_or_more(prefix: str, alone: str = "*") -> st.SearchStrategy[Any]:
    one = _PATTERNS.map(lambda text: f"{prefix}{text}") | st.just(alone)
    return one | st.lists(one, min_size=1, max_size=3)


STATEMENTS = st.builds(
    lambda effect, kind, action, resource: {"Effect": effect, kind: action, "Resource": resource},
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["Action", "Action", "NotAction"]),
    one_or_more("s3:"),
    one_or_more("arn:aws:s3:::"),
)


@given(st.lists(STATEMENTS, max_size=3), _PARTS, _PARTS)
def test_both_answer_alike(statements: list[dict[str, Any]], action: str, resource: str) -> None:
    policy = {"Version": "2012-10-17", "Statement": statements}
    request = Request(f"s3:{action}", f"arn:aws:s3:::{resource}")
    other = IAMPolicy(json.dumps(policy)).is_action_permitted(request.action, request.resource)
    ours = evaluate(policy, request, "p")
    assert (ours.allowed, ours.denied_explicitly) == {
        PermissionResult.PERMITTED: (True, False),
        PermissionResult.DENIED: (False, True),
        PermissionResult.NEUTRAL: (False, False),
    }[other]
