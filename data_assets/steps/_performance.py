"""Measures that the gold tables share, over silver flights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from ._checks import Check, Numbers, count_keys, count_rows, judge_unique
from ._run import StepRun

SILVER_FLIGHTS = "flights.silver.flights"
ON_TIME_MINUTES = 15


def count_flights() -> tuple[Column, Column]:
    """Return `flights` and `cancelled`."""
    return count_rows("flights"), F.count_if("cancelled").alias("cancelled")


def mean_delay(name: str) -> Column:
    """Return the mean of a delay in minutes, to a thousandth, over the flights that have it."""
    return F.round(F.avg(name), 3).alias(f"mean_{name}")


def share_on_time() -> Column:
    """Return the share of arrived flights that were at most 15 minutes late."""
    return F.round(F.avg((F.col("arr_delay") <= ON_TIME_MINUTES).cast("int")), 5).alias("on_time_share")


def measure_flights(run: StepRun, output: str, keys: Sequence[str], *more: Column) -> dict[str, Any]:
    """Return what `judge_flights` needs of a table that counts `flights`, and more measures over it."""
    here = run.measure_back(output, *measure_table(keys), *more)
    return run.measure(here, run.read(SILVER_FLIGHTS).agg(count_rows("in_silver")))


def measure_table(keys: Sequence[str]) -> tuple[Column, Column, Column]:
    """Return the measures that `judge_flights` needs of a table that counts `flights`."""
    return count_rows(), count_keys(keys), F.coalesce(F.sum("flights"), F.lit(0)).alias("counted")


def judge_flights(output: str, found: Numbers, keys: Sequence[str]) -> tuple[Check, Check]:
    """Judge whether the table counts every flight of silver once, and has each key once."""
    numbers = {"counted": found["counted"], "rows_in": found["in_silver"]}
    conserved = Check(output, "row_conservation", found["counted"] == found["in_silver"], numbers)
    return conserved, judge_unique(output, found, keys)
