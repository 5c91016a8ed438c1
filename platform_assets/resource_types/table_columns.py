"""Columns of tables: how they are declared, how their types are compared, what may become of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lakehouse.grammar import sql_types
from lakehouse.grammar.sql_types import InvalidType
from lakehouse.identifiers import quote_identifier
from platform_assets.resource_types.sql_statements import quote_text

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import ColumnInfo


class Column(NamedTuple):
    """A column; the type as in SQL, such as DECIMAL(10, 2)."""

    name: str
    type: str
    comment: str = ""
    nullable: bool = True


def normalize_type(text: str) -> str:
    """Return a type as Unity Catalog writes it; of one that cannot be declared, which may be found, just no blanks."""
    try:
        return sql_types.normalize_type(text)
    except InvalidType:
        return re.sub(r"\s*([<>(),:])\s*", r"\1", text.strip()).lower()


def write_type(text: str) -> str:
    """Return a type as it stands in a statement."""
    try:
        return sql_types.write_type(text)
    except InvalidType:
        return text


def match_spelling(found: Iterable[str], declared: Iterable[str]) -> dict[str, str]:
    """Return for each found name how it is declared: case does not tell columns apart."""
    spelled = {name.lower(): name for name in declared}
    return {name: spelled.get(name.lower(), name) for name in found}


def describe_columns(columns: Iterable[Column]) -> dict[str, Any]:
    """Return the state of declared columns, by name."""
    return {
        one.name: {"type": normalize_type(one.type), "nullable": one.nullable, "comment": one.comment}
        for one in columns
    }


def rebuild_columns(state: Mapping[str, Any]) -> tuple[Column, ...]:
    """Return the declarations of a state's columns."""
    return tuple(Column(name, one["type"], one["comment"], one["nullable"]) for name, one in state.items())


def read_columns(columns: Iterable[ColumnInfo] | None) -> dict[str, Any]:
    """Return the same of what Unity Catalog answers."""
    return {
        str(one.name): {
            "type": normalize_type(one.type_text or ""),
            "nullable": one.nullable is not False,
            "comment": one.comment or "",
        }
        for one in columns or ()
    }


def read_partitions(columns: Iterable[ColumnInfo] | None) -> list[str]:
    """Return the names of the columns that the table is partitioned by, in their order."""
    found = [(one.partition_index, str(one.name)) for one in columns or () if one.partition_index is not None]
    return [name for _, name in sorted(found)]


def define_column(name: str, column: Mapping[str, Any]) -> str:
    """Return a column as it stands in CREATE TABLE and ADD COLUMNS."""
    required = "" if column["nullable"] else " NOT NULL"
    comment = f" COMMENT {quote_text(column['comment'])}" if column["comment"] else ""
    return f"{quote_identifier(name)} {write_type(column['type'])}{required}{comment}"


def refuse_columns(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield why columns cannot be brought to what is wanted without the data that the table may hold."""
    for name in found:
        if name not in wanted:
            yield f"column {name} is not declared and may hold data: declare it, or drop it by hand"
    for name, column in wanted.items():
        if name not in found:
            if not column["nullable"]:
                yield f"column {name} is new and the table may have rows: declare it nullable"
        elif found[name]["type"] != column["type"]:
            yield f"column {name} has the type {found[name]['type']}: another one needs the data written anew"
        elif found[name]["nullable"] and not column["nullable"]:
            yield f"column {name} may hold nulls: it cannot be made NOT NULL here"


def alter_columns(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield what ALTER TABLE has to do."""
    added = [define_column(name, column) for name, column in wanted.items() if name not in found]
    if added:
        yield f"ADD COLUMNS ({', '.join(added)})"
    for name, column in wanted.items():
        if name in found and found[name]["comment"] != column["comment"]:
            yield f"ALTER COLUMN {quote_identifier(name)} COMMENT {quote_text(column['comment'])}"
        if name in found and column["nullable"] and not found[name]["nullable"]:
            yield f"ALTER COLUMN {quote_identifier(name)} DROP NOT NULL"
