"""Makes Delta tables as they are declared, and adds the columns a declaration has gained. Never drops anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException

from ._plan import Output

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def ensure_table(spark: SparkSession, output: Output) -> None:
    """Make the table if it is missing; add the columns it lacks."""
    try:
        present = set(spark.table(output.table).columns)
    except AnalysisException as error:
        if "TABLE_OR_VIEW_NOT_FOUND" not in str(error):
            raise
        spark.sql(describe_creation(output))
        return
    missing = [column for column in output.columns if column[0] not in present]
    if missing:
        spark.sql(f"ALTER TABLE {quote_name(output.table)} ADD COLUMNS ({_columns(missing)})")


def describe_creation(output: Output) -> str:
    """Return the statement that makes the table."""
    kept = quote_text(",".join(output.statistics))
    statistics = f"\nTBLPROPERTIES ('delta.dataSkippingStatsColumns' = {kept})" if output.statistics else ""
    location = f"\nLOCATION {quote_text(output.location)}" if output.location else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {quote_name(output.table)} (\n  {_columns(output.columns)}\n) USING DELTA"
        f"{location}\nCOMMENT {quote_text(output.comment)}{statistics}"
    )


def quote_name(table: str) -> str:
    """Return a full name as it stands in SQL."""
    return ".".join(f"`{part}`" for part in table.split("."))


def quote_text(text: str) -> str:
    """Return a text as it stands in SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _columns(columns: Iterable[tuple[str, str, str]]) -> str:
    return ",\n  ".join(f"`{name}` {kind} COMMENT {quote_text(comment)}" for name, kind, comment in columns)
