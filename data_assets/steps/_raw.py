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
    line, found = F.col("value"), F.col("_fields")
    unusable = _any(found.isNull(), *(found[name].isNull() for name in required))
    # two steps: in one, a line would be read once to count its objects and once more to take one
    read = lines.withColumn("_objects", _read_objects(line, _struct_of(fields)))
    return read.withColumn("_fields", _take_one(F.col("_objects"))).select(
        *(found[name].alias(name) for name in fields),
        _rescue(line, fields).alias("_rescued"),
        F.when(unusable, line).alias("_corrupt_record"),
        "_source_file",
        "_source_version",
        F.current_timestamp().alias("_loaded_at"),
    )


def _read_objects(line: Column, kind: str) -> Column:
    """Return the line's objects and a null behind them; null if it has anything else. Of a field twice the last counts.

    A reader of objects stops behind the first, one of arrays where a line ends the array: what follows would be lost.
    """
    return F.from_json(F.concat(F.lit("["), line, F.lit(",null]")), f"array<{kind}>")


def _take_one(objects: Column) -> Column:
    """Return the object if it is all there is on the line."""
    is_whole = (F.size(objects) == 2) & F.element_at(objects, 2).isNull()
    return F.when(is_whole, F.element_at(objects, 1))


def _struct_of(fields: Sequence[str]) -> str:
    return f"struct<{','.join(f'`{name}`:string' for name in fields)}>"


def _rescue(line: Column, fields: Sequence[str]) -> Column:
    """Return the fields that are no columns; only a line that has some is read as a map, at twice the cost."""
    everything = _take_one(_read_objects(line, "map<string,string>"))
    names = F.coalesce(F.json_object_keys(line), F.map_keys(everything))  # the first knows neither NaN nor Infinity
    unknown = F.array_except(names, F.array(*map(F.lit, fields)))
    kept = F.map_filter(everything, lambda name, _value: F.array_contains(unknown, name))
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
