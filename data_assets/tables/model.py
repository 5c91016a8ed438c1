"""What a table and a step are, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from lakehouse.grammar.places import find_declaration
from lakehouse.names import TableName, parse_table_name

Mode = Literal["overwrite", "replace_days", "merge", "append_stream"]
MODES: tuple[str, ...] = get_args(Mode)
LAYERS = ("bronze", "silver", "gold")  # the schemas that data goes through; ops is beside them


class Column(NamedTuple):
    """A column of a Delta table."""

    name: str
    type: str
    comment: str


class Check(NamedTuple):
    """A check that the step reports. `blocking`: what comes after must not be built when it fails."""

    name: str
    description: str
    blocking: bool = False


@dataclass(frozen=True)
class Table:
    """A Delta table. `daily`: it has a partition for each day; `folder`: where an external one lies in the lake.

    `keys`: what rows are merged by, in mode merge. `statistics`: the columns that Delta keeps minimum and maximum of in
    each file, so that a query skips files; of all of them, unless some are named.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    mode: Mode
    daily: bool = False
    keys: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    folder: str | None = None
    checks: tuple[Check, ...] = ()

    @property
    def parsed(self) -> TableName:
        """The name in its parts."""
        return parse_table_name(self.name)


@dataclass(frozen=True)
class Step:
    """What one remote run builds: one table or more. It is called like its first table.

    `reads`: tables; `landing`: the folder of the landing volume; `checkpoint`: it is a stream. `declared_at`: the file
    and line that declare it, which say nothing of what it is.
    """

    tables: tuple[Table, ...]
    reads: tuple[str, ...] = ()
    landing: str | None = None
    checkpoint: bool = False
    declared_at: str = field(default_factory=lambda: find_declaration((Path(__file__),)), compare=False, repr=False)

    @property
    def name(self) -> str:
        """The first table's name, and the path of the step's module."""
        return self.tables[0].name

    @property
    def daily(self) -> bool:
        """Whether it is run over a range of days."""
        return self.tables[0].daily
