"""How each carrier did on each day."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, Numbers, count_rows, count_where, judge_each_day, judge_landed
from ..._performance import SILVER_FLIGHTS, count_flights, judge_flights, mean_delay, measure_table, share_on_time
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
    measures = (*measure_table(KEY), count_where(F.col("carrier_name").isNull(), "unnamed"))
    in_silver = run.read(SILVER_FLIGHTS).groupBy(DAY).agg(count_rows("in_silver"))
    found = run.measure_days(run.measure_back_days(NAME, *measures), in_silver)
    yield from judge_each_day(found, judge_day)


def judge_day(found: Numbers) -> Iterator[Check]:
    """Judge one day by its counts."""
    yield from judge_flights(NAME, found, KEY)
    yield judge_landed(NAME, {"rows_in": found["in_silver"]})
    yield Check(NAME, "carriers_known", not found["unnamed"], {"rows_without_name": found["unnamed"]}, severity="WARN")
