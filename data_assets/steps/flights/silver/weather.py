"""Weather typed, one row per airport and hour; built anew from bronze each time, which is small."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..._checks import Check, count_keys, count_rows, count_where, judge_unique
from ..._raw import blank_as_null, keep_newest
from ..._run import StepRun

BRONZE, SILVER = "flights.bronze.weather", "flights.silver.weather"
KEY = ("origin", "time_hour")
MEASURES = ("temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib")
TYPES = {**dict.fromkeys(MEASURES, "double"), "wind_dir": "int"}


def transform(run: StepRun) -> DataFrame:
    """Return the newest readable row of each key."""
    usable = read_typed(run).where(_has_key() & F.col("is_current"))
    return keep_newest(usable, KEY, TYPES)


def read_typed(run: StepRun) -> DataFrame:
    """Return bronze with types.

    `is_current`: the row is of its file's newest version; `is_misread`: a value was none of its type.
    """
    newest = F.max("_source_version").over(Window.partitionBy("_source_file"))
    typed = {name: F.col(name).try_cast(kind) for name, kind in TYPES.items()}
    misread = F.greatest(*((F.col(name).isNotNull() & typed[name].isNull()).cast("int") for name in TYPES))
    return run.read(BRONZE).select(
        blank_as_null("origin").alias("origin"),
        F.try_to_timestamp("time_hour").alias("time_hour"),
        *(column.alias(name) for name, column in typed.items()),
        "_source_file",
        "_source_version",
        (F.col("_source_version") == newest).alias("is_current"),
        (misread == 1).alias("is_misread"),
    )


def check(run: StepRun) -> Iterator[Check]:
    """Check that every bronze row is here or accounted for, that keys are unique and values typed."""
    usable = _has_key() & F.col("is_current")
    landed = read_typed(run).agg(
        count_rows("rows_in"),
        count_where(~F.col("is_current"), "outdated"),
        count_where(F.col("is_current") & ~_has_key(), "without_key"),
        count_where(usable & F.col("is_misread"), "misread"),
        F.count_distinct(F.when(usable, F.struct(*KEY))).alias("different_keys"),
    )
    found = run.measure(landed, run.measure_back(SILVER, count_rows(), count_keys(KEY)))
    numbers = {name: found[name] for name in ("rows_in", "outdated", "without_key")} | {"good": found["rows"]}
    numbers["duplicates"] = found["rows_in"] - found["outdated"] - found["without_key"] - found["different_keys"]
    yield Check(SILVER, "row_conservation", found["rows"] == found["different_keys"], numbers)
    yield judge_unique(SILVER, found, KEY)
    misread = {"rows_with_misread_values": found["misread"]}
    yield Check(SILVER, "values_readable", not found["misread"], misread, severity="WARN")


def _has_key() -> Column:
    return F.col("origin").isNotNull() & F.col("time_hour").isNotNull()
