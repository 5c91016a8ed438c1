"""Entry point of every step: take the plan from Pipes, read, transform, write, check, report.

`run-step` of the wheel. What a step computes is in its own module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesCliArgsParamsLoader, PipesContext, open_dagster_pipes

from ._checks import Check
from ._messages import VolumeMessageWriter, tee_output
from ._plan import InvalidPlan, Output, Plan, parse_plan
from ._run import StepRun
from ._write import Written, write_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def main() -> None:
    """Run the step that the orchestrator asked for."""
    loader = PipesCliArgsParamsLoader()  # type: ignore[no-untyped-call]
    with (
        open_dagster_pipes(params_loader=loader, message_writer=VolumeMessageWriter()) as pipes,
        tee_output(pipes.log_external_stream),
    ):
        run_step(pipes)


def run_step(pipes: PipesContext) -> None:
    """Do what the extras say and report it."""
    from pyspark.sql import SparkSession

    plan = parse_plan(pipes.extras)
    module = find_step(plan)
    run = StepRun(SparkSession.builder.getOrCreate(), plan)
    for output, frame in pair_outputs(plan, module.transform(run)):
        print(f"writing {output.name} ({output.mode}{_say_days(plan, output)})")
        report_output(pipes, run.spark, output, write_frame(run.spark, frame, output, plan))
    checks: Iterable[Check] = module.check(run) if hasattr(module, "check") else ()
    for check in checks:
        report_check(pipes, plan, check)


def find_step(plan: Plan) -> ModuleType:
    """Return the step's module.

    Raises:
        InvalidPlan: there is none.
    """
    name = f"{__package__}.{plan.step}"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise InvalidPlan(f"No step {plan.step}: this wheel has no module {name}") from None


def pair_outputs(plan: Plan, frames: DataFrame | Mapping[str, DataFrame]) -> list[tuple[Output, DataFrame]]:
    """Return each output with its frame.

    Raises:
        InvalidPlan: the transform did not return exactly the outputs.
    """
    named = frames if isinstance(frames, Mapping) else {plan.outputs[0].name: frames}
    wanted = [output.name for output in plan.outputs]
    if sorted(named) != sorted(wanted):
        raise InvalidPlan(f"{plan.step} must return {', '.join(wanted)}; it returned {', '.join(named)}")
    return [(output, named[output.name]) for output in plan.outputs]


def report_output(pipes: PipesContext, spark: SparkSession, output: Output, written: Written) -> None:
    """Report the table as it is now."""
    table = spark.table(output.table)
    columns = [{"name": field.name, "type": field.dataType.simpleString()} for field in table.schema.fields]
    described = {name: comment for name, _, comment in output.columns}
    schema = [{**column, "description": described.get(column["name"], "")} for column in columns]
    metadata: dict[str, Any] = {
        "rows_written": written.rows,
        "delta_version": written.version,
        "dagster/row_count": table.count(),
        "dagster/column_schema": {"type": "table_schema", "raw_value": {"columns": schema}},
    }
    pipes.report_asset_materialization(asset_key=output.asset_key, metadata=metadata)


def report_check(pipes: PipesContext, plan: Plan, check: Check) -> None:
    """Report a check's result."""
    print(f"check {check.name} of {check.output}: {'passed' if check.passed else 'FAILED'} {dict(check.metadata)}")
    pipes.report_asset_check(
        check_name=check.name,
        passed=check.passed,
        severity=check.severity,
        metadata=dict(check.metadata),
        asset_key=plan.output(check.output).asset_key,
    )


def _say_days(plan: Plan, output: Output) -> str:
    return f", {plan.days[0]} to {plan.days[1]}" if output.daily and plan.days else ""
