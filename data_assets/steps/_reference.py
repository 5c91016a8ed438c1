"""Reference data: small sets that come whole and are merged by key, the newest file's row counting."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ._checks import Check, nothing_unreadable, unique_keys
from ._raw import parse_lines, raw_columns
from ._run import StepRun


def read_newest(run: StepRun, name: str) -> DataFrame:
    """Return one row per key of the landed files; unreadable lines are keys of their own."""
    output = run.plan.output(name)
    present = os.path.isdir(run.plan.landing)
    rows = parse_lines(run.read_lines([run.plan.landing] if present else []), raw_columns(output.columns))
    newest = Window.partitionBy(*output.keys).orderBy(F.desc("_source_version"), F.desc("_source_file"))
    return rows.withColumn("_rank", F.row_number().over(newest)).where("_rank = 1").drop("_rank")


def check_reference(run: StepRun, name: str) -> Iterator[Check]:
    """Check keys and say what could not be read."""
    yield unique_keys(run, name, run.plan.output(name).keys)
    yield nothing_unreadable(run, name)
