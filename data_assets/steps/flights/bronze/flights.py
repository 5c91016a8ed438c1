"""Flights as they came, day by day."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, judge_unreadable, unreadable
from ..._raw import parse_lines, raw_columns
from ..._run import DAY, StepRun

NAME = "flights.bronze.flights"


def transform(run: StepRun) -> DataFrame:
    """Return the lines of the range's folders; the day is the folder's, whatever a line says."""
    rows = parse_lines(run.read_landed(), raw_columns(run.plan.output(NAME).columns, DAY))
    return rows.withColumn(DAY, F.regexp_extract("_source_file", r"date=(\d{4}-\d{2}-\d{2})/", 1).cast("date"))


def check(run: StepRun) -> Iterator[Check]:
    """Say what could not be read."""
    yield judge_unreadable(NAME, run.measure(run.measure_back(NAME, *unreadable())))
