"""Rules of the tables and steps: what Dagster, Delta or a run would refuse is refused as declared. Pure.

The code location asks before it makes an asset, so it loads with sound tables or says all that is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from data_assets.tables.model import LAYERS, MODES, Check, Step, Table
from lakehouse.grammar.columns import column_problems
from lakehouse.grammar.texts import choice_problems
from lakehouse.names import InvalidName, parse_table_name
from lakehouse.storage_urls import find_path_problem

SCHEMAS = (*LAYERS, "ops")
_CHECK = re.compile(r"[A-Za-z0-9_]+")


class InvalidTables(Exception):
    """Tables or steps cannot be built; the message has a line for each problem: table, reason, remedy, file, line."""


def require_tables(steps: Sequence[Step], sources: Path) -> None:
    """Refuse steps that cannot be built; `sources` is where their modules are.

    Raises:
        InvalidTables: with a line for each problem.
    """
    problems = [
        f"{step.name}: {problem} (declared at {step.declared_at})"
        for step in steps
        for problem in (*_find_own(step, sources), *_find_between(step, steps))
    ]
    if problems := problems or list(_find_circles(steps)):
        raise InvalidTables("\n".join(dict.fromkeys(problems)))


def _find_own(step: Step, sources: Path) -> Iterator[str]:
    for table in step.tables:
        yield from (problem if table is step.tables[0] else f"{table.name}: {problem}" for problem in _find_of(table))
        if table.daily != step.daily:
            yield f"{table.name} is daily={table.daily}, and the step is not: its tables are built over the same days"
    module = sources / Path(*step.name.split(".")).with_suffix(".py")
    if not module.is_file():
        yield f"it has no step: put one at {'/'.join(module.parts[-5:])}"


def _find_of(table: Table) -> Iterator[str]:
    try:
        yield from choice_problems("its schema", parse_table_name(table.name).schema, SCHEMAS)
    except InvalidName as error:
        yield str(error)
    yield from choice_problems("mode", table.mode, MODES)
    yield from column_problems(table.columns)
    names = {column.name for column in table.columns}
    for what, named in (("keys", table.keys), ("statistics", table.statistics)):
        for name in named:
            yield from choice_problems(f"a column of {what}", name, names)
    if table.mode == "merge" and not table.keys:
        yield "mode merge needs keys: name the columns that rows are merged by"
    if table.folder is not None and (
        problem := find_path_problem(table.folder) or (not table.folder and "it is empty")
    ):
        yield f"the folder {table.folder!r} is not taken: {problem}"
    yield from _find_of_checks(table.checks)


def _find_of_checks(checks: Sequence[Check]) -> Iterator[str]:
    names = [check.name for check in checks]
    for name in dict.fromkeys(names):
        if not _CHECK.fullmatch(name):
            yield f"the check {name!r} is called with letters, digits and _ alone"
        if names.count(name) > 1:
            yield f"the check {name} is declared twice"


def _find_between(step: Step, steps: Sequence[Step]) -> Iterator[str]:
    names = [table.name for one in steps for table in one.tables]
    for table in step.tables:
        if names.count(table.name) > 1:
            yield f"the table {table.name} is built twice: leave one out"
    for name in step.reads:
        yield from choice_problems("a table of reads", name, names)


def _find_circles(steps: Sequence[Step]) -> Iterator[str]:
    built_by = {table.name: step.name for step in steps for table in step.tables}
    graph: Mapping[str, list[str]] = {step.name: [built_by[name] for name in step.reads] for step in steps}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"The steps read each other: {' -> '.join(error.args[1])}: take one of the reads out"
