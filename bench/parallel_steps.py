"""How gentle many steps at once are: REST calls of one Dagster run of 50 steps, that print much or work in silence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import dagster as dg
from databricks.sdk import WorkspaceClient

from bench.clients import make_ours, make_stock, upload_scripts
from bench.measurement import Measurement, compare_pairs
from bench.workspace import bench_workspace, count_calls
from lakehouse.executor import threaded_executor
from lakehouse.targets import Target, current_target
from lakehouse.workspace import open_workspace

STEPS, RUNS = 50, 3
# What each step does: by name of the comparison its script and what the record says of it.
BODIES = {
    "parallel_steps": (
        "import time; [(pipes.log.info(str(second)), time.sleep(1)) for second in range(5)]",
        "of five seconds with a log line a second",
    ),
    "silent_parallel_steps": ("import time; time.sleep(10)", "of ten seconds without a log line"),
}
MakeAsset = Callable[[Target, str], dg.AssetsDefinition]


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, tempfile.TemporaryDirectory() as home:
        admin = open_workspace(target, "admin")
        with dg.DagsterInstance.local_temp(home) as instance:
            return [_compare(target, admin, instance, name) for name in BODIES]


def _compare(target: Target, admin: WorkspaceClient, instance: dg.DagsterInstance, name: str) -> Measurement:
    body, words = BODIES[name]
    upload_scripts(target, body)
    pairs = [(_count_calls(admin, instance, ours_job), _count_calls(admin, instance, stock_job)) for _ in range(RUNS)]
    note = f"{STEPS} steps {words}; the workspace runs eight at a time"
    return compare_pairs(name, "calls", pairs, "parallel_steps", note)


def ours_job() -> dg.JobDefinition:
    """The steps through our client."""
    return _make_job(make_ours)


def stock_job() -> dg.JobDefinition:
    """The steps through the stock client."""
    return _make_job(make_stock)


def _make_job(make_asset: MakeAsset) -> dg.JobDefinition:
    assets = [make_asset(current_target(), f"step_{number}") for number in range(STEPS)]
    executor = threaded_executor.configured({"max_concurrent": STEPS})
    job = dg.define_asset_job("parallel", assets, executor_def=executor)
    return dg.Definitions(assets=assets, jobs=[job]).resolve_job_def("parallel")


def _count_calls(admin: WorkspaceClient, instance: dg.DagsterInstance, job: Callable[[], dg.JobDefinition]) -> float:
    """Return the calls that all steps together make."""
    with count_calls(admin) as calls, dg.execute_job(dg.reconstructable(job), instance) as result:
        assert result.success
    return float(calls.count)
