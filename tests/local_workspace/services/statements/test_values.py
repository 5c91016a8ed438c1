"""Texts of values: every digit of every type, nested or not, in slices as well."""

from __future__ import annotations

import base64
import json
import math
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_workspace.services.statements.values import render_column, render_date, render_double, render_timestamp

SCALARS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.decimal128(38, 20): st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(n).scaleb(-20)),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(max_size=5),
    pa.binary(): st.binary(max_size=5),
}


@pytest.fixture(autouse=True)
def _exact_decimals() -> Any:
    """Python's own decimals round to 28 digits by default: the test reads them whole."""
    import decimal

    with decimal.localcontext(decimal.Context(prec=60)):
        yield


def types(depth: int) -> st.SearchStrategy[pa.DataType]:
    leaf = st.sampled_from(list(SCALARS))
    if not depth:
        return leaf
    inner = types(depth - 1)
    fields = st.lists(inner, min_size=1, max_size=3).map(
        lambda kinds: pa.struct([(f"f{index}", kind) for index, kind in enumerate(kinds)])
    )
    return leaf | inner.map(pa.list_) | inner.map(lambda kind: pa.map_(pa.string(), kind)) | fields


def values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_map(kind):
        whole: st.SearchStrategy[Any] = st.dictionaries(st.text(max_size=3), values(kind.item_type), max_size=3).map(
            lambda found: list(found.items())
        )
    elif pa.types.is_list(kind):
        whole = st.lists(values(kind.value_type), max_size=3)
    elif pa.types.is_struct(kind):
        whole = st.fixed_dictionaries({field.name: values(field.type) for field in kind})
    else:
        whole = SCALARS[kind]
    return st.none() | whole


def parse(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str)


def same(kind: pa.DataType, value: Any, read: Any) -> bool:
    """Say whether what was read of the JSON is the value, digit for digit."""
    if value is None or read is None:
        return value is read
    if pa.types.is_map(kind):
        return [key for key, _ in value] == list(read) and all(same(kind.item_type, v, read[k]) for k, v in value)
    if pa.types.is_list(kind):
        return len(value) == len(read) and all(same(kind.value_type, v, r) for v, r in zip(value, read, strict=True))
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        return names == list(read) and all(same(field.type, value[field.name], read[field.name]) for field in kind)
    return same_scalar(kind, value, read)


def same_scalar(kind: pa.DataType, value: Any, read: Any) -> bool:
    if pa.types.is_floating(kind):
        form = "<f" if pa.types.is_float32(kind) else "<d"
        return (math.isnan(value) and read == "NaN") or struct.pack(form, float(read)) == struct.pack(form, value)
    if pa.types.is_decimal(kind):
        return bool(Decimal(read) == value) and "E" not in read
    if pa.types.is_binary(kind):
        return base64.b64decode(read) == value
    if pa.types.is_boolean(kind):
        return read is value
    return bool(read == str(value))


@given(st.data())
def test_nested_values_keep_every_digit(data: st.DataObject) -> None:
    kind = data.draw(types(3))
    drawn = data.draw(st.lists(values(kind), max_size=6))
    start = data.draw(st.integers(0, len(drawn)))
    array = pa.array(drawn, kind).slice(start)
    for value, text in zip(drawn[start:], render_column(array), strict=True):
        if text is None:
            assert value is None
        else:
            is_json = pa.types.is_nested(kind)
            plain = text if not pa.types.is_boolean(kind) else text == "true"
            assert same(kind, value, parse(text) if is_json else plain), (kind, value, text)


@given(st.integers(-(2**62), 2**62))
def test_times_of_every_year_keep_their_microseconds(micros: int) -> None:
    day, _, clock = render_timestamp(micros).partition("T")
    year, month, of_month = day.rsplit("-", 2)
    hours, minutes, seconds = clock.split(":")
    days = days_from_civil(int(year), int(month), int(of_month))
    whole = ((days * 24 + int(hours)) * 60 + int(minutes)) * 60
    assert Decimal(whole) + Decimal(seconds) == Decimal(micros) / 1_000_000


def days_from_civil(year: int, month: int, day: int) -> int:
    """Count the days from 1970-01-01 in the calendar that goes on for ever."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "1970-01-01"), (-719528, "0000-01-01"), (-719529, "-0001-12-31"), (2932897, "+10000-01-01")],
)
def test_dates_of_any_year(days: int, text: str) -> None:
    assert render_date(days) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1.0, "1.0"), (0.1, "0.1"), (1e7, "1.0E7"), (123456.5, "123456.5"), (-2.5e-4, "-2.5E-4")),
        *((0.0, "0.0"), (1e10, "1.0E10"), (0.001, "0.001"), (float("nan"), "NaN"), (float("-inf"), "-Infinity")),
    ],
)
def test_doubles_read_as_in_spark(value: float, text: str) -> None:
    assert render_double(value) == text


def test_bytes_that_are_no_text_have_a_text() -> None:
    texts = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    assert render_column(texts) == ["a\ufffd"]
    assert render_column(pa.ListArray.from_arrays([0, 1], texts)) == ['["a\ufffd"]']


def test_intervals_and_times() -> None:
    assert render_column(pa.array([-90_061_000_001, None], pa.duration("us"))) == ["-1 01:01:01.000001000", None]
    assert render_column(pa.array([45_296_000_001_000], pa.time64("ns"))) == ["12:34:56.000001"]
