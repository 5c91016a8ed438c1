"""A table or step that could not be built is refused before the code location loads, all that is wrong at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from data_assets import assets
from data_assets.tables import STEPS
from data_assets.tables.model import Check, Column, Step, Table
from data_assets.tables.rules import InvalidTables, require_tables
from lakehouse.cli.expected_errors import is_expected
from lakehouse.wheels import STEPS as WHEEL

FIRST = STEPS[0]
TABLE = FIRST.tables[0]


def column(name: str, type_: str = "STRING") -> Step:
    return replace(FIRST, tables=(replace(TABLE, columns=(*TABLE.columns, Column(name, type_, ""))),))


def table(**fields: object) -> Step:
    return replace(FIRST, tables=(replace(TABLE, **fields),))  # type: ignore[arg-type]


REFUSED = [
    (column("user.name"), "the name of column 'user.name' holds ."),
    (column("First Name"), "holds a blank"),
    (column("a,b"), "holds ,"),
    (column("a`b"), "holds a backtick"),
    (column(TABLE.columns[0].name.upper()), "are one: case does not tell them apart"),
    (column("n", "INT NOT NULL"), "says more than a type, 'NOT'"),
    (column("n", "IN"), "'in' is no type of a column"),
    (replace(FIRST, reads=("flights.bronze.flight",)), "did you mean flights.bronze.flights?"),
    (replace(FIRST, reads=(TABLE.name,)), "The steps read each other"),
    (replace(FIRST, tables=(TABLE, TABLE)), "is built twice"),
    (table(name="flights.platinum.x"), "its schema is one of bronze, gold, ops, silver"),
    (table(name="flights.gold.nowhere"), "it has no step: put one at data_assets/steps/flights/gold/nowhere.py"),
    (table(name="gold.nowhere"), "is not a table name"),
    (table(mode="replace"), "mode is one of"),
    (table(mode="merge", keys=()), "mode merge needs keys"),
    (table(keys=("nobody",)), "a column of keys is one of"),
    (table(statistics=("nobody",)), "a column of statistics is one of"),
    (table(folder="a*"), "the folder 'a*' is not taken"),
    (table(checks=(Check("too late", ""),)), "the check 'too late' is called"),
    (table(checks=(Check("a", ""), Check("a", ""))), "the check a is declared twice"),
]  # fmt: skip


def test_the_declared_tables_are_sound() -> None:
    require_tables(STEPS, WHEEL.source)


@pytest.mark.parametrize(("step", "said"), REFUSED, ids=[said[:50] for _, said in REFUSED])
def test_what_cannot_be_built_is_refused_by_the_code_location(
    step: Step, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "TABLE_STEPS", (step, *STEPS[1:]))
    with pytest.raises(InvalidTables) as caught:
        assets.build_assets()
    assert said in str(caught.value), str(caught.value)
    assert is_expected(caught.value)


def test_a_problem_names_file_and_line_and_all_come_at_once() -> None:
    made = Step((Table("flights.gold.a b", "", (Column("a b", "IN", ""),), "overwrite"),), reads=("x.y.z",))
    with pytest.raises(InvalidTables) as caught:
        require_tables([made], Path("/nowhere"))
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert all(" (declared at tests/data_assets/test_table_rules.py:" in line for line in lines)
