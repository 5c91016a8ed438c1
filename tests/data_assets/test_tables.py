"""Declarations and steps belong together; what a step is told is what it reads; the asset specs are as recorded."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from data_assets.assets import DAILY, build_assets, version_of
from data_assets.plans import describe_plan
from data_assets.steps._plan import InvalidPlan, parse_plan
from data_assets.tables import STEPS, Step
from lakehouse.targets import local_target
from lakehouse.wheels import STEPS as WHEEL

TARGET = local_target(Path("/state"))
STEP_IDS = [step.name for step in STEPS]


def step_files() -> set[str]:
    found = (path.relative_to(WHEEL.source).with_suffix("").parts for path in WHEEL.source.rglob("*.py"))
    return {".".join(parts) for parts in found if len(parts) == 3 and not parts[-1].startswith("_")}


def file_of(step: Step) -> Path:
    return WHEEL.source / Path(*step.name.split(".")).with_suffix(".py")


def test_every_step_has_its_file_and_every_file_its_step() -> None:
    assert step_files() == set(STEP_IDS)


def test_tables_are_built_once_and_of_what_is_built() -> None:
    names = [table.name for step in STEPS for table in step.tables]
    assert len(names) == len(set(names))
    assert {name for step in STEPS for name in step.reads} <= set(names)


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_a_step_transforms_and_checks(step: Step) -> None:
    functions = {node.name for node in ast.parse(file_of(step).read_text()).body if isinstance(node, ast.FunctionDef)}
    assert "transform" in functions
    assert ("check" in functions) is any(table.checks for table in step.tables)


@pytest.mark.parametrize("step", STEPS, ids=STEP_IDS)
def test_what_is_told_is_what_is_read(step: Step) -> None:
    days = ("2013-01-01", "2013-01-31") if step.daily else None
    plan = parse_plan(json.loads(json.dumps(describe_plan(step, TARGET, days, DAILY))))
    assert plan.step == step.name and plan.days == days
    for table, output in zip(step.tables, plan.outputs, strict=True):
        assert output.columns == tuple(tuple(column) for column in table.columns)
        assert (output.mode, output.keys, output.daily) == (table.mode, table.keys, table.daily)
    assert set(plan.inputs) == set(step.reads)


@pytest.mark.parametrize("step", [step for step in STEPS if step.daily], ids=lambda step: step.name)
def test_a_daily_step_without_its_days_does_nothing(step: Step) -> None:
    with pytest.raises(InvalidPlan, match=f"{step.name} is loaded by day, but got no range"):
        parse_plan(describe_plan(step, TARGET, None, DAILY))


@pytest.mark.parametrize("extras", [{}, {"outputs": [], "inputs": {}}, {"outputs": [{"name": "x"}], "inputs": {}}])
def test_extras_that_say_nothing_are_refused(extras: dict[str, Any]) -> None:
    with pytest.raises(InvalidPlan, match="cannot be read"):
        parse_plan(extras)


@given(st.dates(), st.integers(0, 400))
def test_the_days_of_a_range_are_all_its_days(first: Any, length: int) -> None:
    from datetime import timedelta

    try:
        last = first + timedelta(length)
    except OverflowError:
        return
    (bronze, *_) = STEPS
    plan = parse_plan(describe_plan(bronze, TARGET, (str(first), str(last)), DAILY))
    days = plan.list_days()
    assert (days[0], days[-1], len(days)) == (str(first), str(last), length + 1)


def test_another_step_file_is_another_code_version() -> None:
    assert len({version_of(step) for step in STEPS}) == len(STEPS)


def describe(spec: dg.AssetSpec) -> dict[str, Any]:
    return {
        "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
        "group": spec.group_name,
        "kinds": sorted(spec.kinds),
        "owners": list(spec.owners),
        "tags": {name: value for name, value in sorted(spec.tags.items()) if not name.startswith("dagster/kind")},
        "table": spec.metadata["dagster/table_name"],
        "columns": [f"{column.name} {column.type}" for column in spec.metadata["dagster/column_schema"].columns],
        "partitioned": spec.partitions_def is not None,
        "automated": spec.automation_condition is not None,
    }


def test_asset_specs(snapshot: SnapshotAssertion) -> None:
    specs = [spec for asset in build_assets() for spec in asset.specs]
    assert {spec.key.to_user_string(): describe(spec) for spec in specs} == snapshot


def test_a_range_is_one_run() -> None:
    daily = [asset for asset in build_assets() if asset.partitions_def is not None]
    assert len(daily) == 3
    assert all(asset.backfill_policy == dg.BackfillPolicy.single_run() for asset in daily)
