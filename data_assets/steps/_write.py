"""Writes a frame into a Delta table: each mode may be done again, and leaves the table whole when it is interrupted.

Tables are made as they are declared (_table.py) when they are missing.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ._plan import Output, Plan
from ._run import in_range
from ._table import ensure_table, quote_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrameWriterV2, SparkSession

T = TypeVar("T")
FindOwn = Callable[[Sequence[Any]], Sequence[Any]]  # of the table's latest commits, the write's own
TRIES = 6
# How Delta, streams and the catalog say that another run was faster; then it is done again on top of what that one did.
_CONFLICTS = (
    "DELTA_CONCURRENT_",
    "DELTA_METADATA_CHANGED",
    "DELTA_PROTOCOL_CHANGED",
    "CONCURRENT_STREAM_LOG_UPDATE",
    "Concurrent",  # ConcurrentAppendException and its kin, as Delta without error classes calls them
    "MetadataChangedException",
    "ProtocolChangedException",
)
_RECENT = 20  # commits: far more than others can make between a write and the question after it


@dataclass(frozen=True)
class Written:
    """What a write did: the table's version after it, the rows that were written, and those it was given."""

    version: int
    rows: int
    rows_in: int

    def and_then(self, next_one: Written) -> Written:
        """Return this and a later write to the same table as one."""
        return Written(next_one.version, self.rows + next_one.rows, self.rows_in + next_one.rows_in)


def write_frame(spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> Written:
    """Write in the output's mode and say what was done."""
    ordered = frame.select(*(F.col(name).cast(kind).alias(name) for name, kind, _ in output.columns))
    retry_conflicts(lambda: ensure_table(spark, output))
    find_own = retry_conflicts(lambda: _MODES[output.mode](spark, ordered, output, plan))
    return describe_commits(read_history(spark, output, _RECENT), find_own)


def describe_commits(history: Sequence[Any], find_own: FindOwn) -> Written:
    """Return what the write's own commits did; others may have come after them. None: there was nothing to do."""
    own = find_own(history)
    counts = [_count_rows(commit["operationMetrics"] or {}) for commit in own]
    version = max((commit["version"] for commit in own), default=history[0]["version"])
    return Written(version, sum(rows for rows, _ in counts), sum(rows_in for _, rows_in in counts))


def _count_rows(metrics: dict[str, str]) -> tuple[int, int]:
    if "numSourceRows" in metrics:  # MERGE: numOutputRows counts the rows it copied, too
        changed = int(metrics["numTargetRowsInserted"]) + int(metrics.get("numTargetRowsUpdated", 0))
        return changed, int(metrics["numSourceRows"])
    # where a file holds other days, too, those rows are copied
    rows = int(metrics.get("numOutputRows", 0)) - int(metrics.get("numCopiedRows", 0))
    return rows, rows


def read_history(spark: SparkSession, output: Output, newest: int) -> list[Any]:
    """Return the latest commits of the table, the newest first."""
    return spark.sql(f"DESCRIBE HISTORY {quote_name(output.table)} LIMIT {newest}").collect()


def retry_conflicts(write: Callable[[], T]) -> T:
    """Write; when another run changed the same rows meanwhile, once more, a few times."""
    attempt = 1
    while True:
        try:
            return write()
        except PySparkException as error:
            if attempt == TRIES or not any(sign in str(error) for sign in _CONFLICTS):
                raise
            print(f"another run was faster, trying again: {str(error).splitlines()[0][:200]}")
        time.sleep(0.25 * 2**attempt)
        attempt += 1


def _overwrite(_spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> FindOwn:
    return _write_once(frame, output, lambda writer: writer.overwrite(F.lit(True)))


def _replace_days(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> FindOwn:
    return _write_once(frame, output, lambda writer: writer.overwrite(in_range(plan)))


def _write_once(frame: DataFrame, output: Output, write: Callable[[DataFrameWriterV2], None]) -> FindOwn:
    token = uuid.uuid4().hex
    write(frame.writeTo(output.table).option("userMetadata", token))
    return find_token(token)


def find_token(token: str) -> FindOwn:
    """Return what finds the commit that carries the token."""
    return lambda history: [commit for commit in history if commit["userMetadata"] == token]


def _merge(spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> FindOwn:
    """MERGE in SQL: DeltaTable is not served by every Connect server. Rows that are the same are not touched."""
    incoming = f"incoming_{uuid.uuid4().hex}"  # other tables may be merged into meanwhile
    frame.createOrReplaceTempView(incoming)
    names = [name for name, _, _ in output.columns]
    on = " AND ".join(f"t.`{key}` <=> s.`{key}`" for key in output.keys)
    values = [name for name in names if name not in output.keys and not name.startswith("_")]
    differs = " OR ".join(f"NOT (t.`{name}` <=> s.`{name}`)" for name in [*values, "_rescued", "_corrupt_record"])
    assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    (done,) = spark.sql(
        f"MERGE INTO {quote_name(output.table)} t USING {incoming} s ON {on} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{name}`' for name in names)}) "
        f"VALUES ({', '.join(f's.`{name}`' for name in names)})"
    ).collect()
    return find_merge(done)


def find_merge(done: Any) -> FindOwn:
    """Return what finds the newest MERGE with these numbers of rows; one that changed none made no commit."""
    counts = {"numTargetRowsUpdated": done["num_updated_rows"], "numTargetRowsInserted": done["num_inserted_rows"]}

    def is_own(commit: Any) -> bool:
        metrics = commit["operationMetrics"] or {}
        return commit["operation"] == "MERGE" and all(metrics.get(name) == str(n) for name, n in counts.items())

    return lambda history: list(filter(is_own, history))[:1] if any(counts.values()) else []


def _append_stream(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> FindOwn:
    """Append what is new since the checkpoint, exactly once: Delta knows the batches it has. No stream: append all."""
    if not frame.isStreaming:
        return _write_once(frame, output, lambda writer: writer.append())
    writer = frame.writeStream.format("delta").outputMode("append").trigger(availableNow=True)
    query = writer.option("checkpointLocation", plan.checkpoint).toTable(output.table)
    query.awaitTermination()
    return find_batches(query.id, [progress.batchId for progress in query.recentProgress])


def find_batches(query: str, batches: Collection[int]) -> FindOwn:
    """Return what finds the commits of a stream's batches."""

    def is_own(commit: Any) -> bool:
        parameters = commit["operationParameters"] or {}
        return parameters.get("queryId") == query and int(parameters["epochId"]) in batches

    return lambda history: list(filter(is_own, history))


_MODES: dict[str, Callable[[SparkSession, DataFrame, Output, Plan], FindOwn]] = {
    "overwrite": _overwrite,
    "replace_days": _replace_days,
    "merge": _merge,
    "append_stream": _append_stream,
}
