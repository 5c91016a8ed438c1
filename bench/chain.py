"""Five steps, one after the other, that do nothing, on serverless compute that takes 20 s to start: fused and not."""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import partial
from typing import Any

import dagster as dg

from bench.clients import PIPES, describe_task, script_path, upload_scripts
from bench.measurement import Measurement, compare
from bench.workspace import bench_workspace
from lakehouse.names import volume_path
from lakehouse.serverless import FUSION_TAG, FusedStep, ServerlessRuns, contexts_of_run
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace

NAMES = [f"table_{number}" for number in range(1, 6)]
BEFORE = dict(zip(NAMES[1:], NAMES, strict=False))
COLD_START_S = 20
RUNS = 3


def measure() -> list[Measurement]:
    """Compare the same chain as one remote run and as five."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        upload_scripts(target, "pass")
        admin = open_workspace(target, "admin").api_client
        admin.do("PUT", "/local/serverless", body={"cold_start_seconds": COLD_START_S})
        assets = [_make(target, name) for name in NAMES]
        note = f"5 steps in a row that do nothing, a cold start of {COLD_START_S} s per remote run; the peer: unfused"
        fused, apart = (partial(_materialize, assets, instance, fusion) for fusion in ("on", "off"))
        return [compare("chain", fused, apart, runs=RUNS, note=note)]


def _materialize(assets: list[dg.AssetsDefinition], instance: dg.DagsterInstance, fusion: str) -> None:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    assert dg.materialize(assets, instance=instance, run_config=quiet, tags={FUSION_TAG: fusion}).success


def _make(target: Target, name: str) -> dg.AssetsDefinition:
    from databricks.sdk.service.jobs import TaskDependency

    runs = ServerlessRuns(open_workspace(target, "pipeline"), volume_path(target, PIPES))

    def describe(name: str, members: Container[str] = ()) -> Any:
        task, environments = describe_task(target, script_path(target, "ours"))
        task.task_key = name
        if BEFORE.get(name) in members:
            task.depends_on = [TaskDependency(BEFORE[name])]
        return task, environments

    def fuse(context: dg.AssetExecutionContext) -> list[FusedStep]:
        own = contexts_of_run(context)
        return [FusedStep(own[each], describe(each, own)[0], {}) for each in NAMES if each in own]

    @dg.asset(name=name, deps=[BEFORE[name]] if name in BEFORE else [])
    def step(context) -> Iterator[Any]:  # type: ignore[no-untyped-def]  # Dagster wants its own annotation or none
        task, environments = describe(name)
        invocation = runs.run(context=context, task=task, environments=environments, fused=lambda: fuse(context))
        yield from invocation.get_results()

    return step
