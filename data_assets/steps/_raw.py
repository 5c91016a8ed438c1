"""Landed JSON lines as bronze rows: every field as it came, as text; nothing is lost and nothing fails.

A line that is not exactly one JSON object is kept in `_corrupt_record`, a field that no column is declared for in
`_rescued`. And what every reader of such rows needs: which version of a row counts, and blanks as nulls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

LINEAGE = ("_rescued", "_corrupt_record", "_source_file", "_source_version", "_loaded_at")


def parse_lines(lines: DataFrame, columns: Iterable[str], required: Sequence[str] = ()) -> DataFrame:
    """Return one row per line: the raw fields that are columns, and the lineage.

    A line without a `required` field counts as corrupt.
    """
    fields = [name for name in columns if not name.startswith("_")]
    found = F.col("_fields")
    has_all = [F.element_at(found, name).isNull() for name in required]
    unusable = _any(found.isNull(), *has_all)
    return lines.withColumn("_fields", _read_object("value")).select(
        *(F.element_at(found, name).alias(name) for name in fields),
        _rescue(found, fields).alias("_rescued"),
        F.when(unusable, F.col("value")).alias("_corrupt_record"),
        "_source_file",
        "_source_version",
        F.current_timestamp().alias("_loaded_at"),
    )


def _read_object(line: str) -> Column:
    """Return the line's fields, null if it is anything but one object.

    Read as an array of one: a reader of objects stops behind the first and drops a second on the same line.
    """
    objects = F.from_json(F.concat(F.lit("["), F.col(line), F.lit("]")), "array<map<string,string>>")
    return F.when(F.size(objects) == 1, F.element_at(objects, 1))


def _rescue(found: Column, fields: Sequence[str]) -> Column:
    known = F.array(*(F.lit(name) for name in fields))
    unknown = F.array_except(F.map_keys(found), known)
    kept = F.map_filter(found, lambda name, _value: F.array_contains(unknown, name))
    return F.when(F.size(unknown) > 0, F.to_json(kept, {"ignoreNullFields": "false"}))


def _any(first: Column, *others: Column) -> Column:
    for other in others:
        first = first | other
    return first


def rank_versions(key: Iterable[Column | str], content: Iterable[str]) -> Column:
    """Return 1 for the row of each key that counts, the newest file's; of two in one file it is always the same one."""
    order = F.desc("_source_version"), F.desc("_source_file"), F.xxhash64(*content)
    return F.row_number().over(Window.partitionBy(*key).orderBy(*order))


def keep_newest(rows: DataFrame, key: Iterable[Column | str], content: Iterable[str]) -> DataFrame:
    """Return the row of each key that counts."""
    return rows.withColumn("_rank", rank_versions(key, content)).where("_rank = 1").drop("_rank")


def blank_as_null(name: str) -> Column:
    """Return a raw field without spaces around it, null if nothing is left."""
    return F.nullif(F.trim(name), F.lit(""))


def raw_columns(run_columns: Iterable[tuple[str, str, str]], *besides: str) -> list[str]:
    """Return the names of a bronze table's raw fields."""
    return [name for name, _, _ in run_columns if not name.startswith("_") and name not in besides]
