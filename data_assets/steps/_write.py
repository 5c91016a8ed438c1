"""Writes a frame into a Delta table: each mode may be done again, and leaves the table whole when it is interrupted.

Tables are made when they are missing, with their columns, comments and place.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ._plan import Output, Plan
from ._run import DAY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TRIES = 5
_CONFLICTS = ("DELTA_CONCURRENT", "ConcurrentAppendException", "ConcurrentDelete", "ConcurrentModification")


@dataclass(frozen=True)
class Written:
    """What a write did: the table's version after it, and the rows that were written."""

    version: int
    rows: int


def ensure_table(spark: SparkSession, output: Output) -> None:
    """Make the table if it is missing."""
    if spark.catalog.tableExists(output.table):
        return
    columns = ",\n  ".join(f"`{name}` {kind} COMMENT {_quote(comment)}" for name, kind, comment in output.columns)
    partitioned = f"\nPARTITIONED BY ({', '.join(output.partitioned_by)})" if output.partitioned_by else ""
    location = f"\nLOCATION {_quote(output.location)}" if output.location else ""
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {_name(output)} (\n  {columns}\n) USING DELTA{partitioned}{location}"
        f"\nCOMMENT {_quote(output.comment)}"
    )


def write_frame(spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> Written:
    """Write in the output's mode and say what was done."""
    ensure_table(spark, output)
    # these two may find nothing to do, and then the newest commit is not theirs
    before = _last_version(spark, output) if output.mode in ("merge", "append_stream") else None
    ordered = frame.select(*(F.col(name).cast(kind).alias(name) for name, kind, _ in output.columns))
    retry_conflicts(lambda: _MODES[output.mode](spark, ordered, output, plan))
    return describe_write(spark, output, before)


def describe_write(spark: SparkSession, output: Output, before: int | None) -> Written:
    """Return what the commits after version `before` did, None: the newest."""
    history = spark.sql(f"DESCRIBE HISTORY {_name(output)}{' LIMIT 1' if before is None else ''}")
    commits = history.select("version", "operationMetrics").where(F.col("version") > F.lit(before or -1)).collect()
    rows = sum(_count_rows(commit["operationMetrics"] or {}) for commit in commits)
    return Written(max((commit["version"] for commit in commits), default=before or 0), rows)


def _count_rows(metrics: dict[str, str]) -> int:
    if "numTargetRowsInserted" in metrics:  # MERGE: numOutputRows counts the rows it copied, too
        return int(metrics["numTargetRowsInserted"]) + int(metrics.get("numTargetRowsUpdated", 0))
    return int(metrics.get("numOutputRows", 0))


def retry_conflicts(write: Callable[[], Any]) -> None:
    """Write; when another run changed the same rows meanwhile, once more, a few times."""
    for attempt in range(TRIES):
        try:
            write()
            return
        except PySparkException as error:
            if attempt == TRIES - 1 or not any(sign in str(error) for sign in _CONFLICTS):
                raise
        time.sleep(0.5 * 2**attempt)


def _overwrite(_spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> None:
    frame.writeTo(output.table).overwrite(F.lit(True))


def _replace_days(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> None:
    first, last = (F.lit(day).cast("date") for day in plan.days or ())
    frame.writeTo(output.table).overwrite(F.col(DAY).between(first, last))


def _merge(spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> None:
    """MERGE in SQL: DeltaTable is not served by every Connect server. Rows that are the same are not touched."""
    frame.createOrReplaceTempView("incoming")
    names = [name for name, _, _ in output.columns]
    on = " AND ".join(f"t.`{key}` <=> s.`{key}`" for key in output.keys)
    values = [name for name in names if name not in output.keys and not name.startswith("_")]
    differs = " OR ".join(f"NOT (t.`{name}` <=> s.`{name}`)" for name in [*values, "_rescued", "_corrupt_record"])
    assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    spark.sql(
        f"MERGE INTO {_name(output)} t USING incoming s ON {on} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{name}`' for name in names)}) "
        f"VALUES ({', '.join(f's.`{name}`' for name in names)})"
    )


def _append_stream(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> None:
    """Append what is new since the checkpoint, exactly once: Delta knows the batches it has."""
    writer = frame.writeStream.format("delta").outputMode("append").trigger(availableNow=True)
    query = writer.option("checkpointLocation", plan.checkpoint).toTable(output.table)
    query.awaitTermination()


_MODES: dict[str, Callable[[SparkSession, DataFrame, Output, Plan], None]] = {
    "overwrite": _overwrite,
    "replace_days": _replace_days,
    "merge": _merge,
    "append_stream": _append_stream,
}


def _last_version(spark: SparkSession, output: Output) -> int:
    return int(spark.sql(f"DESCRIBE HISTORY {_name(output)} LIMIT 1").select("version").collect()[0][0])


def _name(output: Output) -> str:
    return ".".join(f"`{part}`" for part in output.table.split("."))


def _quote(text: str | None) -> str:
    escaped = (text or "").replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
