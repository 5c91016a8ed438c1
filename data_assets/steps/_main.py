"""Entry point of every step: take the plan from Pipes, read, transform, write, check, report.

`run-step` of the wheel. What a step computes is in its own module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesCliArgsParamsLoader, PipesContext, PipesParamsLoader, open_dagster_pipes

from ._checks import Check
from ._job import JobParamsLoader
from ._messages import VolumeMessageWriter, tee_output
from ._plan import InvalidPlan, Output, Plan, parse_plan
from ._progress import say_progress
from ._run import StepRun
from ._write import Written, write_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    Frames = DataFrame | Mapping[str, DataFrame] | Iterator[DataFrame]


class BlockingCheckFailed(Exception):
    """A table was found bad: the task fails, so that no task after it builds on it."""


def main() -> None:
    """Run the step that Dagster, or a job of Databricks, asked for.

    Raises:
        BlockingCheckFailed: after everything has been reported.
    """
    loader: PipesParamsLoader = JobParamsLoader(sys.argv[1:])
    if not loader.is_dagster_pipes_process():
        loader = PipesCliArgsParamsLoader()  # type: ignore[no-untyped-call]
    with (
        open_dagster_pipes(params_loader=loader, message_writer=VolumeMessageWriter()) as pipes,
        tee_output(pipes.log_external_stream),
    ):
        blocking = run_step(pipes)
    if blocking:
        raise BlockingCheckFailed(", ".join(f"{check.name} of {check.output}" for check in blocking))


def run_step(pipes: PipesContext) -> list[Check]:
    """Do what the extras say and report it; return the checks that failed and block what comes after."""
    from pyspark.sql import SparkSession

    plan = parse_plan(pipes.extras)
    module = find_step(plan)
    run = StepRun(SparkSession.builder.getOrCreate(), plan)
    with say_progress(run.spark):
        written = write_outputs(run, module)
        checks = list(module.check(run)) if hasattr(module, "check") else []
    for check in checks:
        report_check(pipes, plan, check)
    for metadata, output in zip(describe_outputs(run, written, checks), plan.outputs, strict=True):
        pipes.report_asset_materialization(asset_key=output.asset_key, metadata=metadata)
    return [check for check in checks if blocks(plan, check)]


def blocks(plan: Plan, check: Check) -> bool:
    """Say whether the check failed and nothing may be built on its table."""
    return not check.passed and check.severity == "ERROR" and check.name in plan.output(check.output).blocking


def write_outputs(run: StepRun, module: ModuleType) -> dict[str, Written]:
    """Write what the module makes, several tables side by side; return what was written to each output."""
    frames = module.transform(run)
    pairs = pair_outputs(run.plan, frames)
    written: dict[str, Written] = {}
    with ThreadPoolExecutor(max(len(run.plan.outputs), 1)) as threads:
        side_by_side = isinstance(frames, Mapping)  # else each frame once the one before it has been written
        for output, done in (threads.map if side_by_side else map)(lambda pair: _write(run, *pair), pairs):
            written[output.name] = written[output.name].and_then(done) if output.name in written else done
    _require_outputs(run.plan, written)
    return written


def _write(run: StepRun, output: Output, frame: DataFrame) -> tuple[Output, Written]:
    print(f"writing {output.name} ({output.mode}{_say_days(run.plan, output)})")
    done = write_frame(run.spark, frame, output, run.plan)
    print(f"wrote {done.rows} rows into {output.name}, version {done.version}")
    return output, done


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


def pair_outputs(plan: Plan, frames: Frames) -> Iterator[tuple[Output, DataFrame]]:
    """Yield each output with its frame; of an iterator, the next frame only when the one before has been written.

    Raises:
        InvalidPlan: the transform did not return exactly the outputs.
    """
    first = plan.outputs[0]
    if isinstance(frames, Iterator):
        yield from ((first, frame) for frame in frames)
        return
    named = frames if isinstance(frames, Mapping) else {first.name: frames}
    _require_outputs(plan, named)
    yield from ((output, named[output.name]) for output in plan.outputs)


def describe_outputs(run: StepRun, written: Mapping[str, Written], checks: Iterable[Check]) -> Iterator[dict[str, Any]]:
    """Yield the metadata of each output's table as it is now."""
    outputs = run.plan.outputs
    tables = {output.name: run.spark.table(output.table) for output in outputs}
    counts = run.count_outputs()
    rows_in = {check.output: check.metadata["rows_in"] for check in checks if "rows_in" in check.metadata}
    for output in outputs:
        done = written[output.name]
        yield {
            "rows_in": rows_in.get(output.name, done.rows_in),
            "rows_written": done.rows,
            "delta_version": done.version,
            "dagster/row_count": counts[output.name],
            "dagster/column_schema": describe_columns(output, tables[output.name]),
            **(describe_days(run, output) if output.daily else {}),
        }


def describe_days(run: StepRun, output: Output) -> dict[str, Any]:
    """Return rows, files and bytes of each day of the range; a day that has nothing is left out."""
    landed = run.landed.days
    rows = {day: {**landed.get(day, {}), "rows": count} for day, count in run.count_days(output.name).items()}
    return {"partitions": {"type": "json", "raw_value": {**landed, **rows}}}


def describe_columns(output: Output, table: DataFrame) -> dict[str, Any]:
    """Return the table's columns as Dagster shows them."""
    described = {name: comment for name, _, comment in output.columns}
    columns = [
        {"name": field.name, "type": field.dataType.simpleString(), "description": described.get(field.name, "")}
        for field in table.schema.fields
    ]
    return {"type": "table_schema", "raw_value": {"columns": columns}}


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


def _require_outputs(plan: Plan, made: Collection[str]) -> None:
    wanted = {output.name for output in plan.outputs}
    if wanted != set(made):
        raise InvalidPlan(f"{plan.step} must make {', '.join(sorted(wanted))}; it made {', '.join(made) or 'nothing'}")


def _say_days(plan: Plan, output: Output) -> str:
    return f", {plan.days[0]} to {plan.days[1]}" if output.daily and plan.days else ""
