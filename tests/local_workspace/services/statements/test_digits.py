"""What Spark computes comes out of the statements API digit for digit, through Delta and without."""

from __future__ import annotations

import json
import struct
from decimal import Decimal
from typing import Any

import pytest
from databricks.sdk.errors import BadRequest
from databricks.sdk.service.sql import StatementParameterListItem
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch, find_warehouse, run_sql
from tests.local_workspace.services.statements.test_values import days_from_civil

WIDE = f"{NAME}.main.wide"
MICROS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)  # years 1 to 9999
CAST = "CAST('{}' AS {})"

# type -> what its values are; (SQL of a value, what to compare its text with)
LEAVES: dict[str, st.SearchStrategy[tuple[str, Any]]] = {
    **{
        f"DECIMAL(38,{scale})": st.integers(-(10**38) + 1, 10**38 - 1).map(
            lambda n, s=scale: (CAST.format(as_decimal(n, s), f"DECIMAL(38,{s})"), as_decimal(n, s))
        )
        for scale in (0, 9, 38)
    },
    "BIGINT": st.integers(-(2**63), 2**63 - 1).map(lambda n: (CAST.format(n, "BIGINT"), str(n))),
    "DOUBLE": st.floats().map(lambda x: (CAST.format(repr(x), "DOUBLE"), x)),
    "FLOAT": st.floats(width=32).map(lambda x: (CAST.format(repr(x), "FLOAT"), x)),
    "STRING": st.text(max_size=4).map(lambda s: (f"CAST(unhex('{s.encode().hex()}') AS STRING)", s)),
    "TIMESTAMP": MICROS.map(lambda n: (f"timestamp_micros({n})", n)),
    "TIMESTAMP_NTZ": MICROS.map(lambda n: (f"CAST(timestamp_micros({n}) AS TIMESTAMP_NTZ)", n)),
    "DATE": st.integers(-719_162, 2_932_896).map(lambda n: (f"date_from_unix_date({n})", n)),
}


def as_decimal(unscaled: int, scale: int) -> str:
    digits = f"{abs(unscaled):0{scale + 1}}"
    whole = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{whole}" if unscaled < 0 else whole


@st.composite
def columns(draw: st.DrawFn, depth: int = 2) -> tuple[str, Any, Any]:
    """A type, the SQL of a value, and what to compare with: a leaf's (type, value), or lists and dicts of them."""
    form = draw(st.sampled_from(["leaf", "array", "map", "struct"])) if depth else "leaf"
    if form == "struct":
        fields = [draw(columns(depth - 1)) for _ in range(draw(st.integers(1, 3)))]
        kind = ", ".join(f"f{index}: {field[0]}" for index, field in enumerate(fields))
        values = ", ".join(f"'f{index}', {field[1]}" for index, field in enumerate(fields))
        return f"STRUCT<{kind}>", f"named_struct({values})", {f"f{i}": field[2] for i, field in enumerate(fields)}
    kind, sql, value = draw(columns(depth - 1)) if depth else draw_leaf(draw)
    if form == "array":
        return f"ARRAY<{kind}>", f"array({sql}, CAST(NULL AS {kind}))", [value, None]
    if form == "map":
        return f"MAP<STRING, {kind}>", f"map('k', {sql}, 'n', CAST(NULL AS {kind}))", {"k": value, "n": None}
    return kind, sql, value


def draw_leaf(draw: st.DrawFn) -> tuple[str, str, Any]:
    kind = draw(st.sampled_from(sorted(LEAVES)))
    sql, value = draw(LEAVES[kind])
    return kind, sql, (kind, value)


def assert_same(expected: Any, read: Any) -> None:
    if expected is None:
        assert read is None
    elif isinstance(expected, list):
        assert len(read) == len(expected)
        for one, other in zip(expected, read, strict=True):
            assert_same(one, other)
    elif isinstance(expected, dict):
        assert list(read) == list(expected)
        for name, one in expected.items():
            assert_same(one, read[name])
    else:
        assert is_same_leaf(*expected, read), (expected, read)


def is_same_leaf(kind: str, value: Any, read: str) -> bool:
    if kind in ("DOUBLE", "FLOAT"):
        form = "<d" if kind == "DOUBLE" else "<f"
        return (value != value and read == "NaN") or struct.pack(form, float(read)) == struct.pack(form, value)
    if kind.startswith("TIMESTAMP"):
        assert read.endswith("Z") == (kind == "TIMESTAMP")
        return micros_of(read.removesuffix("Z")) == value
    if kind == "DATE":
        return days_of(read) == value
    return bool(read == value)


def days_of(text: str) -> int:
    year, month, day = map(int, text.split("-"))
    return days_from_civil(year, month, day)


def micros_of(text: str) -> int:
    day, _, clock = text.partition("T")
    hours, minutes, seconds = clock.split(":")
    return (days_of(day) * 86_400 + int(hours) * 3600 + int(minutes) * 60) * 1_000_000 + int(
        Decimal(seconds) * 1_000_000
    )


@pytest.mark.parametrize("through", ["delta", "query"])
@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(drawn=st.lists(columns(), min_size=24, max_size=24))
def test_random_values_of_random_types_keep_every_digit(
    workspace: WarmWorkspace, scratch: Scratch, through: str, drawn: list[tuple[str, str, Any]]
) -> None:
    query = "SELECT " + ", ".join(f"{sql} AS c{index}" for index, (_, sql, _) in enumerate(drawn))
    if through == "delta":
        run_sql(workspace, "deployer", f"CREATE OR REPLACE TABLE {WIDE} AS {query}")
        query = f"SELECT * FROM {WIDE}"
    [row] = run_sql(workspace, "deployer", query)
    for (_, _, expected), text in zip(drawn, row, strict=True):
        is_nested = isinstance(expected, (list, dict))
        assert_same(expected, json.loads(text, parse_float=str, parse_int=str) if is_nested else text)


TEXTS = {
    "cast(unhex('61ff') AS STRING)": "a\ufffd",
    "array(cast(unhex('61ff') AS STRING))": '["a\ufffd"]',
    "array(12345678901234567890.123456789BD)": "[12345678901234567890.123456789]",
    "array(0.1f, cast('NaN' AS FLOAT), null)": '[0.1,"NaN",null]',
    "array(1e300D)": "[1.0E300]",
    "map(TIMESTAMP'2020-01-01 00:00:00.000001Z', DATE'9999-12-31')": '{"2020-01-01T00:00:00.000001Z":"9999-12-31"}',
    "DATE'+12345-01-01'": "+12345-01-01",
    "parse_json('{\"a\":12345678901234567890.12345}')": '{"a":12345678901234567890.12345}',
    "array(parse_json('12345678901234567890.12345'), null)": "[12345678901234567890.12345,null]",
    "named_struct('v', parse_json('1'), 't', TIMESTAMP'2020-01-01 00:00:00.000001Z', 'n', null)": (
        '{"v":1,"t":"2020-01-01T00:00:00.000001Z","n":null}'
    ),
    "array(INTERVAL '1-2' YEAR TO MONTH)": "[\"INTERVAL '1-2' YEAR TO MONTH\"]",
    "INTERVAL '1-2' YEAR TO MONTH": "INTERVAL '1-2' YEAR TO MONTH",
    "INTERVAL '1 02:03:04.000005' DAY TO SECOND": "1 02:03:04.000005000",
}


def test_texts_of_what_is_no_plain_value(workspace: WarmWorkspace, scratch: Scratch) -> None:
    assert run_sql(workspace, "analyst", f"SELECT {', '.join(TEXTS)}") == [list(TEXTS.values())]


def test_parameters_keep_their_digits_and_are_texts(workspace: WarmWorkspace, scratch: Scratch) -> None:
    api, digits = workspace.client("analyst").statement_execution, "1234567890123456789.0123456789012345678"
    item = StatementParameterListItem("d", type="DECIMAL(38,19)", value=digits)
    answer = api.execute_statement("SELECT :d", find_warehouse(workspace), parameters=[item], wait_timeout="50s")
    assert answer.result is not None and answer.result.data_array == [[digits]]
    number = {"name": "d", "type": "DECIMAL(38,19)", "value": 1.1}
    body = {"statement": "SELECT :d", "warehouse_id": find_warehouse(workspace), "parameters": [number]}
    with pytest.raises(BadRequest, match="value must be a text"):
        workspace.client("analyst").api_client.do("POST", "/api/2.0/sql/statements", body=body)


@pytest.mark.parametrize("field", ["statement", "catalog", "schema"])
def test_half_a_surrogate_pair_is_no_statement(workspace: WarmWorkspace, scratch: Scratch, field: str) -> None:
    body = {"statement": "SELECT 1", "warehouse_id": find_warehouse(workspace), field: "SELECT '\ud800'"}
    with pytest.raises(BadRequest):
        workspace.client("analyst").api_client.do("POST", "/api/2.0/sql/statements", body=body)
