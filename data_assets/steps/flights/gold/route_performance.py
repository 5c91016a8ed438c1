"""How flights did on each route, over all days."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, count_where
from ..._performance import SILVER_FLIGHTS, count_flights, judge_flights, mean_delay, measure_flights, share_on_time
from ..._run import StepRun

NAME = "flights.gold.route_performance"
KEY = ("origin", "dest")


def transform(run: StepRun) -> DataFrame:
    """Return one row per route."""
    airports = run.read("flights.bronze.airports").where(F.col("faa").isNotNull())
    names = airports.select(F.col("faa").alias("dest"), F.col("name").alias("dest_name"))
    measures = (*count_flights(), F.max("distance").alias("distance"), mean_delay("arr_delay"), share_on_time())
    routes = run.read(SILVER_FLIGHTS).groupBy("origin", "dest").agg(*measures)
    return routes.join(F.broadcast(names), "dest", "left")


def check(run: StepRun) -> Iterator[Check]:
    """Check that every flight is counted once, and which destinations are no known airport."""
    found = measure_flights(run, NAME, KEY, count_where(F.col("dest_name").isNull(), "unnamed"))
    yield from judge_flights(NAME, found, KEY)
    numbers = {"rows": found["rows"], "routes_to_unknown_airports": found["unnamed"]}
    yield Check(NAME, "airports_known", not found["unnamed"], numbers, severity="WARN")
