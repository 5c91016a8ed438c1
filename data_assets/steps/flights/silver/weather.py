"""Weather typed, one row per airport and hour; built anew from bronze each time, which is small."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from ..._checks import Check, count_rows, measure, unique_keys
from ..._run import StepRun

BRONZE, SILVER = "flights.bronze.weather", "flights.silver.weather"
KEY = ("origin", "time_hour")
MEASURES = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")


def transform(run: StepRun) -> DataFrame:
    """Return the newest readable row of each key."""
    newest = Window.partitionBy(*KEY).orderBy(F.desc("_source_version"), F.desc("_source_file"))
    return read_typed(run).withColumn("_rank", F.row_number().over(newest)).where("_rank = 1").drop("_rank")


def read_typed(run: StepRun) -> DataFrame:
    """Return the rows that have a key."""
    typed = run.read(BRONZE).select(
        "origin",
        F.try_to_timestamp("time_hour").alias("time_hour"),
        *(F.col(name).try_cast("double").alias(name) for name in MEASURES),
        F.col("wind_dir").try_cast("int").alias("wind_dir"),
        "_source_file",
        "_source_version",
    )
    return typed.where(F.col("origin").isNotNull() & F.col("time_hour").isNotNull())


def check(run: StepRun) -> Iterator[Check]:
    """Check that every bronze row is here, a duplicate, or without a key; and that keys are unique."""
    landed = run.read(BRONZE).count()
    usable, keys = read_typed(run).agg(count_rows(), F.count_distinct(F.struct(*KEY)).alias("keys")).collect()[0]
    numbers = {"landed": landed, "good": measure(run, SILVER, count_rows())["rows"]}
    numbers |= {"duplicates": usable - keys, "without_key": landed - usable}
    conserved = landed == numbers["good"] + numbers["duplicates"] + numbers["without_key"]
    yield Check(SILVER, "row_conservation", conserved, numbers)
    yield unique_keys(run, SILVER, KEY)
