"""How live a step is and what that costs: when its lines are in Dagster, and the REST calls of a minute of it.

A line says when it was printed; Dagster says when it took it up. Both clocks are this machine's.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import dagster as dg
from databricks.sdk import WorkspaceClient

from bench.clients import make_ours, make_stock, materialize_one, upload_scripts
from bench.measurement import Measurement, compare_pairs
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
    slowest_log_line: float  # the same of the slowest of them
    calls_per_run_minute: float


UNITS = {"first_log_line": "s", "log_line_delay": "s", "slowest_log_line": "s", "calls_per_run_minute": "calls"}


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        upload_scripts(target, BODY)
        admin = open_workspace(target, "admin")
        ours, stock = make_ours(target, "lines"), make_stock(target, "lines")
        for asset in (ours, stock):
            _observe(admin, instance, asset)
        pairs = [(_observe(admin, instance, ours), _observe(admin, instance, stock)) for _ in range(RUNS)]
    note = f"a step of {SECONDS} s with a log line a second, dg.materialize with an ephemeral instance, local workspace"
    return [compare_pairs(name, unit, _values(pairs, name), "log_lines", note) for name, unit in UNITS.items()]


def _values(pairs: list[tuple[Liveness, Liveness]], name: str) -> list[tuple[float, float]]:
    return [(getattr(ours, name), getattr(stock, name)) for ours, stock in pairs]


def _observe(admin: WorkspaceClient, instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> Liveness:
    with count_calls(admin) as calls:
        run_id = materialize_one(asset, instance)
    (step,) = instance.get_run_step_stats(run_id)
    assert step.start_time and step.end_time
    events = instance.all_logs(run_id)
    lines = [(one.timestamp, one.user_message) for one in events if one.user_message.startswith(MARK)]
    assert len(lines) == SECONDS
    delays = [taken_up - float(line.removeprefix(MARK)) for taken_up, line in lines]
    minutes = (step.end_time - step.start_time) / 60
    return Liveness(
        first_log_line=lines[0][0] - step.start_time,
        log_line_delay=statistics.median(delays),
        slowest_log_line=max(delays),
        calls_per_run_minute=calls.count / minutes,
    )
