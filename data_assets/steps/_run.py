"""A step's view of the workspace while it runs: Spark, its inputs restricted to the days of the range, landed lines."""

from __future__ import annotations

import time
from collections import Counter
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ._checks import count_rows
from ._lines import LINE, Landed, count_lines, read_lines, replace_unreadable
from ._lister import list_files
from ._plan import Output, Plan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from ._stream import StreamedFile

DAY = "flight_date"


class StepRun:
    """What a transform gets."""

    def __init__(self, spark: SparkSession, plan: Plan) -> None:
        self.spark = spark
        spark.conf.set("spark.sql.session.timeZone", "UTC")  # else days and hours would depend on the workspace
        self.plan = plan
        self.started_ms = int(time.time() * 1000)
        self.landed = Landed()  # what read_landed has found
        self.streamed: list[StreamedFile] | None = None  # what a stream has left, as last asked
        self.merged: DataFrame | None = None  # what a table was merged with
        self._counted: set[str] = set()
        self._counted_by_day: set[str] = set()
        self._row_counts: dict[str, int] = {}
        self._day_counts: dict[str, dict[str, int]] = {}

    def read(self, name: str) -> DataFrame:
        """Return an input table; of one that is loaded by day only the days of the range, if there is one."""
        table, daily = self.plan.inputs[name]
        is_by_day = daily and any(output.daily for output in self.plan.outputs)
        return self._of_range(self.spark.table(table), is_by_day)

    def read_back(self, name: str) -> DataFrame:
        """Return what an output holds now; of one that is loaded by day, the days of the range."""
        output = self.plan.output(name)
        return self._of_range(self.spark.table(output.table), output.daily)

    def measure_back(self, name: str, *measures: Column) -> DataFrame:
        """Return measures of what `read_back` returns, for `measure`: if that is all of the table, its size as well."""
        if self.plan.output(name).daily and self.plan.days is not None:
            return self.read_back(name).agg(*measures)
        self._counted.add(name)
        return self.read_back(name).agg(count_rows(name), *measures)

    def read_landed(self) -> DataFrame:
        """Return the landed lines (`value`) and where each came from; of the range, if the step is run by day.

        All files are read and counted first (`landed`). A day without a file, or nothing landed at all, is no error.

        Raises:
            LandingUnreadable: what has landed cannot be listed.
            LandedFileUnread: a file gave no line though it is not empty.
        """
        landing, days = self.plan.landing, self.plan.list_days() if self.plan.days else None
        listed = list_files(landing, days)
        if not listed:
            return self.spark.createDataFrame([], LINE)
        present = {day for day in listed.values() if day} if days is not None else None
        lines = read_lines(self.spark, landing, present)
        self.landed = count_lines(lines, landing, listed)
        return replace_unreadable(lines, self.landed.unreadable)

    def measure_back_days(self, name: str, *measures: Column) -> DataFrame:
        """Return counts of what `read_back` returns, by day, for `measure_days`, which then counts its rows as well."""
        self._counted_by_day.add(name)
        return self.read_back(name).groupBy(DAY).agg(count_rows(name), *measures)

    def measure_days(self, *frames: DataFrame) -> dict[str, Counter[str]]:
        """Return the counts of frames that have one row for each day, by day: of each of the range, 0 without a row."""
        columns = [frame.agg(F.collect_list(F.struct("*")).alias(f"{n}")) for n, frame in enumerate(frames)]
        found: dict[str, Counter[str]] = {day: Counter() for day in self.plan.list_days()}
        for row in (row.asDict() for rows in self.measure(*columns).values() for row in rows):
            found[str(row.pop(DAY))].update(row)
        for name in self._counted_by_day:
            self._day_counts[name] = {day: counts.pop(name) for day, counts in found.items() if name in counts}
        return found

    def measure(self, *aggregates: DataFrame) -> dict[str, Any]:
        """Return the values of frames that have one row each, by name; one query, which counts the outputs, too."""
        outputs = self.plan.outputs
        uncounted = [output for output in outputs if output.name not in self._counted]
        sizes = [self.spark.table(output.table).agg(count_rows(output.name)) for output in uncounted]
        by_day = [output for output in outputs if output.daily and output.name not in self._counted_by_day]
        (found,) = reduce(DataFrame.crossJoin, [*aggregates, *sizes, *map(self._count_days, by_day)]).collect()
        values: dict[str, Any] = found.asDict()
        self._row_counts = {output.name: values.pop(output.name) for output in outputs}
        self._day_counts |= {output.name: values.pop(f"{output.name} by day") for output in by_day}
        return values

    def _count_days(self, output: Output) -> DataFrame:
        days = self.read_back(output.name).groupBy(F.col(DAY).cast("string").alias("day")).agg(count_rows())
        return days.agg(F.map_from_entries(F.collect_list(F.struct("day", "rows"))).alias(f"{output.name} by day"))

    def count_days(self, name: str) -> dict[str, int]:
        """Return how many rows an output that is loaded by day has of each day of the range, as last measured."""
        if not self._row_counts:
            self.measure()
        return self._day_counts[name]

    def count_outputs(self) -> dict[str, int]:
        """Return how many rows each output has, as last measured."""
        if not self._row_counts:
            self.measure()
        return self._row_counts

    def _of_range(self, frame: DataFrame, by_day: bool) -> DataFrame:
        if not by_day or self.plan.days is None:
            return frame
        return frame.where(in_range(self.plan))


def in_range(plan: Plan) -> Column:
    """Return the condition that a row is of a day of the range."""
    first, last = (F.lit(day).cast("date") for day in plan.days or ())
    return F.col(DAY).between(first, last)
