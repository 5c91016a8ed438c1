"""The two clients that are compared: ours and dagster-databricks' serverless Pipes client with its defaults.

Each script opens Pipes with the message writer that goes with its client.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from demo.dagster_runs import QUIET
from lakehouse.names import volume_path
from lakehouse.serverless import FusedStep, ServerlessRuns, contexts_of_run
from lakehouse.targets import Target
from lakehouse.wheels import STEPS, STEPS_VOLUME
from lakehouse.workspace import open_workspace

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

PIPES = "flights.ops.pipes"
_OPEN = "with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader(), message_writer={writer}()) as pipes:\n"
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


def upload_scripts(target: Target, body: str) -> None:
    """Upload what both clients' assets run: `body`, a line of Python that may use `pipes`."""
    _upload(target, "ours", _OURS + f"    {body}\n")
    _upload(target, "stock", _STOCK + f"    {body}\n")


def make_ours(target: Target, name: str) -> dg.AssetsDefinition:
    """Return an asset that runs our script through our client."""
    runs = ServerlessRuns(open_workspace(target, "pipeline"), volume_path(target, PIPES))
    task, environments = describe_task(target, script_path(target, "ours"))
    return _make_asset(name, lambda context: runs.run(context=context, task=task, environments=environments))


def make_fused(target: Target, name: str, before: Mapping[str, str | None]) -> dg.AssetsDefinition:
    """Return one of the assets that may share a remote run; `before`: of each of them, the one it depends on."""
    from databricks.sdk.service.jobs import TaskDependency

    runs = ServerlessRuns(open_workspace(target, "pipeline"), volume_path(target, PIPES))

    def describe(name: str, members: Container[str] = ()) -> Any:
        task, environments = describe_task(target, script_path(target, "ours"))
        task.task_key = name
        if (first := before[name]) is not None and first in members:
            task.depends_on = [TaskDependency(first)]
        return task, environments

    def fuse(context: dg.AssetExecutionContext) -> list[FusedStep]:
        own = contexts_of_run(context)
        return [FusedStep(own[each], describe(each, own)[0], {}) for each in before if each in own]

    def run(context: dg.AssetExecutionContext) -> Any:
        task, environments = describe(name)
        return runs.run(context=context, task=task, environments=environments, fused=lambda: fuse(context))

    return _make_asset(name, run, before[name])


def make_stock(target: Target, name: str) -> dg.AssetsDefinition:
    """Return the same through the stock client."""
    from dagster_databricks.pipes import PipesDatabricksServerlessClient

    client = PipesDatabricksServerlessClient(open_workspace(target, "pipeline"), volume_path(target, PIPES))
    task, environments = describe_task(target, script_path(target, "stock"))
    submit_args = {"environments": environments}
    return _make_asset(name, lambda context: client.run(context=context, task=task, submit_args=submit_args))


def materialize_one(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> str:
    """Run the asset's step in this thread and return the Dagster run's id."""
    result = dg.materialize([asset], instance=instance, run_config=QUIET)
    assert result.success
    return result.run_id


def _make_asset(name: str, run: Callable[[Any], Any], before: str | None = None) -> dg.AssetsDefinition:
    @dg.asset(name=name, deps=[before] if before else [])
    def step(context) -> Iterator[Any]:  # type: ignore[no-untyped-def]  # Dagster wants its own annotation or none
        yield from run(context).get_results()

    return step


def script_path(target: Target, name: str) -> str:
    """Return where the script of "ours" or "stock" lies."""
    return f"{volume_path(target, STEPS_VOLUME)}/bench/{name}.py"


def _upload(target: Target, name: str, code: str) -> None:
    content = io.BytesIO(code.encode())
    open_workspace(target, "deployer").files.upload(script_path(target, name), content, overwrite=True)


def describe_task(target: Target, script: str) -> tuple[SubmitTask, list[JobEnvironment]]:
    """Return a script as a task, and the environment it runs in."""
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

    wheel = f"{volume_path(target, STEPS_VOLUME)}/{STEPS.file_name}"
    environment = Environment(environment_version=target.environment_version, dependencies=[wheel])
    task = SubmitTask("noop", spark_python_task=SparkPythonTask(script), environment_key="default")
    return task, [JobEnvironment("default", environment)]
