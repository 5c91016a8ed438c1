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
_NEWEST, _RECENT = 1, 20  # commits: far more than others can make between a write and the question after it


@dataclass(frozen=True)
class Written:
    """What a write did: the table's version after it, the rows that were written, and those it was given."""

    version: int
    rows: int
    rows_in: int

    def and_then(self, next_one: Written) -> Written:
        """Return this and a later write to the same table as one."""
        return Written(next_one.version, self.rows + next_one.rows, self.rows_in + next_one.rows_in)


@dataclass(frozen=True)
class OwnCommits:
    """How to tell a write's own commits from others', and how many there are at most."""

    is_own: Callable[[Any], bool]
    count: int = 1


NO_COMMIT = OwnCommits(lambda _commit: False, 0)


def write_frame(spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> Written:
    """Write in the output's mode and say what was done."""
    ordered = frame.select(*(F.col(name).cast(kind).alias(name) for name, kind, _ in output.columns))
    retry_conflicts(lambda: ensure_table(spark, output))
    own = retry_conflicts(lambda: _MODES[output.mode](spark, ordered, output, plan))
    return describe_commits(lambda newest: read_history(spark, output, newest), own)


def describe_commits(read: Callable[[int], Sequence[Any]], wanted: OwnCommits) -> Written:
    """Return what the write's own commits did; others may have come after them. None: there was nothing to do.

    `read` returns so many of the table's newest commits: it is asked for more when others have come.
    """
    for newest in (_NEWEST, _RECENT):
        history = read(newest)
        own = list(filter(wanted.is_own, history))[: wanted.count]
        if len(own) == wanted.count:
            break
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


def _overwrite(_spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> OwnCommits:
    return _write_once(frame, output, lambda writer: writer.overwrite(F.lit(True)))


def _replace_days(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> OwnCommits:
    return _write_once(frame, output, lambda writer: writer.overwrite(in_range(plan)))


def _write_once(frame: DataFrame, output: Output, write: Callable[[DataFrameWriterV2], None]) -> OwnCommits:
    token = uuid.uuid4().hex
    write(frame.writeTo(output.table).option("userMetadata", token))
    return own_token(token)


def own_token(token: str) -> OwnCommits:
    """Return what tells the commit that carries the token."""
    return OwnCommits(lambda commit: commit["userMetadata"] == token)


def _merge(spark: SparkSession, frame: DataFrame, output: Output, _plan: Plan) -> OwnCommits:
    """MERGE in SQL: DeltaTable is not served by every Connect server. Rows that are the same are not touched.

    Where all are, no MERGE is made: it would read them over and over, and write their files anew.
    """
    incoming = f"incoming_{uuid.uuid4().hex}"  # other tables may be merged into meanwhile
    frame.createOrReplaceTempView(incoming)
    names = [name for name, _, _ in output.columns]
    on = " AND ".join(f"t.`{key}` <=> s.`{key}`" for key in output.keys)
    values = [name for name in names if name not in output.keys and not name.startswith("_")]
    differs = " OR ".join(f"NOT (t.`{name}` <=> s.`{name}`)" for name in [*values, "_rescued", "_corrupt_record"])
    table = quote_name(output.table)
    is_there = f"{on} AND NOT ({differs})"
    if not spark.sql(f"SELECT 1 FROM {incoming} s LEFT ANTI JOIN {table} t ON {is_there} LIMIT 1").collect():
        return NO_COMMIT
    assignments = ", ".join(f"t.`{name}` = s.`{name}`" for name in names)
    (done,) = spark.sql(
        f"MERGE INTO {table} t USING {incoming} s ON {on} "
        f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {assignments} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(f'`{name}`' for name in names)}) "
        f"VALUES ({', '.join(f's.`{name}`' for name in names)})"
    ).collect()
    return own_merge(done)


def own_merge(done: Any) -> OwnCommits:
    """Return what tells the newest MERGE with these numbers of rows; one that changed none made no commit."""
    counts = {"numTargetRowsUpdated": done["num_updated_rows"], "numTargetRowsInserted": done["num_inserted_rows"]}

    def is_own(commit: Any) -> bool:
        metrics = commit["operationMetrics"] or {}
        return commit["operation"] == "MERGE" and all(metrics.get(name) == str(n) for name, n in counts.items())

    return OwnCommits(is_own, 1 if any(counts.values()) else 0)


def _append_stream(_spark: SparkSession, frame: DataFrame, output: Output, plan: Plan) -> OwnCommits:
    """Append what is new since the checkpoint, exactly once: Delta knows the batches it has. No stream: append all."""
    if not frame.isStreaming:
        return _write_once(frame, output, lambda writer: writer.append())
    writer = frame.writeStream.format("delta").outputMode("append").trigger(availableNow=True)
    query = writer.option("checkpointLocation", plan.checkpoint).toTable(output.table)
    query.awaitTermination()
    return own_batches(query.id, [progress.batchId for progress in query.recentProgress])


def own_batches(query: str, batches: Collection[int]) -> OwnCommits:
    """Return what tells the commits of a stream's batches."""

    def is_own(commit: Any) -> bool:
        parameters = commit["operationParameters"] or {}
        return parameters.get("queryId") == query and int(parameters["epochId"]) in batches

    return OwnCommits(is_own, len(batches))


_MODES: dict[str, Callable[[SparkSession, DataFrame, Output, Plan], OwnCommits]] = {
    "overwrite": _overwrite,
    "replace_days": _replace_days,
    "merge": _merge,
    "append_stream": _append_stream,
}
