"""Renders Arrow results as the statement API's texts: every value a string or null, nested ones as JSON."""

from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.ipc

from local_workspace.services.statements.values import render_column

Row = list[str | None]


def read_rows(content: bytes) -> list[Row]:
    """Return the rows of an Arrow stream as strings."""
    table = pa.ipc.open_stream(pa.BufferReader(content)).read_all()
    if table.num_columns == 0:
        return [[] for _ in range(table.num_rows)]
    columns = [[text for chunk in column.chunks for text in render_column(chunk)] for column in table.columns]
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
