"""The tables as assets: one multi-asset per step, made of the declarations in tables/.

Each runs its step as a serverless run of the steps wheel and reports what the step reports.
"""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from data_assets.lineage import list_dependencies
from data_assets.plans import table_location
from data_assets.remote_steps import TEAM, op_name, run_remotely
from data_assets.tables import STEPS as TABLE_STEPS
from data_assets.tables.model import Check, Column, Step, Table
from data_assets.tables.rules import require_tables
from lakehouse.names import table_key
from lakehouse.targets import Target, current_target
from lakehouse.wheels import STEPS as WHEEL

DAYS = dg.DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")
OWNER = f"team:{TEAM}"
# A failure of the service or of storage may pass; one of the code will not, and costs two more runs.
RETRY = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
DAILY = {table.name: table.daily for step in TABLE_STEPS for table in step.tables}
# What is of low criticality is not tried again: there is the next day's.
_CRITICAL = {"bronze": "high", "silver": "high", "gold": "medium", "ops": "low"}


def build_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of all steps.

    Raises:
        InvalidTables: something declared cannot be built; each problem is a line.
    """
    require_tables(TABLE_STEPS, WHEEL.source)
    target = current_target()
    return [build_step(step, target) for step in TABLE_STEPS]


def build_step(step: Step, target: Target) -> dg.AssetsDefinition:
    """Return the multi-asset of a step."""

    @dg.multi_asset(
        name=op_name(step),
        specs=[describe_table(step, table, target) for table in step.tables],
        check_specs=[describe_check(table, check) for table in step.tables for check in table.checks],
        partitions_def=DAYS if step.daily else None,
        backfill_policy=dg.BackfillPolicy.single_run() if step.daily else None,
        retry_policy=RETRY if _CRITICAL[step.tables[0].parsed.schema] != "low" else None,
        pool="serverless",
    )
    def run_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from run_remotely(context, step, DAILY)

    return run_step


def describe_table(step: Step, table: Table, target: Target) -> dg.AssetSpec:
    """Return a table's asset spec."""
    layer = table.parsed.schema
    return dg.AssetSpec(
        key=table_key(table.name),
        deps=list_dependencies(step, table),
        description=f"Table {table.name}: {table.comment}",
        group_name=f"{table.parsed.catalog}_{layer}",
        kinds={"databricks", "deltalake", "spark"},
        owners=[OWNER],
        tags={
            "domain": table.parsed.catalog,
            "layer": layer,
            "criticality": _CRITICAL[layer],
            "load": "daily" if table.daily else "whole",
        },
        code_version=version_of(step),
        automation_condition=when_input_is_new(step) if step.reads else None,
        metadata={
            "dagster/table_name": table.parsed.on(target),
            "dagster/column_schema": describe_columns(table.columns),
            **({"dagster/uri": place} if (place := table_location(table, target)) else {}),
        },
    )


def when_input_is_new(step: Step) -> dg.AutomationCondition[dg.AssetKey]:
    """Return the condition to build the step's tables: a table they are built of is new, and all are known to be good.

    Only tables count: a reconciled platform resource is materialized anew and changes no row. A table by day follows
    its days, not the reference data it looks names up in, which would ask for the whole year every morning. A table
    that is built as a whole is not kept waiting for days that have not landed.

    A day waits for its own checks alone. One whose last check failed, runs, or did not end is not known to be good; one
    without a check is what a person said to be there.
    """
    condition = dg.AutomationCondition
    triggers = [name for name in step.reads if DAILY[name] or not step.daily]
    needed = [name for name in step.reads if step.daily or not DAILY[name]]
    # not any_deps_updated, which passes over a run that was to build both: it may have stopped between the two
    is_new = condition.newly_updated() | condition.will_be_requested()
    is_open = ~(condition.check_passed() | condition.missing())
    not_good = condition.any_checks_match(is_open, blocking_only=True) & ~condition.missing()
    return (
        (condition.newly_missing() | condition.any_deps_match(is_new).allow(_select(triggers))).since_last_handled()
        & ~condition.any_deps_missing().allow(_select(needed))
        & ~condition.any_deps_in_progress().allow(_select(step.reads))
        & ~condition.any_deps_match(not_good).allow(_select(step.reads))
        & ~condition.in_progress()
    )


def _select(tables: Iterable[str]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(table_key(name) for name in tables))


def describe_check(table: Table, check: Check) -> dg.AssetCheckSpec:
    """Return the spec of a check that the step reports."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # Dagster's word for checks by partition
        return dg.AssetCheckSpec(
            check.name,
            asset=table_key(table.name),
            description=check.description,
            blocking=check.blocking,
            partitions_def=DAYS if table.daily else None,
        )


def describe_columns(columns: tuple[Column, ...]) -> dg.TableSchema:
    """Return the declared columns as Dagster shows them."""
    return dg.TableSchema([dg.TableColumn(name, kind.lower(), comment) for name, kind, comment in columns])


@cache
def version_of(step: Step) -> str:
    """Return the digest of the step's own file and of what all steps share."""
    folder = WHEEL.source
    own = folder / Path(*step.name.split(".")).with_suffix(".py")
    total = hashlib.sha256()
    for path in [own, *sorted(folder.glob("_*.py"))]:
        total.update(path.read_bytes())
    return total.hexdigest()[:12]
