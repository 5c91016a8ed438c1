"""How gentle 50 steps at once are: REST calls of a Dagster run of them, that print much, report, or say nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial

import dagster as dg
from databricks.sdk import WorkspaceClient

from bench.clients import make_fused, make_ours, make_stock, upload_scripts
from bench.measurement import Measurement, compare_pairs
from bench.workspace import bench_workspace, count_calls
from lakehouse.executor import threaded_executor
from lakehouse.targets import Target, current_target
from lakehouse.workspace import open_workspace

STEPS, RUNS = 50, 3
NAMES = [f"step_{number}" for number in range(STEPS)]
TALKATIVE = (
    "import time; [(pipes.log.info(str(second)), time.sleep(1)) for second in range(5)]",
    "of five seconds with a log line a second",
)
SILENT = ("import time; time.sleep(10)", "of ten seconds without a log line")
REPORTING = (
    "import time; time.sleep(10); pipes.report_asset_materialization(metadata={'rows': 1})",
    "of ten seconds that then report their table",
)
SHARED = "ours in one run, the peer's in a run each"


MakeAsset = Callable[[Target, str], dg.AssetsDefinition]
MakeJob = Callable[[], dg.JobDefinition]


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, tempfile.TemporaryDirectory() as home:
        admin = open_workspace(target, "admin")
        with dg.DagsterInstance.local_temp(home) as instance:
            compare = partial(_compare, target, admin, instance)
            return [
                compare("parallel_steps", TALKATIVE, apart_job, "a run each"),
                compare("silent_parallel_steps", SILENT, apart_job, "a run each"),
                compare("fused_parallel_steps", SILENT, fused_job, SHARED),
                compare("fused_reporting_steps", REPORTING, fused_job, SHARED),
            ]


def _compare(
    target: Target,
    admin: WorkspaceClient,
    instance: dg.DagsterInstance,
    name: str,
    body: tuple[str, str],
    ours: MakeJob,
    how: str,
) -> Measurement:
    upload_scripts(target, body[0])
    pairs = [(_count_calls(admin, instance, ours), _count_calls(admin, instance, stock_job)) for _ in range(RUNS)]
    note = f"{STEPS} steps {body[1]}, {how}; the workspace runs eight at a time"
    return compare_pairs(name, "calls", pairs, "parallel_steps", note)


def apart_job() -> dg.JobDefinition:
    """The steps through our client, each in a run of its own."""
    return _make_job(make_ours)


def fused_job() -> dg.JobDefinition:
    """The steps through our client, in one run: as our assets are, unless they are told otherwise."""
    return _make_job(partial(make_fused, before=dict.fromkeys(NAMES)))


def stock_job() -> dg.JobDefinition:
    """The steps through the stock client."""
    return _make_job(make_stock)


def _make_job(make_asset: MakeAsset) -> dg.JobDefinition:
    assets = [make_asset(current_target(), name) for name in NAMES]
    executor = threaded_executor.configured({"max_concurrent": STEPS})
    job = dg.define_asset_job("parallel", assets, executor_def=executor)
    return dg.Definitions(assets=assets, jobs=[job]).resolve_job_def("parallel")


def _count_calls(admin: WorkspaceClient, instance: dg.DagsterInstance, job: MakeJob) -> float:
    """Return the calls that all steps together make."""
    with count_calls(admin) as calls, dg.execute_job(dg.reconstructable(job), instance) as result:
        assert result.success
    return float(calls.count)
