"""A step's view of the workspace while it runs: Spark, its inputs restricted to the days of the range, landed lines."""

from __future__ import annotations

import os
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ._checks import count_rows
from ._plan import Plan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = "flight_date"
FILES = "*.json"
LINE = "value string, _source_file string, _source_version bigint"


class StepRun:
    """What a transform gets."""

    def __init__(self, spark: SparkSession, plan: Plan) -> None:
        self.spark = spark
        spark.conf.set("spark.sql.session.timeZone", "UTC")  # else days and hours would depend on the workspace
        self.plan = plan
        self._counted: set[str] = set()
        self._row_counts: dict[str, int] = {}

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

        A day without a file, or nothing landed at all, is no error.
        """
        folders = self._landed_folders()
        if not folders:
            return self.spark.createDataFrame([], LINE)
        # One pattern rather than many paths: Spark asks for each path by itself whether it is there.
        pattern = folders[0] if len(folders) == 1 else f"{{{','.join(folders)}}}"
        return self.read_files(f"{self.plan.landing}/{pattern}")

    def read_files(self, *paths: str) -> DataFrame:
        """Return the lines of files or folders, with where each came from."""
        return add_source(self.spark.read.option("pathGlobFilter", FILES).text(list(paths)))

    def measure(self, *aggregates: DataFrame) -> dict[str, Any]:
        """Return the values of frames that have one row each, by name; one query, which counts the outputs, too."""
        outputs = self.plan.outputs
        uncounted = [output for output in outputs if output.name not in self._counted]
        sizes = [self.spark.table(output.table).agg(count_rows(output.name)) for output in uncounted]
        (found,) = reduce(DataFrame.crossJoin, [*aggregates, *sizes]).collect()
        values: dict[str, Any] = found.asDict()
        self._row_counts = {output.name: values.pop(output.name) for output in outputs}
        return values

    def count_outputs(self) -> dict[str, int]:
        """Return how many rows each output has, as last measured."""
        if not self._row_counts:
            self.measure()
        return self._row_counts

    def _landed_folders(self) -> list[str]:
        if not os.path.isdir(self.plan.landing):
            return []
        if self.plan.days is None:
            return [""]
        present = set(os.listdir(self.plan.landing))
        return [folder for day in self.plan.list_days() if (folder := f"date={day}") in present]

    def _of_range(self, frame: DataFrame, by_day: bool) -> DataFrame:
        if not by_day or self.plan.days is None:
            return frame
        return frame.where(in_range(self.plan))


def in_range(plan: Plan) -> Column:
    """Return the condition that a row is of a day of the range."""
    first, last = (F.lit(day).cast("date") for day in plan.days or ())
    return F.col(DAY).between(first, last)


def add_source(lines: DataFrame) -> DataFrame:
    """Add the file each line came from and that file's version: its modification time in milliseconds."""
    modified = F.unix_millis(F.col("_metadata.file_modification_time"))
    source = F.col("_metadata.file_path").alias("_source_file"), modified.alias("_source_version")
    return lines.select("value", *source).where(F.trim("value") != "")
