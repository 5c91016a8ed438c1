"""How flights did on each route, over all days."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..._checks import Check, count_rows, count_where, measure, unique_keys
from ..._performance import SILVER_FLIGHTS, conserve_flights, count_flights, mean_delay, share_on_time
from ..._run import StepRun

NAME = "flights.gold.route_performance"


def transform(run: StepRun) -> DataFrame:
    """Return one row per route."""
    airports = run.read("flights.bronze.airports").where(F.col("faa").isNotNull())
    names = airports.select(F.col("faa").alias("dest"), F.col("name").alias("dest_name"))
    measures = (*count_flights(), F.max("distance").alias("distance"), mean_delay("arr_delay"), share_on_time())
    routes = run.read(SILVER_FLIGHTS).groupBy("origin", "dest").agg(*measures)
    return routes.join(F.broadcast(names), "dest", "left")


def check(run: StepRun) -> Iterator[Check]:
    """Check that every flight is counted once, and which destinations are no known airport."""
    yield conserve_flights(run, NAME)
    yield unique_keys(run, NAME, ("origin", "dest"))
    found = measure(run, NAME, count_rows(), count_where(F.col("dest_name").isNull(), "routes_to_unknown_airports"))
    yield Check(NAME, "airports_known", not found["routes_to_unknown_airports"], found, severity="WARN")
