"""Shells of tables on a real workspace: made, written into by a step, mended in place, and never at the data's cost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import ApplyReport
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Plan, Prune
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from tests.platform_assets.live.conftest import Gateway, run_sql

COUNTS = Table(
    "flights.silver.counts",
    columns=(
        Column("id", "BIGINT", "What's counted", nullable=False),
        Column("n", "DECIMAL(10, 2)"),
        Column("more", "STRUCT<First: INTEGER, b: ARRAY<STRING>>"),
    ),
    clustered_by=("id",),
    properties={"delta.appendOnly": "false"},
    other_columns="report",
    purpose="Counts",
)
OUTSIDE = Table(
    "flights.gold.by_day",
    columns=(Column("day", "DATE"), Column("n", "INT")),
    bucket="lake",
    folder="shells/by_day",
    partitioned_by=("day",),
)
SHELLS = (COUNTS, OUTSIDE)


def plan(target: Target, *tables: Resource) -> Plan:
    return plan_estate(target, ["table"], resources=(*RESOURCES, *tables))


def apply(target: Target, *tables: Resource) -> ApplyReport:
    return apply_estate(target, ["table"], resources=(*RESOURCES, *tables))


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply(applied, *SHELLS).failures == ()
    yield applied
    for table in SHELLS:
        table.delete(Clients(applied))


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply(target, *SHELLS).changed_nothing
    assert gateway.writes(since) == []


def test_they_are_what_was_declared(target: Target) -> None:
    api = Clients(target).workspace.tables
    inside, outside = (api.get(table.physical_name(target)) for table in SHELLS)
    assert (inside.comment, (inside.properties or {})["clusteringColumns"]) == ("Counts", '[["id"]]')
    first = next(iter(inside.columns or ()))
    assert (first.name, first.nullable, first.comment) == ("id", False, "What's counted")
    assert outside.storage_location == f"s3://{target.bucket('lake')}/shells/by_day"


def test_a_step_writes_into_its_shell_and_nobody_else_does(target: Target) -> None:
    """The pipeline adds a column as well, which the shell's plan shows and leaves."""
    assert run_sql(target, "pipeline", "INSERT INTO flights.silver.counts VALUES (1, 2.5, NULL)") == []
    assert run_sql(target, "pipeline", "ALTER TABLE flights.silver.counts ADD COLUMNS (_rescued STRING)") == []
    shown = plan(target, *SHELLS)
    assert shown.is_empty
    assert "undeclared_columns ['_rescued']" in explain_plan(shown)
    empty = "INSERT INTO flights.silver.counts VALUES (NULL, 1, NULL, NULL)"
    assert "NOT_NULL_CONSTRAINT" in str(run_sql(target, "pipeline", empty))
    for statement in ("INSERT INTO flights.gold.by_day VALUES (NULL, 1)", "DROP TABLE flights.gold.by_day"):
        assert "does not have" in str(run_sql(target, "analyst", statement))
    assert "USE SCHEMA" in str(run_sql(target, "analyst", "SELECT * FROM flights.silver.counts"))


def test_changes_are_made_in_place_and_the_rows_stay(target: Target) -> None:
    columns = (*COUNTS.columns[1:], COUNTS.columns[0]._replace(nullable=True), Column("new", "DATE", "Since today"))
    changed = replace(COUNTS, columns=columns, clustered_by=(), purpose="Other", properties={"owner.team": "data"})
    rows = run_sql(target, "pipeline", "SELECT count(*) FROM flights.silver.counts")
    assert apply(target, changed, OUTSIDE).failures == ()
    assert plan(target, changed, OUTSIDE).is_empty
    assert run_sql(target, "pipeline", "SELECT count(*) FROM flights.silver.counts") == rows


def test_what_the_data_forbids_is_blocked_by_name(target: Target) -> None:
    other = replace(OUTSIDE, columns=(Column("day", "STRING"),), partitioned_by=())
    shown = explain_plan(plan(target, other))
    for line in ("column day has the type date", "column n is not declared", "partitioned_by cannot be changed"):
        assert line in shown
    assert [result.key for result in apply(target, other).failures] == ["table/flights/gold/by_day"]
    assert plan(target, OUTSIDE).is_empty


def test_two_at_once_and_a_lost_answer_make_one_table(target: Target, gateway: Gateway) -> None:
    table = Table("flights.silver.raced", columns=(Column("id", "BIGINT"),))
    gateway.add_fault(method="POST", path="*/sql/statements*", drop="after", times=1)
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(lambda _: apply(target, table), range(2)))
    assert [report.failures for report in reports] == [(), ()]
    wider = replace(table, columns=(*table.columns, Column("more", "STRING")))
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(lambda _: apply(target, wider), range(2)))
    assert [report.failures for report in reports] == [(), ()]
    assert plan(target, wider).is_empty
    table.delete(Clients(target))


def test_pruning_spares_data_unless_it_is_named(target: Target) -> None:
    undeclared = plan_estate(target, find_undeclared=True).undeclared
    assert {"table/flights/silver/counts", "table/flights/gold/by_day"} <= set(undeclared)
    spared = apply_estate(target, prune=Prune(True))
    assert {result.key for result in spared.failures} >= {"table/flights/gold/by_day"}
    apply_estate(target, prune=Prune(True, {"table/flights/gold/by_day"}))
    assert "table/flights/gold/by_day" not in plan_estate(target, find_undeclared=True).undeclared
    assert apply(target, OUTSIDE).failures == (), "an external table's files outlive it"
