"""Landed JSON lines as bronze rows: every field as it came, as text; nothing is lost and nothing fails.

A line that is not exactly one JSON object is kept in `_corrupt_record`, a field that no column is declared for in
`_rescued`. And what every reader of such rows needs: which version of a row counts, and blanks as nulls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

LINEAGE = ("_rescued", "_corrupt_record", "_source_file", "_source_version", "_loaded_at")


# A text in double or single quotes, both of which Spark takes; a number of JSON, or what Spark takes for one.
_TEXT = r"""\"[^"\\]*+(?:\\.[^"\\]*+)*+\"|'[^'\\]*+(?:\\.[^'\\]*+)*+'"""
_NUMBER = r"-?(?:(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|NaN|Infinity|INF)"
# From one number to the next; it ends at the first that is none, and the rest of the line stays what no reader takes.
_TO_NUMBER = rf"(?s)\G((?:[^\"'0-9NI-]++|{_TEXT})*+)({_NUMBER})(?=[ \t\r\n]*+[,}}\]])"

# An escape of a half that is not first and second half; of two backslashes the second begins no escape.
_FIRST, _SECOND = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rf"(?s)^(?:[^\\]++|{_FIRST}{_SECOND}|(?!{_FIRST}|{_SECOND})\\.)*+(?:{_FIRST}|{_SECOND})"


def parse_lines(lines: DataFrame, columns: Iterable[str], required: Sequence[str] = ()) -> DataFrame:
    """Return one row per line: the raw fields that are columns, and the lineage.

    A line without a `required` field counts as corrupt.
    """
    fields = [name for name in columns if not name.startswith("_")]
    line, found = F.col("value"), F.col("_fields")
    unusable = _any(found.isNull(), *(found[name].isNull() for name in required))
    # step by step: in one, a line would be read once to count its objects and once more to take one
    marked = lines.withColumn("_mark", _mark(line)).withColumn("_quoted", _quote_numbers(line, F.col("_mark")))
    read = marked.withColumn("_objects", _read_objects(F.col("_quoted"), _struct_of(fields)))
    return read.withColumn("_fields", _take_one(F.col("_objects"))).select(
        *(_unmark(found[name]).alias(name) for name in fields),
        _rescue(F.col("_quoted"), fields).alias("_rescued"),
        F.when(unusable, F.make_valid_utf8(line)).alias("_corrupt_record"),
        "_source_file",
        "_source_version",
        F.current_timestamp().alias("_loaded_at"),
    )


def _quote_numbers(line: Column, mark: Column) -> Column:
    """Return the line with every number as a text: no reader may write it anew, 1.10 as 1.1, 1e400 as Infinity.

    Null if the line holds what no text can: bytes that are no UTF-8, half a character. `mark` goes before each number.
    """
    quoted = F.regexp_replace(line, F.lit(_TO_NUMBER), F.concat(F.lit('$1"'), mark, F.lit('$2"')))
    return F.when(F.is_valid_utf8(line) & ~_has_half_character(line), quoted)


def _has_half_character(line: Column) -> Column:
    """Return whether an escape stands for half of a character that takes two in UTF-16; readers make it a `?`."""
    return F.contains(line, F.lit("\\u")) & line.rlike(_HALF)


def _mark(line: Column) -> Column:
    """Return what tells numbers from texts within a nested value; nothing where nothing is nested, as in most lines.

    A digest of the line is in it, so that no line holds its own mark.
    """
    inside = F.substring(line, 2, 1 << 30)
    is_nested = F.contains(inside, F.lit("{")) | F.contains(inside, F.lit("["))
    return F.when(is_nested, F.concat(F.lit("\ue000"), F.hex(F.xxhash64(line)), F.lit("\ue000"))).otherwise("")


def _unmark(value: Column) -> Column:
    """Return a value as it landed: marked numbers in it without mark and quotes."""
    mark = F.col("_mark")
    plain = F.regexp_replace(value, F.concat(F.lit('"?'), mark, F.lit('([^"]*)"?')), F.lit("$1"))
    return F.when(mark == "", value).otherwise(plain)


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
    names = F.coalesce(F.json_object_keys(line), F.map_keys(everything))
    unknown = F.array_except(names, F.array(*map(F.lit, fields)))
    kept = F.map_filter(everything, lambda name, _value: F.array_contains(unknown, name))
    as_landed = F.transform_values(kept, lambda _name, value: _unmark(value))
    return F.when(F.size(unknown) > 0, F.to_json(as_landed, {"ignoreNullFields": "false"}))


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
