"""Columns of tables: types in one form, what can be done in place, what cannot."""

from __future__ import annotations

import pytest

from platform_assets.resource_types.table_columns import (
    Column,
    alter_columns,
    describe_columns,
    normalize_type,
    refuse_columns,
)


@pytest.mark.parametrize(
    ("declared", "answered"),
    [
        ("BIGINT", "bigint"),
        ("integer", "int"),
        ("DECIMAL", "decimal(10,0)"),
        ("numeric( 10, 2 )", "decimal(10,2)"),
        ("MAP<STRING, LONG>", "map<string,bigint>"),
        ("STRUCT<Long: INTEGER, b: ARRAY< STRUCT<x: REAL> >>", "struct<Long:int,b:array<struct<x:float>>>"),
    ],
)
def test_types_read_alike(declared: str, answered: str) -> None:
    assert normalize_type(declared) == answered == normalize_type(answered)


FOUND = describe_columns([Column("id", "BIGINT", nullable=False), Column("note", "STRING")])


def test_columns_are_added_described_and_loosened_in_place() -> None:
    wanted = describe_columns([Column("id", "LONG"), Column("note", "STRING", "It's"), Column("a`b", "DATE", "When")])
    assert list(refuse_columns(FOUND, wanted)) == []
    assert list(alter_columns(FOUND, wanted)) == [
        "ADD COLUMNS (`a``b` date COMMENT 'When')",
        "ALTER COLUMN `id` DROP NOT NULL",
        "ALTER COLUMN `note` COMMENT 'It\\'s'",
    ]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ([Column("id", "BIGINT", nullable=False)], "column note is not declared"),
        ([Column("id", "INT", nullable=False), Column("note", "STRING")], "column id has the type bigint"),
        (
            [Column("id", "BIGINT", nullable=False), Column("note", "STRING", nullable=False)],
            "column note may hold nulls",
        ),
        (
            [Column("id", "BIGINT", nullable=False), Column("note", "STRING"), Column("n", "INT", nullable=False)],
            "column n is new and the table may have rows",
        ),
    ],
)
def test_what_would_lose_or_contradict_data_is_refused(columns: list[Column], said: str) -> None:
    (reason,) = refuse_columns(FOUND, describe_columns(columns))
    assert reason.startswith(said)


def test_what_is_as_declared_is_left_alone() -> None:
    assert list(refuse_columns(FOUND, FOUND)) == list(alter_columns(FOUND, FOUND)) == []
