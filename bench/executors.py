"""Which executor: ten steps that wait half a second each, five side by side then a chain of five, in one Dagster run.

Ours is the threaded executor; the peers are Dagster's in-process and multiprocess (spawn) executors.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial

import dagster as dg

from bench.measurement import Measurement, compare
from lakehouse.executor import threaded_executor

WAIT_S = 0.5


def _wait_step(name: str, after: list[str]) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=after)
    def wait_for_remote() -> None:
        time.sleep(WAIT_S)

    return wait_for_remote


_SIDE = [f"side_{number}" for number in range(5)]
_CHAIN = [f"chain_{number}" for number in range(5)]
STEPS = [_wait_step(name, []) for name in _SIDE]
STEPS += [_wait_step(name, _SIDE if number == 0 else [_CHAIN[number - 1]]) for number, name in enumerate(_CHAIN)]


def _job_with(executor: dg.ExecutorDefinition) -> dg.JobDefinition:
    job = dg.define_asset_job("waiting", STEPS, executor_def=executor)
    return dg.Definitions(assets=STEPS, jobs=[job]).resolve_job_def("waiting")


def threaded_job() -> dg.JobDefinition:
    """The job in threads of one process."""
    return _job_with(threaded_executor)


def in_process_job() -> dg.JobDefinition:
    """The job one step after the other."""
    return _job_with(dg.in_process_executor)


def multiprocess_job() -> dg.JobDefinition:
    """The job with a process per step."""
    return _job_with(dg.multiprocess_executor.configured({"max_concurrent": 8}))


def measure() -> list[Measurement]:
    """Compare ours with both peers."""
    with tempfile.TemporaryDirectory() as home, dg.DagsterInstance.local_temp(home) as instance:

        def execute(job: Callable[[], dg.JobDefinition]) -> None:
            with dg.execute_job(dg.reconstructable(job), instance) as result:
                assert result.success

        peers = {"executor_in_process": in_process_job, "executor_multiprocess": multiprocess_job}
        return [
            compare(name, partial(execute, threaded_job), partial(execute, peer), runs=3)
            for name, peer in peers.items()
        ]
