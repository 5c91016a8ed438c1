"""A second evaluator, npkt's operators, where it follows AWS: one value of a key against the values of a condition.

Left out, since npkt differs from AWS's documentation: ArnEquals takes no wildcards there, and a * of ArnLike passes
colons. Its patterns know [ ], and its numbers are floats.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from npkt.engine import condition_operators as npkt

from local_workspace.iam.statements import Request, applies

TEXTS = st.lists(st.sampled_from(["a", "B", "b", "/", "-", "x1", " "]), max_size=4).map("".join)
PATTERNS = st.lists(st.sampled_from(["a", "B", "b", "/", "-", "x1", "*", "?"]), max_size=4).map("".join)
NUMBERS = st.integers(-20, 20).map(str) | st.sampled_from(["0.5", "-1.5", "10.0"])
BOOLEANS = st.sampled_from(["true", "false", "True", "FALSE"])
TIMES = st.datetimes().map(lambda time: f"{time:%Y}".zfill(4) + f"{time:-%m-%dT%H:%M:%SZ}")
ADDRESSES = st.ip_addresses(v=4).map(str) | st.sampled_from(["10.0.0.1", "10.0.1.1", "::1", "2001:db8::7"])
NETWORKS = st.sampled_from(["10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.1", "2001:db8::/32", "::/0"])
Operator = Callable[[str | None, list[str]], bool]
TABLE: dict[str, tuple[Operator, st.SearchStrategy[str], st.SearchStrategy[str]]] = {
    "StringEquals": (npkt.string_equals, TEXTS, TEXTS),
    "StringNotEquals": (npkt.string_not_equals, TEXTS, TEXTS),
    "StringEqualsIgnoreCase": (npkt.string_equals_ignore_case, TEXTS, TEXTS),
    "StringNotEqualsIgnoreCase": (npkt.string_not_equals_ignore_case, TEXTS, TEXTS),
    "StringLike": (npkt.string_like, TEXTS, PATTERNS),
    "StringNotLike": (npkt.string_not_like, TEXTS, PATTERNS),
    "NumericEquals": (npkt.numeric_equals, NUMBERS, NUMBERS),
    "NumericNotEquals": (npkt.numeric_not_equals, NUMBERS, NUMBERS),
    "NumericLessThan": (npkt.numeric_less_than, NUMBERS, NUMBERS),
    "NumericLessThanEquals": (npkt.numeric_less_than_equals, NUMBERS, NUMBERS),
    "NumericGreaterThan": (npkt.numeric_greater_than, NUMBERS, NUMBERS),
    "NumericGreaterThanEquals": (npkt.numeric_greater_than_equals, NUMBERS, NUMBERS),
    "DateEquals": (npkt.date_equals, TIMES, TIMES),
    "DateNotEquals": (npkt.date_not_equals, TIMES, TIMES),
    "DateLessThan": (npkt.date_less_than, TIMES, TIMES),
    "DateLessThanEquals": (npkt.date_less_than_equals, TIMES, TIMES),
    "DateGreaterThan": (npkt.date_greater_than, TIMES, TIMES),
    "DateGreaterThanEquals": (npkt.date_greater_than_equals, TIMES, TIMES),
    "IpAddress": (npkt.ip_address_matches, ADDRESSES, NETWORKS),
    "NotIpAddress": (npkt.not_ip_address, ADDRESSES, NETWORKS),
    "Bool": (npkt.bool_equals, BOOLEANS, BOOLEANS),
}


@pytest.mark.parametrize("operator", TABLE)
def test_both_decide_alike(operator: str) -> None:
    theirs, values, wanted = TABLE[operator]

    @settings(deadline=None, max_examples=200)
    @given(values | st.none(), st.lists(wanted, min_size=1, max_size=3))
    def check(value: str | None, expected: list[str]) -> None:
        statement = {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {operator: {"k": expected}}}
        actual = value or None  # an empty value is none
        assert applies(statement, Request("a:b", "r", context={"k": actual})) == theirs(actual, expected)

    check()
