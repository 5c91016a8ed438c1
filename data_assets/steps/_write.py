"""Writes a frame into a Delta table: each mode may be done again, and leaves the table whole when it is interrupted.

Tables are made as they are declared (_table.py) when they are missing.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ._plan import Output, Plan
from ._run import in_range
from ._table import ensure_table, quote_name

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

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
_MAY_DO_NOTHING = ("merge", "append_stream")
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
    token = uuid.uuid4().hex
    ordered = frame.select(*(F.col(name).cast(kind).alias(name) for name, kind, _ in output.columns))
    retry_conflicts(lambda: ensure_table(spark, output))
    # these two may find nothing to do, and then no commit is theirs
    before = read_history(spark, output, 1)[0]["version"] if output.mode in _MAY_DO_NOTHING else None
    retry_conflicts(lambda: _MODES[output.mode](spark, ordered, output, plan, token))
    if before is None:
        return describe_commit(read_history(spark, output, _RECENT), token)
    return describe_commits(read_history(spark, output), output, before)


def describe_commit(history: Sequence[Any], token: str) -> Written:
    """Return what the commit with the token did; others may have come after it. No row in, none out: no commit."""
    for commit in history:
        if commit["userMetadata"] == token:
            metrics = commit["operationMetrics"] or {}
            # where a file holds other days, too, those rows are copied
            rows = int(metrics.get("numOutputRows", 0)) - int(metrics.get("numCopiedRows", 0))
            return Written(commit["version"], rows, rows)
    return Written(history[0]["version"], 0, 0)


def describe_commits(history: Iterable[Any], output: Output, before: int) -> Written:
    """Return what merges or streams did after version `before`: nothing, if they had nothing to do."""
    kinds = ("MERGE",) if output.mode == "merge" else ("STREAMING UPDATE", "WRITE")
    commits = [one for one in history if one["version"] > before and one["operation"] in kinds]
    counts = [_count_rows(commit["operationMetrics"] or {}) for commit in commits]
    version = max((commit["version"] for commit in commits), default=before)
    return Written(version, sum(rows for rows, _ in counts), sum(rows_in for _, rows_in in counts))


def _count_rows(metrics: dict[str, str]) -> tuple[int, int]:
    if "numSourceRows" in metrics:  # MERGE: numOutputRows counts the rows it copied, too
        changed = int(metrics["numTargetRowsInserted"]) + int(metrics.get("numTargetRowsUpdated", 0))
        return changed, int(metrics["numSourceRows"])
    rows = int(metrics.get("numOutputRows", 0))
    return rows, rows


def read_history(spark: SparkSession, output: Output, newest: int | None = None) -> list[Any]:
    """Return the commits of the table, the newest first."""
    limit = f" LIMIT {newest}" if newest else ""
    return spark.sql(f"DESCRIBE HISTORY {quote_name(output.table)}{limit}").collect()


def retry_conflicts(write: Callable[[], Any]) -> None:
    """Write; when another run changed the same rows meanwhile, once more, a few times."""
    for attempt in range(TRIES):
        try:
            write()
            return
        except PySparkException as error:
            if attempt == TRIES - 1 or not any(sign in str(error) for sign in _CONFLICTS):
                raise
            print(f"another run was faster, trying again: {str(error).splitlines()[0][:200]}")
        time.sleep(0.5 * 2**attempt)


def _overwrite(_spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan, token: str) -> None:
    frame.writeTo(output.table).option("userMetadata", token).overwrite(F.lit(True))


def _replace_days(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan, token: str) -> None:
    frame.writeTo(output.table).option("userMetadata", token).overwrite(in_range(plan))


def _merge(spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan, _token: str) -> None:
    """MERGE in SQL: DeltaTable is not served by every Connect server. Rows that are the same are not touched."""
    frame.createOrReplaceTempView("incoming")
    names = [name for name, _, _ in output.columns]
    on = " AND ".join(f"t.`{key}` <=> s.`{key}`" for key in output.keys)
    values = [name for name in names if name not in output.keys and not name.startswith("_")]
    differs = " OR ".join(f"NOT (t.`{name}` <=> s.`{name}`)" for name in [*values, "_rescued", "_corrupt_record"])
    assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    spark.sql(
        f"MERGE INTO {quote_name(output.table)} t USING incoming s ON {on} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{name}`' for name in names)}) "
        f"VALUES ({', '.join(f's.`{name}`' for name in names)})"
    )


def _append_stream(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan, token: str) -> None:
    """Append what is new since the checkpoint, exactly once: Delta knows the batches it has. No stream: append all."""
    if not frame.isStreaming:
        frame.writeTo(output.table).option("userMetadata", token).append()
        return
    writer = frame.writeStream.format("delta").outputMode("append").trigger(availableNow=True)
    query = writer.option("checkpointLocation", plan.checkpoint).toTable(output.table)
    query.awaitTermination()


_MODES: dict[str, Callable[[SparkSession, DataFrame, Output, Plan, str], None]] = {
    "overwrite": _overwrite,
    "replace_days": _replace_days,
    "merge": _merge,
    "append_stream": _append_stream,
}
