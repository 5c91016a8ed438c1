"""Reference data: small sets that come whole and are merged by key, the newest file's row counting."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ._checks import Check, count_keys, count_rows, judge_unique, judge_unreadable, unreadable
from ._raw import parse_lines, raw_columns
from ._run import StepRun


def read_newest(run: StepRun, name: str) -> DataFrame:
    """Return one row per key of the landed files; unreadable lines, and those without a key, are keys of their own."""
    output = run.plan.output(name)
    key = [column for column in output.keys if not column.startswith("_")]
    rows = parse_lines(run.read_landed(), raw_columns(output.columns), required=key)
    same_key = Window.partitionBy(*output.keys)
    content = F.xxhash64(*raw_columns(output.columns))  # of two in one file always the same one counts
    newest = same_key.orderBy(F.desc("_source_version"), F.desc("_source_file"), content)
    return rows.withColumn("_rank", F.row_number().over(newest)).where("_rank = 1").drop("_rank")


def check_reference(run: StepRun, name: str) -> Iterator[Check]:
    """Check keys and say what could not be read."""
    keys = run.plan.output(name).keys
    found = run.measure(run.read_back(name).agg(count_rows(), count_keys(keys), *unreadable()))
    yield judge_unique(name, found, keys)
    yield judge_unreadable(name, found)
