"""How a change reads: leaves with their path, short, and on one line whatever a comment holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_assets.resource_types.value_diff import explain_values

LONG = tuple(f"s3:Action{number:04}" for number in range(12))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="ascii"), max_size=3), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a", "b", ["x: a -> b"]),
        (None, "b", ["x: b"]),
        ("a", None, ["x: a -> nothing"]),
        ("a", "", ['x: a -> ""']),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": [4]}, ["x.b: 2 -> 3", "x.c: [4]"]),
        ([{"Sid": "S", "n": 1}], [{"Sid": "S", "n": 2}], ["x.S.n: 1 -> 2"]),
        ([{"Sid": "Bad"}], [{"Sid": "Good"}], ['x.Good: {"Sid": "Good"}', 'x.Bad: {"Sid": "Bad"} -> nothing']),
        ({}, {"a": None}, ["x.a: nothing"]),
        (None, {"Sid": "S", "Effect": "Allow", "Action": ["a"]}, ["x.Effect: Allow", 'x.Action: ["a"]']),
        (
            {"Statement": [{"Sid": "S", "Effect": "Deny"}]},
            {"Statement": []},
            ["x.Statement.S.Effect: Deny -> nothing"],
        ),
        (list(LONG), [*LONG[1:], "s3:More"], ["x: add s3:More", "x: remove s3:Action0000"]),
        (None, list(LONG), [f"x: add {', '.join(LONG[:8])}", f"x: add {', '.join(LONG[8:])}"]),
        ([{"Sid": "A"}, {"Sid": "B"}], [{"Sid": "B"}, {"Sid": "A"}], ["x: in another order"]),
        ("a", "b\n- s3_bucket/lake", [r'x: a -> "b\n- s3_bucket/lake"']),
    ],
)
def test_example(before: Any, after: Any, lines: list[str]) -> None:
    assert list(explain_values("x", before, after)) == lines


@given(JSON, JSON)
def test_a_difference_is_always_told_on_short_single_lines(before: Any, after: Any) -> None:
    lines = list(explain_values("x", before, after))
    assert lines
    for line in lines:
        assert len(line) < 500
        assert len(line.partition(": ")[2].splitlines()) <= 1
