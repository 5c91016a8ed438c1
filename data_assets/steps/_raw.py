"""Landed JSON lines as bronze rows: every field as it came, as text; nothing is lost and nothing fails.

A line that is no JSON object is kept in `_corrupt_record`, a field that no column is declared for in `_rescued`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

LINEAGE = ("_rescued", "_corrupt_record", "_source_file", "_source_version", "_loaded_at")


def parse_lines(lines: DataFrame, columns: Iterable[str]) -> DataFrame:
    """Return one row per line: the raw fields that are columns, and the lineage."""
    fields = [name for name in columns if not name.startswith("_")]
    parsed = lines.withColumn("_fields", F.from_json("value", "map<string,string>"))
    found = F.col("_fields")
    return parsed.select(
        *(F.element_at(found, name).alias(name) for name in fields),
        _rescue(found, fields).alias("_rescued"),
        F.when(found.isNull(), F.col("value")).alias("_corrupt_record"),
        "_source_file",
        "_source_version",
        F.current_timestamp().alias("_loaded_at"),
    )


def _rescue(found: Column, fields: Sequence[str]) -> Column:
    known = F.array(*(F.lit(name) for name in fields))
    unknown = F.array_except(F.map_keys(found), known)
    kept = F.map_filter(found, lambda name, _value: F.array_contains(unknown, name))
    return F.when(F.size(unknown) > 0, F.to_json(kept))


def raw_columns(run_columns: Iterable[tuple[str, str, str]], *besides: str) -> list[str]:
    """Return the names of a bronze table's raw fields."""
    return [name for name, _, _ in run_columns if not name.startswith("_") and name not in besides]
