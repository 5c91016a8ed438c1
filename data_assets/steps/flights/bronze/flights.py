"""Flights as they came, day by day."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, judge_each_day, judge_unreadable, unreadable
from ..._landed import judge_days
from ..._landing import describe_files
from ..._raw import parse_lines, raw_columns
from ..._run import DAY, StepRun

NAME = "flights.bronze.flights"


def transform(run: StepRun) -> DataFrame:
    """Return the lines of the range's folders; the day is the folder's, whatever a line says."""
    rows = parse_lines(run.read_landed(), raw_columns(run.plan.output(NAME).columns, DAY))
    return rows.withColumn(
        DAY, F.regexp_extract("_source_file", f"^{describe_files(run.plan.landing)}$", 1).cast("date")
    )


def check(run: StepRun) -> Iterator[Check]:
    """Check that every line is here and say what could not be read."""
    found = run.measure_days(run.measure_back_days(NAME, *unreadable()))
    yield from judge_days(run, NAME)
    yield from judge_each_day(found, lambda numbers: [judge_unreadable(NAME, numbers)])
