"""The Dagster step that reconciles an estate of 1,000 resources that are all as declared: what it adds to reconciling.

The peer does the same in the same process without Dagster: it applies, and plans once more, as the step does for its
checks. Ours is the step of a run of the estate's job with the project's executor and event log: a materialization and
a check for each resource.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg

from bench.measurement import Measurement, compare_pairs, spread, time_seconds
from bench.plan_scale import declare
from bench.workspace import bench_workspace, count_calls
from demo.dagster_runs import QUIET, open_instance, read_step_seconds
from lakehouse.executor import threaded_executor
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.assets import build_estate_asset
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate

NAME = "reconcile_step"
SIZE = 1000
RUNS = 3
ESTATE = (*RESOURCES, *declare(SIZE))[:SIZE]
_COMMAND = f"python -m bench {NAME}"
_WORDS = f"{SIZE:,} resources as declared; the peer applies and plans once more, as the step does"


def estate_job() -> dg.JobDefinition:
    """The estate's job over all of them."""
    asset = build_estate_asset(ESTATE)
    job = dg.define_asset_job("estate", dg.AssetSelection.assets(asset))
    return dg.Definitions(assets=[asset], jobs=[job], executor=threaded_executor).resolve_job_def("estate")


def measure() -> list[Measurement]:
    """Reconcile with and without Dagster in turn."""
    with bench_workspace() as target, tempfile.TemporaryDirectory() as home:
        report = apply_estate(target, resources=ESTATE)
        assert not report.failures, report.failures
        with open_instance(Path(home)) as instance:
            return list(_compare(target, instance))


def _compare(target: Target, instance: dg.DagsterInstance) -> Iterator[Measurement]:
    job = dg.reconstructable(estate_job)
    peer, admin = partial(_reconcile, target), open_workspace(target, "admin")
    with count_calls(admin) as our_calls:  # warms up as well
        run_id = _run_job(job, instance)
    with count_calls(admin) as peer_calls:
        peer()
    yield compare_pairs(f"{NAME}_calls", "calls", [(our_calls.count, peer_calls.count)], NAME, _WORDS)
    taken = [(*_time_run(job, instance), time_seconds(peer)) for _ in range(RUNS)]
    yield compare_pairs(NAME, "s", [(step, theirs) for step, _, theirs in taken], NAME, _WORDS)
    words = "the whole run, from asking for it: its job is built and 2,000 planned events are stored before the step"
    yield compare_pairs(f"{NAME}_run", "s", [(whole, theirs) for _, whole, theirs in taken], NAME, words)
    added = [step - theirs for step, _, theirs in taken]
    seconds = round(statistics.median(added), 3)
    yield Measurement(f"{NAME}_added", seconds, None, None, "s", RUNS, spread(added), _COMMAND, "ours less peer")
    events = len(instance.all_logs(run_id))
    yield Measurement(f"{NAME}_events", events, None, None, "events", 1, 0.0, _COMMAND, "stored for one run")


def _time_run(job: dg.ReconstructableJob, instance: dg.DagsterInstance) -> tuple[float, float]:
    """Run the job; return the seconds of its step and of all."""
    started = time.perf_counter()
    run_id = _run_job(job, instance)
    return sum(read_step_seconds(instance, run_id).values()), time.perf_counter() - started


def _run_job(job: dg.ReconstructableJob, instance: dg.DagsterInstance) -> str:
    with dg.execute_job(job, instance, run_config=QUIET) as result:
        assert result.success
        return result.run_id


def _reconcile(target: Target) -> None:
    assert apply_estate(target, resources=ESTATE).changed_nothing
    assert plan_estate(target, resources=ESTATE).is_empty
