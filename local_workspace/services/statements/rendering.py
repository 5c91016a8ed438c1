"""Renders Arrow results as the statement API's texts: every value a string or null, nested ones as JSON."""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc

Row = list[str | None]
Render = Callable[[Any], "str | None"]


def read_rows(content: bytes) -> list[Row]:
    """Return the rows of an Arrow stream as strings."""
    table = pa.ipc.open_stream(pa.BufferReader(content)).read_all()
    if table.num_columns == 0:
        return [[] for _ in range(table.num_rows)]
    columns = [_render_column(column) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def to_json(content: bytes) -> bytes:
    """Return the rows as compact JSON, an array of arrays."""
    return json.dumps(read_rows(content), separators=(",", ":"), ensure_ascii=False).encode()


def to_csv(content: bytes, header: bool) -> bytes:
    """Return the rows as RFC 4180 text; NULL is written as null."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(pa.ipc.open_stream(pa.BufferReader(content)).schema.names)
    writer.writerows([["null" if value is None else value for value in row] for row in read_rows(content)])
    return text.getvalue().encode()


def render_double(value: float) -> str:
    """Write a double as Spark does (Java's notation): 1.0, 1.0E10, NaN, Infinity."""
    return _java_notation(value, repr(float(value)))


def _render_column(column: pa.ChunkedArray) -> list[str | None]:
    render = _renderer(column.type)
    return [None if value is None else render(value) for value in column.to_pylist()]


def _renderer(data_type: pa.DataType) -> Render:
    if pa.types.is_float32(data_type):
        return lambda value: _java_notation(value, str(np.float32(value)))
    if pa.types.is_map(data_type):
        return lambda value: _dump({_key(key): _plain(item) for key, item in value})
    if pa.types.is_nested(data_type):
        return lambda value: _dump(_plain(value))
    return _text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return render_double(value)
    if isinstance(value, datetime):
        return _render_timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return _render_interval(value)
    return str(value)


def _plain(value: Any) -> Any:
    """Return a nested value as what JSON can hold; maps arrive from Arrow as lists of pairs."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else render_double(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(item, tuple) for item in value):
            return {_key(key): _plain(item) for key, item in value}
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return float(value)
    return _text(value)


def _key(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _render_timestamp(value: datetime) -> str:
    precision = "microseconds" if value.microsecond % 1000 else "milliseconds"
    text = value.replace(tzinfo=None).isoformat(timespec=precision)
    return f"{text}Z" if value.tzinfo else text


def _render_interval(value: timedelta) -> str:
    sign = "-" if value < timedelta(0) else ""
    whole = abs(value)
    hours, rest = divmod(whole.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{sign}{whole.days} {hours:02}:{minutes:02}:{seconds:02}.{whole.microseconds * 1000:09}"


def _java_notation(value: float, shortest: str) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    digits = Decimal(shortest)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = format(digits, "f")
        return text if "." in text else f"{text}.0"
    sign, figures, _ = digits.normalize().as_tuple()
    mantissa = f"{figures[0]}." + ("".join(map(str, figures[1:])) or "0")
    return f"{'-' if sign else ''}{mantissa}E{digits.adjusted()}"
