"""Columns of Delta tables: names and types, and by which of them a table can be laid out. Pure.

https://docs.databricks.com/aws/en/delta/column-mapping
https://docs.databricks.com/aws/en/delta/clustering
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from lakehouse.grammar.sql_types import InvalidType, normalize_type
from lakehouse.grammar.texts import control_problems, length_problems, show_characters

LONGEST_NAME = 255
MOST_CLUSTERING_KEYS = 4
# Without column mapping Delta takes the first of them in no name; the last two part and quote names in SQL.
_IN_NO_NAME = re.compile(r"[ ,;{}()\n\t=\x00-\x1f\x7f.`]")
_NO_LAYOUT = ("array<", "map<", "struct<", "variant", "binary", "boolean")
_PARTITIONS_TOO = ("boolean", "binary")


def column_problems(columns: Sequence[tuple[str, str, str]], what: str = "column") -> Iterator[str]:
    """Yield why columns, each a name, a type and a comment, cannot stand in one table; parameters in one function."""
    seen: dict[str, str] = {}
    for name, type_, comment in columns:
        yield from column_name_problems(name, what)
        if (same := seen.setdefault(name.lower(), name)) != name:
            yield f"the {what}s {same} and {name} are one: case does not tell them apart"
        yield from (f"{what} {name}: {problem}" for problem in type_problems(type_))
        yield from control_problems(f"the comment of {what} {name}", comment)
    names = [name for name, _, _ in columns]
    yield from (f"{what} {name} is declared twice" for name in seen.values() if names.count(name) > 1)


def column_name_problems(name: str, what: str = "column") -> Iterator[str]:
    """Yield why a column cannot be called so."""
    if odd := _IN_NO_NAME.findall(name):
        yield f"the name of {what} {name[:80]!r} holds {show_characters(odd)}: declare one without, such as with _"
    yield from length_problems(f"the name of {what} {name[:40]!r}", name, LONGEST_NAME)


def type_problems(type_: str) -> Iterator[str]:
    """Yield why a text is no type of a column."""
    try:
        normalize_type(type_)
    except InvalidType as error:
        yield str(error)


def layout_problems(
    types: Mapping[str, str], partitioned_by: Sequence[str], clustered_by: Sequence[str]
) -> Iterator[str]:
    """Yield why a table of columns, types by name, cannot be laid out so; names are told apart by their letters."""
    if partitioned_by and clustered_by:
        yield "a table is partitioned_by or clustered_by columns, not both: leave one out"
    if len(clustered_by) > MOST_CLUSTERING_KEYS:
        yield f"clustered_by names at most {MOST_CLUSTERING_KEYS} columns, not {len(clustered_by)}"
    if partitioned_by and {one.lower() for one in partitioned_by} >= {one.lower() for one in types}:
        yield "partitioned_by names all columns: one must be left to hold the data"
    for what, names in (("partitioned_by", partitioned_by), ("clustered_by", clustered_by)):
        yield from _key_problems(what, names, {name.lower(): type_ for name, type_ in types.items()})


def _key_problems(what: str, names: Sequence[str], types: Mapping[str, str]) -> Iterator[str]:
    for name in names:
        type_ = types.get(name.lower())
        if type_ is None:
            yield f"{what} names {name}, which is no declared column"
        elif type_.startswith(_NO_LAYOUT) and not (what == "partitioned_by" and type_ in _PARTITIONS_TOO):
            yield f"{what} names {name}, whose type {type_} cannot lay out a table"
    if len({name.lower() for name in names}) < len(names):
        yield f"{what} names a column twice"
