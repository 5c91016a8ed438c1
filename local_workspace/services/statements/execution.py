"""Runs one statement to its result: governance SQL through the REST services, all other in a Spark session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.store import Document
from local_workspace.services.statements.commands import Command
from local_workspace.services.statements.failures import StatementFailed
from local_workspace.services.statements.governance import run_governance
from local_workspace.services.statements.grammar import to_spark, try_parse
from local_workspace.services.statements.parameters import bind_parameters
from local_workspace.services.statements.requests import EXTERNAL_BYTES, INLINE_BYTES, StatementRequest
from local_workspace.services.statements.results import Limits, ResultStore, ResultTooLarge
from local_workspace.services.statements.schemas import describe_schema, is_text_only
from local_workspace.services.statements.sessions import StatementSession, quote_name, use_defaults

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

    from local_workspace.gateway.workspace import Workspace


# Of Spark's own JSON: nothing is left out, nothing of a second is cut.
JSON_OPTIONS = {
    "ignoreNullFields": "false",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


@dataclass(frozen=True)
class Job:
    """A statement to run: its id, what is asked, who asks."""

    statement_id: str
    request: StatementRequest
    caller: Principal


def run_without_spark(workspace: Workspace, results: ResultStore, job: Job) -> Document | None:
    """Run a governance statement and return its manifest, or None when Spark has to see the statement."""
    command = _parse(job)
    return None if command is None or command.analysis else _govern(workspace, results, job, command)


def _parse(job: Job) -> Command | None:
    return try_parse(job.request.text, job.request.catalog, job.request.schema)


def _govern(workspace: Workspace, results: ResultStore, job: Job, command: Command) -> Document:
    rows = run_governance(workspace, job.caller, command)
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in rows.columns])
    table = pa.table(
        {
            name: pa.array([row[position] for row in rows.rows], pa.string())
            for position, name in enumerate(rows.columns)
        }
    )
    return _write(results, job, schema, table.schema, table.to_batches())


def run_in_spark(workspace: Workspace, session: StatementSession, results: ResultStore, job: Job) -> Document:
    """Run a statement in the session and return its manifest."""
    request = job.request
    use_defaults(session, request.catalog, request.schema)
    if command := _parse(job):
        _ = session.spark.sql(command.analysis).schema  # which analyses it
        return _govern(workspace, results, job, command)
    text = to_spark(bind_parameters(request.text, request.parameters))
    frame: Any = session.spark.sql(text)
    schema = frame.schema
    if request.row_limit is not None:
        frame = frame.limit(request.row_limit + 1)
    batches, arrow_schema = _fetch(session, _render_text_only(frame, schema))
    return _write(results, job, schema, arrow_schema, batches)


def _write(
    results: ResultStore, job: Job, schema: StructType, arrow_schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Document:
    request = job.request
    inline = request.disposition == "INLINE"
    limits = Limits(
        rows=request.row_limit,
        bytes=request.byte_limit or (None if inline else EXTERNAL_BYTES),
        fail_bytes=INLINE_BYTES if inline else None,
    )
    try:
        written = results.write(job.statement_id, batches, arrow_schema, limits)
    except ResultTooLarge:
        message = (
            f"Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at "
            f"most {INLINE_BYTES} bytes. Please execute the statement with disposition=EXTERNAL_LINKS."
        )
        raise StatementFailed("INLINE_BYTE_LIMIT_EXCEEDED", message, "54000") from None
    return {"format": request.format, "schema": describe_schema(schema), **written}


def _render_text_only(frame: Any, schema: StructType) -> Any:
    """Let Spark turn into text what Arrow cannot carry."""
    from pyspark.sql.connect import functions as f

    if not any(is_text_only(field.dataType) for field in schema.fields):
        return frame
    names = [f"c{position}" for position in range(len(schema.fields))]
    columns = [
        _to_text(f.col(quote_name(name)), field.dataType).alias(field.name)
        for name, field in zip(names, schema.fields, strict=True)
    ]
    return frame.toDF(*names).select(*columns)


def _to_text(column: Any, data_type: DataType) -> Any:
    from pyspark.sql import types as t
    from pyspark.sql.connect import functions as f

    if not is_text_only(data_type):
        return column
    if isinstance(data_type, (t.VariantType, t.ArrayType, t.MapType, t.StructType)):
        return f.to_json(column, JSON_OPTIONS)
    return column.cast("string")


def _fetch(session: StatementSession, frame: Any) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    """Start the query and return its batches as they come, with their schema."""
    client = session.spark.client
    parts = client.to_table_as_iterator(frame._plan.to_proto(client), frame._plan.observations)
    first = next((part for part in parts if isinstance(part, pa.Table)), None)
    if first is None:
        return iter(()), _empty_schema(frame)
    return _flatten(first, parts), first.schema


def _flatten(first: pa.Table, rest: Iterable[Any]) -> Iterator[pa.RecordBatch]:
    yield from first.to_batches()
    for part in rest:
        if isinstance(part, pa.Table):
            yield from part.to_batches()


def _empty_schema(frame: Any) -> pa.Schema:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(frame.schema)
