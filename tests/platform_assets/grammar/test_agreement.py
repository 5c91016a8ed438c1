"""The grammars agree with the local workspace, which has its own, and with themselves."""

from __future__ import annotations

import pytest
from databricks.sdk.service.catalog import Privilege
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.grammar.sql_types import InvalidType, normalize_type, write_type
from local_workspace.services.cluster_policies import definition
from local_workspace.services.jobs.quartz import InvalidSchedule, parse_schedule
from local_workspace.services.unity_catalog import privileges
from platform_assets.grammar import clusters
from platform_assets.grammar.schedules import schedule_problems
from platform_assets.grammar.sql_lexer import Kind, normalize_sql, split_sql
from platform_assets.grammar.unity_catalog import PRIVILEGES

_TOKENS = (
    "*",
    "?",
    "0",
    "5",
    "59",
    "60",
    "7",
    "8",
    "31",
    "32",
    "L",
    "LW",
    "L-3",
    "L-31",
    "15W",
    "6L",
    "6#3",
    "6#6",
    "MON",
)
_SPANS = ("MON", "1-5", "FRI-MON", "*/15", "0/5", "/5", "5/0", "1,2", "1,", "JAN-MAR", "2013", "2013-2012", "1969", "x")
_FIELDS = st.sampled_from((*_TOKENS, *_SPANS)) | st.text("*?/,-#LW0123456789FRI", min_size=1, max_size=5)
_NAMES = st.text("abXY_", min_size=1, max_size=4)
_SIMPLE = st.sampled_from(("INT", "string", "DECIMAL( 10, 2)", "Timestamp_NTZ", "dec", "LONG", "binary"))
TYPES = st.recursive(
    _SIMPLE,
    lambda inner: (
        inner.map("ARRAY< {} >".format)
        | st.builds("map<string , {}>".format, inner)
        | st.dictionaries(_NAMES.map(lambda name: f"f{name}"), inner, min_size=1, max_size=3).map(
            lambda fields: f"struct<{', '.join(f'`{name}`: {type_}' for name, type_ in fields.items())}>"
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", PRIVILEGES)
def test_each_privilege_is_one_of_the_kind_and_of_the_sdk(kind: str) -> None:
    known = privileges.TYPES["table" if kind == "view" else kind].privileges
    assert PRIVILEGES[kind] <= known
    assert kind == "view" or known - PRIVILEGES[kind] <= {"EXTERNAL_USE_SCHEMA"}
    assert {Privilege(one).value for one in PRIVILEGES[kind]} == PRIVILEGES[kind]


def test_limitations_of_clusters_are_the_same() -> None:
    assert (clusters.LIMITATIONS, clusters.ATTRIBUTES, clusters.GROUPS) == (
        definition.TYPES,
        definition.ATTRIBUTES,
        definition.GROUPS,
    )


@given(st.lists(_FIELDS, min_size=5, max_size=7).map(" ".join))
@example("0 0 6 * * ?")
@example("0 0 6 ? * MON-FRI 2013")
@example("0 0 0 L-30W * ?")
def test_a_schedule_is_taken_here_exactly_when_the_local_workspace_takes_it(expression: str) -> None:
    try:
        parse_schedule(expression, "UTC")
        taken = True
    except InvalidSchedule:
        taken = False
    assert taken is not bool(list(schedule_problems(expression, "UTC"))), expression


@given(TYPES)
def test_a_type_has_one_form_that_is_read_back(text: str) -> None:
    try:
        plain = normalize_type(text)
    except InvalidType as error:
        assert "twice" in str(error)  # fields that differ by case alone
        return
    assert normalize_type(plain) == plain == normalize_type(write_type(plain))


@given(st.text("ab'\"`-/*\n\\ {}rR", max_size=30))
def test_pieces_of_sql_are_the_text_and_what_is_quoted_stays(text: str) -> None:
    pieces = list(split_sql(text))
    assert "".join(one.text for one in pieces) == text
    assert all(text[one.start :].startswith(one.text) for one in pieces)
    once = normalize_sql(text)
    assert normalize_sql(once) == once or any(one.kind is not Kind.CODE for one in pieces)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("a 'it''s' b", [Kind.CODE, Kind.TEXT, Kind.TEXT, Kind.CODE]),
        (r"r'C:\' || x", [Kind.TEXT, Kind.CODE]),
        (r"'\'{a}'", [Kind.TEXT]),
        ("/* a /* b */ {c} */ d", [Kind.COMMENT, Kind.CODE]),
        ("/*+ BROADCAST({t}) */ 1", [Kind.CODE]),
        ("`a``{b}`", [Kind.NAME]),
        ("1 -- {todo}\n2", [Kind.CODE, Kind.COMMENT, Kind.CODE]),
        ("'never closed {a}", [Kind.TEXT]),
    ],
)
def test_what_a_piece_is(text: str, kinds: list[Kind]) -> None:
    assert [one.kind for one in split_sql(text)] == kinds
