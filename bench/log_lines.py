"""How live a step is and what that costs: when its lines are in Dagster, and the REST calls of a minute of it.

A line says when it was printed; Dagster says when it took it up. Both clocks are this machine's.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import dagster as dg
from dagster import DagsterEventType
from databricks.sdk import WorkspaceClient

from bench.clients import make_ours, make_stock, materialize_one, upload_scripts
from bench.measurement import Measurement, compare_values
from bench.workspace import bench_workspace, count_calls
from lakehouse.workspace import open_workspace

SECONDS, RUNS = 30, 3
MARK = "printed at "
BODY = f"import time; [(pipes.log.info('{MARK}' + str(time.time())), time.sleep(1)) for _ in range({SECONDS})]"


@dataclass(frozen=True)
class Liveness:
    """What one run of the step showed."""

    first_log_line: float  # s from the step's start in Dagster
    log_line_delay: float  # s from a line's print to Dagster, median of the run's lines
    calls_per_run_minute: float


UNITS = {"first_log_line": "s", "log_line_delay": "s", "calls_per_run_minute": "calls"}


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        upload_scripts(target, BODY)
        admin = open_workspace(target, "admin")
        assets = make_ours(target, "lines"), make_stock(target, "lines")
        for asset in assets:
            _observe(admin, instance, asset)
        pairs = [tuple(_observe(admin, instance, asset) for asset in assets) for _ in range(RUNS)]
        return list(_compare(pairs))


def _compare(pairs: list[tuple[Liveness, ...]]) -> Iterator[Measurement]:
    note = f"a step of {SECONDS} s with a log line a second, dg.materialize with an ephemeral instance, local workspace"
    for name in (field.name for field in fields(Liveness)):
        ours, stock = ([getattr(one, name) for one in side] for side in zip(*pairs, strict=True))
        yield compare_values(name, UNITS[name], iter(ours).__next__, iter(stock).__next__, RUNS, note, "log_lines")


def _observe(admin: WorkspaceClient, instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> Liveness:
    with count_calls(admin) as calls:
        run_id = materialize_one(asset, instance)
    events = instance.all_logs(run_id)
    (began,) = (one.timestamp for one in events if _is(one, DagsterEventType.STEP_START))
    (ended,) = (one.timestamp for one in events if _is(one, DagsterEventType.STEP_SUCCESS))
    lines = [(one.timestamp, one.user_message) for one in events if one.user_message.startswith(MARK)]
    assert len(lines) == SECONDS
    delays = [taken_up - float(line.removeprefix(MARK)) for taken_up, line in lines]
    minutes = (ended - began) / 60
    return Liveness(lines[0][0] - began, statistics.median(delays), calls.count / minutes)


def _is(event: Any, kind: DagsterEventType) -> bool:
    return event.dagster_event is not None and event.dagster_event.event_type is kind
