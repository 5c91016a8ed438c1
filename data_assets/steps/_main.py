"""Entry point of every step: take the plan from Pipes, read, transform, write, check, report.

`run-step` of the wheel. What a step computes is in its own module.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dagster_pipes import PipesCliArgsParamsLoader, PipesContext, PipesParamsLoader, open_dagster_pipes

from ._checks import Check
from ._days import PARTITIONS, Days, describe_days, say_failed
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
    """A table, or days of it, was found bad: the task fails, so that no task after it builds on it."""


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
        raise BlockingCheckFailed(say_failed(dict(map(_name_days, blocking))))


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


def _name_days(check: Check) -> tuple[str, dict[str, bool]]:
    return f"{check.name} of {check.output}", {day: verdict.passed for day, verdict in check.days.items()}


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


def describe_outputs(run: StepRun, written: Mapping[str, Written], checks: Sequence[Check]) -> Iterator[dict[str, Any]]:
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
            **({PARTITIONS: as_json(_describe_days(run, output, checks))} if output.daily else {}),
        }


def _describe_days(run: StepRun, output: Output, checks: Iterable[Check]) -> Days:
    days = run.plan.list_days()
    verdicts = [pair for check in checks if check.output == output.name for pair in check.days.items()]
    rows_in = {day: verdict.metadata["rows_in"] for day, verdict in verdicts if "rows_in" in verdict.metadata}
    found = run.landed.days
    files = {day: {name: found.get(day, {}).get(name, 0) for name in ("files", "bytes")} for day in days}
    return describe_days(days, run.count_days(output.name), rows_in, files if run.plan.landing else {})


def describe_columns(output: Output, table: DataFrame) -> dict[str, Any]:
    """Return the table's columns as Dagster shows them."""
    described = {name: comment for name, _, comment in output.columns}
    columns = [
        {"name": field.name, "type": field.dataType.simpleString(), "description": described.get(field.name, "")}
        for field in table.schema.fields
    ]
    return {"type": "table_schema", "raw_value": {"columns": columns}}


def as_json(value: Any) -> dict[str, Any]:
    """Return a value as Dagster takes it as metadata."""
    return {"type": "json", "raw_value": value}


def report_check(pipes: PipesContext, plan: Plan, check: Check) -> None:
    """Report a check's result."""
    print(f"check {check.name} of {check.output}: {'passed' if check.passed else 'FAILED'} {dict(check.metadata)}")
    days = {day: {**verdict.metadata, "passed": verdict.passed} for day, verdict in check.days.items()}
    metadata = {**check.metadata, **({PARTITIONS: as_json(days)} if days else {})}
    pipes.report_asset_check(
        check_name=check.name,
        passed=check.passed,
        severity=check.severity,
        metadata=metadata,
        asset_key=plan.output(check.output).asset_key,
    )


def _require_outputs(plan: Plan, made: Collection[str]) -> None:
    wanted = {output.name for output in plan.outputs}
    if wanted != set(made):
        raise InvalidPlan(f"{plan.step} must make {', '.join(sorted(wanted))}; it made {', '.join(made) or 'nothing'}")


def _say_days(plan: Plan, output: Output) -> str:
    return f", {plan.days[0]} to {plan.days[1]}" if output.daily and plan.days else ""
