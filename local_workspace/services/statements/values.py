"""Texts of Arrow values, with every digit: a column's texts, and the JSON of what is nested.

Nothing passes through a Python date, time or float that holds less than Spark's value does. Pure.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

Render = Callable[[Any], str]
Kind = Callable[[pa.DataType], bool]

DAYS_TO_2000 = 10_957
DAYS_OF_400_YEARS = 146_097  # after which the calendar repeats itself
MICROS = 1_000_000
DAY_SECONDS = 86_400
LAST_FOUR_DIGIT_YEAR = 9999


def render_column(array: pa.Array) -> list[str | None]:
    """Return the text of each value, None for NULL; arrays, maps and structs as compact JSON."""
    if pa.types.is_nested(array.type):
        valid = array.is_valid().to_pylist()
        return [text if is_valid else None for text, is_valid in zip(_fragments(array), valid, strict=True)]
    return _scalars(array)


def render_double(value: float) -> str:
    """Write a double as Spark does (Java's notation): 1.0, 1.0E10, NaN, Infinity."""
    return _java_notation(value, repr(float(value)))


def _render_float(value: float) -> str:
    return _java_notation(value, str(np.float32(value)))


def render_date(days: int) -> str:
    """Write days since 1970-01-01 as ISO 8601; years past 9999 carry their sign."""
    cycle, rest = divmod(days - DAYS_TO_2000, DAYS_OF_400_YEARS)
    day = date(2000, 1, 1) + timedelta(days=rest)
    year = day.year + 400 * cycle
    sign = "+" if year > LAST_FOUR_DIGIT_YEAR else "-" if year < 0 else ""
    return f"{sign}{abs(year):04}-{day.month:02}-{day.day:02}"


def render_timestamp(micros: int) -> str:
    """Write microseconds since 1970-01-01 as ISO 8601 with three digits of the second, or six where it needs them."""
    seconds, fraction = divmod(micros, MICROS)
    days, rest = divmod(seconds, DAY_SECONDS)
    digits = f"{fraction:06}" if fraction % 1000 else f"{fraction // 1000:03}"
    return f"{render_date(days)}T{_clock(rest)}.{digits}"


def _render_interval(micros: int) -> str:
    seconds, fraction = divmod(abs(micros), MICROS)
    days, rest = divmod(seconds, DAY_SECONDS)
    return f"{'-' if micros < 0 else ''}{days} {_clock(rest)}.{fraction * 1000:09}"


def _render_time(nanos: int) -> str:
    seconds, fraction = divmod(nanos, 1000 * MICROS)
    digits = f"{fraction:09}".rstrip("0")
    return f"{_clock(seconds)}.{digits}" if digits else _clock(seconds)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _java_notation(value: float, shortest: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    digits = Decimal(shortest)
    if value == 0 or Decimal("0.001") <= abs(digits) < Decimal(10_000_000):
        text = format(digits, "f")
        return text if "." in text else f"{text}.0"
    sign, figures, _ = digits.normalize().as_tuple()
    mantissa = f"{figures[0]}." + ("".join(map(str, figures[1:])) or "0")
    return f"{'-' if sign else ''}{mantissa}E{digits.adjusted()}"


def _decode(value: bytes) -> str:
    """Read UTF-8; a STRING may hold other bytes, which become U+FFFD as in Java."""
    return value.decode("utf-8", "replace")


def _plus_zone(array: pa.Array) -> Render:
    return (lambda micros: f"{render_timestamp(micros)}Z") if array.type.tz else render_timestamp


# How to read a kind of column and to write its values. `storage`: the type that holds them whole.
_SCALARS: list[tuple[Kind, pa.DataType | None, Callable[[pa.Array], Render]]] = [
    (pa.types.is_boolean, None, lambda _: lambda value: "true" if value else "false"),
    (pa.types.is_float32, None, lambda _: _render_float),
    (pa.types.is_float64, None, lambda _: render_double),
    (pa.types.is_decimal, None, lambda _: lambda value: format(value, "f")),
    (pa.types.is_string, pa.binary(), lambda _: _decode),
    (pa.types.is_large_string, pa.large_binary(), lambda _: _decode),
    (pa.types.is_date32, pa.int32(), lambda _: render_date),
    (pa.types.is_timestamp, pa.int64(), _plus_zone),
    (pa.types.is_duration, pa.int64(), lambda _: _render_interval),
    (pa.types.is_time64, pa.int64(), lambda _: _render_time),
    (pa.types.is_binary, None, lambda _: lambda value: base64.b64encode(value).decode()),
]


def _scalars(array: pa.Array) -> list[str | None]:
    for is_kind, storage, renderer in _SCALARS:
        if is_kind(array.type):
            render = renderer(array)
            values = (array.cast(storage) if storage is not None else array).to_pylist()
            return [None if value is None else render(value) for value in values]
    return [None if value is None else str(value) for value in array.to_pylist()]


def _fragments(array: pa.Array) -> list[str]:
    """Return the JSON of each value."""
    kind = array.type
    if pa.types.is_map(kind):
        whole = _maps(array)
    elif pa.types.is_struct(kind):
        whole = _structs(array)
    elif pa.types.is_nested(kind):
        whole = _lists(array)
    else:
        return _scalar_fragments(array)
    valid = array.is_valid().to_pylist()
    return [text if is_valid else "null" for text, is_valid in zip(whole, valid, strict=True)]


def _scalar_fragments(array: pa.Array) -> list[str]:
    kind, texts = array.type, _scalars(array)
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return ["null" if text is None else text for text in texts]
    if pa.types.is_floating(kind):  # JSON has no word for what is not a number
        return ["null" if text is None else text if text[-1].isdigit() else _quote(text) for text in texts]
    return ["null" if text is None else _quote(text) for text in texts]


def _maps(array: pa.Array) -> Iterator[str]:
    keys = array.keys
    names = _fragments(keys) if pa.types.is_nested(keys.type) else [str(text) for text in _scalars(keys)]
    entries = [f"{_quote(name)}:{item}" for name, item in zip(names, _fragments(array.items), strict=True)]
    return (f"{{{','.join(entries[start:end])}}}" for start, end in _spans(array))


def _structs(array: pa.Array) -> Iterator[str]:
    names = [_quote(field.name) for field in array.type]
    columns = [_fragments(array.field(position)) for position in range(len(names))]
    rows = zip(*columns, strict=True) if columns else iter([()] * len(array))
    return ("{" + ",".join(f"{name}:{item}" for name, item in zip(names, row, strict=True)) + "}" for row in rows)


def _lists(array: pa.Array) -> Iterator[str]:
    items = _fragments(array.values)
    return (f"[{','.join(items[start:end])}]" for start, end in _spans(array))


def _spans(array: pa.Array) -> Iterator[tuple[int, int]]:
    return itertools.pairwise(array.offsets.to_pylist())


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
