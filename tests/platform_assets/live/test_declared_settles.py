"""What is declared in other words than the service answers in is made once, and then a plan has nothing to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.resource_types import notebook
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.job import Job
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.sql_statements import run_statement
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.view import View
from tests.platform_assets.live.conftest import NewTarget

COLUMNS = (
    Column("id", "BIGINT", nullable=False),
    Column("user", "STRUCT<userId INT, `Home`: STRUCT<Zip: STRING>>", "It's"),
    Column("day", "date"),
    Column("tags", "MAP<STRING, ARRAY<DECIMAL(10, 2)>>"),
)
CLUSTERED = Table("flights.gold.clustered", COLUMNS, clustered_by=("ID",))
PARTITIONED = Table("flights.gold.partitioned", COLUMNS, bucket="lake", folder="täbles/orders", partitioned_by=("Day",))
BY_HAND = Table("flights.gold.by_hand", (Column("id", "INT", "One"), Column("NAME", "STRING")), adopt=True)
CITIES = View(
    "flights.gold.cities",
    "SELECT regexp_replace(city, '{city}', \"{clustered}\") AS c -- {todo}\nFROM (SELECT 'x' AS city), {clustered}",
    {"clustered": CLUSTERED},
)
SAID = Function("flights.gold.said", (Parameter("n", "struct<N: int>"),), "STRING", "concat('{{', '}', r'\\')")
READ = Grants("schema.flights.gold", {"analysts": ("USE SCHEMA", "select"), "pipeline": ("Use Schema", "modify")})
SALES, RAW = Catalog("sales"), Schema("sales.raw")
MADE: tuple[Resource, ...] = (CLUSTERED, PARTITIONED, CITIES, SAID, READ, SALES, RAW, BY_HAND)
ESTATE = (*(one for one in RESOURCES if one.key != READ.key), *MADE)


@pytest.fixture(scope="module")
def target(new_target: NewTarget) -> Target:
    """What is declared, and all that it needs; of one table somebody has made an older shape."""
    made = new_target()
    assert apply_estate(made, ["+schema/flights/gold"], resources=ESTATE).failures == ()
    run_statement(Clients(made), f"CREATE TABLE {BY_HAND.physical_name(made)} (ID INT, Name STRING) USING DELTA")
    report = apply_estate(made, [f"+{one.key}" for one in MADE], resources=ESTATE)
    assert "\n".join(one.error for one in report.failures) == ""
    return made


@pytest.mark.parametrize("one", MADE, ids=lambda one: one.key)
def test_a_second_plan_is_empty(one: Resource, target: Target) -> None:
    plan = plan_estate(target, [one.key], resources=ESTATE)
    assert plan.is_empty, plan.changed


def test_fields_of_structs_keep_their_case_and_one_column_is_one(target: Target) -> None:
    tables = open_workspace(target, "deployer").tables
    columns = {one.name: one.type_text for one in tables.get(CLUSTERED.physical_name(target)).columns or []}
    assert columns["user"] == "struct<userId:int,Home:struct<Zip:string>>"
    found = tables.get(BY_HAND.physical_name(target)).columns or []
    assert [(one.name, one.comment) for one in found] == [("ID", "One"), ("Name", None)]


def test_braces_in_quotes_and_comments_are_text(target: Target) -> None:
    found = open_workspace(target, "deployer").tables.get(CITIES.physical_name(target)).view_definition or ""
    assert "'{city}', \"{clustered}\"" in found and CLUSTERED.physical_name(target).split(".")[2] in found


def test_a_job_of_more_than_a_hundred_notebooks_is_made_once(
    target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook, "SOURCES", tmp_path)
    names = tuple(f"n{number}" for number in range(101))
    for name in ("copy_file", "count_range", *names):
        (tmp_path / f"{name}.py").write_text("# Databricks notebook source\nprint(1)\n")
    job, notebooks = Job("large", notebooks=names), [Notebook(name) for name in names]
    estate = (*ESTATE, job, *notebooks)
    keys = [job.key, *(one.key for one in notebooks)]
    assert apply_estate(target, keys, resources=estate).failures == ()
    assert plan_estate(target, [job.key], resources=estate).is_empty
    for one in (job, *notebooks):
        one.delete(Clients(target))
