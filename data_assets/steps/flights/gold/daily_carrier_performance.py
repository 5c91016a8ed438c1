"""How each carrier did on each day."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, count_where
from ..._performance import SILVER_FLIGHTS, count_flights, judge_flights, mean_delay, measure_flights, share_on_time
from ..._run import DAY, StepRun

NAME = "flights.gold.daily_carrier_performance"
KEY = (DAY, "carrier")


def transform(run: StepRun) -> DataFrame:
    """Return one row per day and carrier."""
    names = run.read("flights.bronze.airlines").select("carrier", F.col("name").alias("carrier_name"))
    measures = (*count_flights(), mean_delay("dep_delay"), mean_delay("arr_delay"), share_on_time())
    days = run.read(SILVER_FLIGHTS).groupBy(DAY, "carrier").agg(*measures)
    return days.join(F.broadcast(names), "carrier", "left")


def check(run: StepRun) -> Iterator[Check]:
    """Check that every flight is counted once, and which carriers are no known airline."""
    found = measure_flights(run, NAME, KEY, count_where(F.col("carrier_name").isNull(), "unnamed"))
    yield from judge_flights(NAME, found, KEY)
    yield Check(NAME, "carriers_known", not found["unnamed"], {"rows_without_name": found["unnamed"]}, severity="WARN")
