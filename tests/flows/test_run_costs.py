"""Costs of the runs: refused where the system tables are not granted, else what each task really used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from data_assets.definitions import defs
from demo.dagster_runs import QUIET
from demo.warehouse import QueryFailed, Warehouse
from lakehouse.names import table_key
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace

COSTS = "flights.ops.run_costs"
READ = [Privilege.USE_SCHEMA, Privilege.SELECT]


def calculate(raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("costs")
    return job.execute_in_process(run_config=QUIET, raise_on_error=raise_on_error)


def change(target: Target, **privileges: list[Privilege]) -> None:
    for schema in ("system.billing", "system.lakeflow"):
        changes = [PermissionsChange(principal=target.principals["pipeline"], **privileges)]
        open_workspace(target, "admin").grants.update("schema", schema, changes=changes)


@pytest.fixture(scope="module")
def refused(estate: Target) -> dg.ExecuteInProcessResult:
    """A run without the grants."""
    return calculate(raise_on_error=False)


@pytest.fixture(scope="module")
def calculated(estate: Target, refused: dg.ExecuteInProcessResult) -> Iterator[dg.ExecuteInProcessResult]:
    """A run with them."""
    change(estate, add=READ)
    yield calculate()
    change(estate, remove=READ)


def ask(target: Target, role: str, columns: str, where: str) -> list[tuple[Any, ...]]:
    statement = f"SELECT {columns} FROM {target.catalog('flights')}.ops.run_costs WHERE {where}"
    return list(Warehouse(target, role).ask(statement).rows)


def test_without_the_grants_it_says_what_is_to_be_granted(refused: dg.ExecuteInProcessResult) -> None:
    assert not refused.success
    failure = refused.failure_data_for_node("flights__ops__run_costs")
    assert failure is not None and failure.error is not None
    said = (failure.error.cause or failure.error).message
    assert "SystemTablesUnreadable: system." in said
    assert "GRANT USE SCHEMA, SELECT ON SCHEMA system." in said


def test_a_task_has_its_asset_its_dagster_run_and_what_it_used(
    estate: Target, refused: dg.ExecuteInProcessResult, calculated: dg.ExecuteInProcessResult
) -> None:
    columns = "asset, run_type, result, seconds, dbu, partitions"
    rows = ask(estate, "pipeline", columns, f"dagster_run = '{refused.run_id[:8]}'")
    assert rows, "the run that was refused ran, too"
    for asset, run_type, result, seconds, dbu, partitions in rows:
        assert (asset, run_type, result, partitions) == ("flights/ops/run_costs", "SUBMIT_RUN", "FAILED", None)
        assert seconds > 0 and dbu == pytest.approx(seconds / 3600, rel=1e-3)


def test_it_reports_what_it_shared_out(calculated: dg.ExecuteInProcessResult) -> None:
    (made,) = calculated.get_asset_materialization_events()
    assert made.asset_key == table_key(COSTS)
    metadata = made.materialization.metadata
    assert metadata["databricks/environment_version"].value == "4"
    assert metadata["databricks/task_keys"].value == "flights-ops-run_costs"
    passed = {check.check_name: check.passed for check in calculated.get_asset_check_evaluations()}
    assert passed["unique_keys"] and passed["bill_shared_out"]


def test_others_do_not_read_it(estate: Target, calculated: dg.ExecuteInProcessResult) -> None:
    with pytest.raises(QueryFailed, match="USE SCHEMA on Schema 'flights.ops'"):
        ask(estate, "analyst", "*", "true")
