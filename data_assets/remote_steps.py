"""Steps as serverless runs of the steps wheel: what is submitted for a step, and which steps of a run go together."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from data_assets.partition_reports import report
from data_assets.plans import describe_plan
from data_assets.tables import STEPS
from data_assets.tables.model import Step
from lakehouse.names import volume_path
from lakehouse.targets import Target, current_target
from lakehouse.wheels import STEPS as WHEEL
from lakehouse.wheels import STEPS_VOLUME

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

    from lakehouse.serverless import FusedStep

PIPES_VOLUME = "flights.ops.pipes"
ENVIRONMENT = "steps"
TEAM = "data-platform"  # which owns the tables, and answers for the bill


def run_remotely(context: dg.AssetExecutionContext, step: Step, daily: Mapping[str, bool]) -> Iterator[Any]:
    """Run the step on the target and yield what it reports; `daily` tells which tables are loaded by day."""
    from lakehouse.serverless import JOB_RUN_TAG, ServerlessRuns
    from lakehouse.workspace import open_workspace

    target = current_target()
    runs = ServerlessRuns(
        open_workspace(target, "pipeline"),
        volume_path(target, PIPES_VOLUME),
        target.call_deadline_seconds,
        target.budget_policy_id,
    )
    extras = describe_plan(step, target, find_days(context, step), daily)
    if collected := context.run.tags.get(JOB_RUN_TAG):
        invocation = runs.collect(context=context, run_id=int(collected), task_key=task_key(step), extras=extras)
    else:
        invocation = runs.run(
            context=context,
            task=describe_task(step),
            environments=[describe_environment(target)],
            extras=extras,
            timeout_seconds=target.step_timeout_seconds,
            fused=partial(list_fused, context, target, daily),
        )
    yield from report(context, invocation.get_results(implicit_materializations=False))


def describe_environment(target: Target) -> "JobEnvironment":
    """Return the environment that steps run in: the steps wheel, on the target's version."""
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobEnvironment

    wheel = f"{volume_path(target, STEPS_VOLUME)}/{WHEEL.file_name}"
    spec = Environment(environment_version=target.environment_version, dependencies=[wheel])
    return JobEnvironment(ENVIRONMENT, spec)


def list_fused(context: dg.AssetExecutionContext, target: Target, daily: Mapping[str, bool]) -> list["FusedStep"]:
    """Return all steps of the Dagster run, each with its task; a task waits for those whose tables it reads."""
    from lakehouse.serverless import FusedStep, contexts_of_run

    contexts = contexts_of_run(context)
    members = [step for step in STEPS if op_name(step) in contexts]
    fused = []
    for step in members:
        own = contexts[op_name(step)]
        task = describe_task(step, find_before(step, members))
        fused.append(FusedStep(own, task, describe_plan(step, target, find_days(own, step), daily)))
    return fused


def find_before(step: Step, members: Sequence[Step]) -> list[Step]:
    """Return those of the steps whose tables the step reads."""
    return [other for other in members if any(table.name in step.reads for table in other.tables)]


def describe_task(step: Step, before: list[Step] | None = None) -> "SubmitTask":
    """Return the step as a task, to run when those before it have succeeded."""
    from databricks.sdk.service.jobs import PythonWheelTask, SubmitTask, TaskDependency

    return SubmitTask(
        task_key(step),
        description=f"{', '.join('/'.join(table.parsed.key) for table in step.tables)} (team {TEAM})",
        python_wheel_task=PythonWheelTask(package_name=WHEEL.package, entry_point="run-step"),
        environment_key=ENVIRONMENT,
        depends_on=[TaskDependency(task_key(other)) for other in before or ()] or None,
    )


def find_days(context: dg.AssetExecutionContext, step: Step) -> tuple[str, str] | None:
    """Return the first and last day of the run; a table without days may be part of a run over some."""
    if not step.daily:
        return None
    keys = context.partition_key_range
    return keys.start, keys.end


def op_name(step: Step) -> str:
    """Return what Dagster calls the step."""
    return step.name.replace(".", "__")


def task_key(step: Step) -> str:
    """Return what the step is called in a remote run."""
    return step.name.replace(".", "-")
