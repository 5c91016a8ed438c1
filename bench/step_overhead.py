"""What a step costs that does nothing: from the step's start in Dagster to its end, on the same workspace.

Ours is `lakehouse.serverless`; the peer is dagster-databricks' serverless Pipes client with its defaults. Each script
opens Pipes with the message writer that goes with its client.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from bench.measurement import Measurement, compare
from bench.workspace import bench_workspace
from lakehouse.names import volume_path
from lakehouse.serverless import ServerlessRuns
from lakehouse.targets import Target
from lakehouse.wheels import STEPS, STEPS_VOLUME
from lakehouse.workspace import open_workspace

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

PIPES = "flights.ops.pipes"
_OPEN = "with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader(), message_writer={writer}()) as pipes: pass\n"
_OURS = (
    "from dagster_pipes import PipesCliArgsParamsLoader, open_dagster_pipes\n"
    f"from {STEPS.package}._messages import VolumeMessageWriter\n" + _OPEN.format(writer="VolumeMessageWriter")
)
_STOCK = (
    "from dagster_pipes import PipesCliArgsParamsLoader, PipesUnityCatalogVolumesContextLoader\n"
    "from dagster_pipes import PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes\n"
    + _OPEN.format(writer="PipesUnityCatalogVolumesMessageWriter").replace(
        "params_loader", "context_loader=PipesUnityCatalogVolumesContextLoader(), params_loader"
    )
)


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        ours = _make_asset("ours", _run_ours(target, _upload(target, "ours", _OURS)))
        stock = _make_asset("stock", _run_stock(target, _upload(target, "stock", _STOCK)))
        note = "a step that does nothing, dg.materialize with an ephemeral instance, local workspace"
        run = partial(_materialize, instance)
        return [compare("step_overhead", partial(run, ours), partial(run, stock), runs=5, note=note)]


def _materialize(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> None:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    assert dg.materialize([asset], instance=instance, run_config=quiet).success


def _make_asset(name: str, run: Callable[[Any], Any]) -> dg.AssetsDefinition:
    @dg.asset(name=name)
    def step(context) -> Iterator[Any]:  # type: ignore[no-untyped-def]  # Dagster wants its own annotation or none
        yield from run(context).get_results()

    return step


def _run_ours(target: Target, script: str) -> Callable[[Any], Any]:
    runs = ServerlessRuns(open_workspace(target, "pipeline"), volume_path(target, PIPES))
    task, environments = _describe(target, script)
    return lambda context: runs.run(context=context, task=task, environments=environments)


def _run_stock(target: Target, script: str) -> Callable[[Any], Any]:
    from dagster_databricks.pipes import PipesDatabricksServerlessClient

    client = PipesDatabricksServerlessClient(open_workspace(target, "pipeline"), volume_path(target, PIPES))
    task, environments = _describe(target, script)
    return lambda context: client.run(context=context, task=task, submit_args={"environments": environments})


def _upload(target: Target, name: str, code: str) -> str:
    path = f"{volume_path(target, STEPS_VOLUME)}/bench/{name}.py"
    open_workspace(target, "deployer").files.upload(path, io.BytesIO(code.encode()), overwrite=True)
    return path


def _describe(target: Target, script: str) -> tuple[SubmitTask, list[JobEnvironment]]:
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

    wheel = f"{volume_path(target, STEPS_VOLUME)}/{STEPS.file_name}"
    environment = Environment(environment_version=target.environment_version, dependencies=[wheel])
    task = SubmitTask("noop", spark_python_task=SparkPythonTask(script), environment_key="default")
    return task, [JobEnvironment("default", environment)]
