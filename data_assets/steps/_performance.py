"""Measures that the gold tables share, over silver flights."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from ._checks import Check, measure
from ._run import StepRun

SILVER_FLIGHTS = "flights.silver.flights"
ON_TIME_MINUTES = 15


def count_flights() -> tuple[Column, Column]:
    """Return `flights` and `cancelled`."""
    return F.count(F.lit(1)).alias("flights"), F.count_if("cancelled").alias("cancelled")


def mean_delay(name: str) -> Column:
    """Return the mean of a delay in minutes, to a thousandth, over the flights that have it."""
    return F.round(F.avg(name), 3).alias(f"mean_{name}")


def share_on_time() -> Column:
    """Return the share of arrived flights that were at most 15 minutes late."""
    return F.round(F.avg((F.col("arr_delay") <= ON_TIME_MINUTES).cast("int")), 5).alias("on_time_share")


def conserve_flights(run: StepRun, output: str) -> Check:
    """Check that the table counts every flight of silver once."""
    counted = measure(run, output, F.coalesce(F.sum("flights"), F.lit(0)).alias("flights"))["flights"]
    silver = run.read(SILVER_FLIGHTS).count()
    return Check(output, "row_conservation", counted == silver, {"counted": counted, "in_silver": silver})
