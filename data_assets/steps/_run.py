"""A step's view of the workspace while it runs: Spark, its inputs restricted to the days of the range, landed lines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ._plan import Plan

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = "flight_date"


class StepRun:
    """What a transform gets."""

    def __init__(self, spark: SparkSession, plan: Plan) -> None:
        self.spark = spark
        self.plan = plan

    def read(self, name: str) -> DataFrame:
        """Return an input table; of one that is loaded by day only the days of the range, if there is one."""
        table, daily = self.plan.inputs[name]
        frame = self.spark.table(table)
        if daily and self.plan.days is not None and any(output.daily for output in self.plan.outputs):
            return frame.where(F.col(DAY).between(*(F.lit(day).cast("date") for day in self.plan.days)))
        return frame

    def landed_folders(self) -> list[str]:
        """Return the landing folders of the range that exist: a day without a file is no error."""
        present = set(os.listdir(self.plan.landing)) if os.path.isdir(self.plan.landing) else set()
        wanted = [f"date={day}" for day in self.plan.list_days()]
        return [f"{self.plan.landing}/{folder}" for folder in wanted if folder in present]

    def read_lines(self, paths: Sequence[str]) -> DataFrame:
        """Return the landed lines (`value`) of folders or files, with where they came from."""
        if not paths:
            return self.spark.createDataFrame([], "value string, _source_file string, _source_version bigint")
        return add_source(self.spark.read.text(list(paths)))


def add_source(lines: DataFrame) -> DataFrame:
    """Add the file each line came from and that file's version: its modification time in milliseconds."""
    modified = F.unix_millis(F.col("_metadata.file_modification_time"))
    source = F.col("_metadata.file_path").alias("_source_file"), modified.alias("_source_version")
    return lines.select("value", *source).where(F.trim("value") != "")
