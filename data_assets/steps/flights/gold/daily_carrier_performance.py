"""How each carrier did on each day."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, unique_keys
from ..._performance import SILVER_FLIGHTS, conserve_flights, count_flights, mean_delay, share_on_time
from ..._run import DAY, StepRun

NAME = "flights.gold.daily_carrier_performance"


def transform(run: StepRun) -> DataFrame:
    """Return one row per day and carrier."""
    names = run.read("flights.bronze.airlines").select("carrier", F.col("name").alias("carrier_name"))
    measures = (*count_flights(), mean_delay("dep_delay"), mean_delay("arr_delay"), share_on_time())
    days = run.read(SILVER_FLIGHTS).groupBy(DAY, "carrier").agg(*measures)
    return days.join(F.broadcast(names), "carrier", "left")


def check(run: StepRun) -> Iterator[Check]:
    """Check that every flight is counted once."""
    yield conserve_flights(run, NAME)
    yield unique_keys(run, NAME, (DAY, "carrier"))
