"""What a step is told when it runs: its tables' physical names and places, and the range of days. Pure.

The other side is steps/_plan.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_assets.tables.model import Step, Table
from lakehouse.names import parse_table_name, volume_path
from lakehouse.targets import Target

LANDING_VOLUME, CHECKPOINTS_VOLUME = "flights.bronze.landing", "flights.ops.checkpoints"


def describe_plan(
    step: Step, target: Target, days: tuple[str, str] | None, daily: Mapping[str, bool]
) -> dict[str, Any]:
    """Return the extras of a run of the step over the days; `daily` tells which tables are loaded by day."""
    return {
        "step": step.name,
        "outputs": [describe_output(table, target) for table in step.tables],
        "inputs": {name: [parse_table_name(name).on(target), daily[name]] for name in step.reads},
        "landing": f"{volume_path(target, LANDING_VOLUME)}/{step.landing}" if step.landing else "",
        "checkpoint": f"{volume_path(target, CHECKPOINTS_VOLUME)}/{step.name}" if step.checkpoint else "",
        **({"start": days[0], "end": days[1]} if days else {}),
    }


def describe_output(table: Table, target: Target) -> dict[str, Any]:
    """Return what the step needs to know of a table it writes."""
    return {
        "name": table.name,
        "table": table.parsed.on(target),
        "asset_key": "/".join(table.parsed.key),
        "mode": table.mode,
        "columns": [list(column) for column in table.columns],
        "comment": table.comment,
        "daily": table.daily,
        "keys": list(table.keys),
        "statistics": list(table.statistics),
        "location": table_location(table, target),
        "blocking": [check.name for check in table.checks if check.blocking],
    }


def table_location(table: Table, target: Target) -> str | None:
    """Return where an external table lies."""
    return f"s3://{target.bucket('lake')}/{table.folder}" if table.folder else None
