"""What weather does to departures: flights by rain and sight at their scheduled hour and airport."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..._checks import Check
from ..._performance import SILVER_FLIGHTS, count_flights, judge_flights, mean_delay, measure_flights
from ..._run import StepRun

NAME = "flights.gold.weather_delay_impact"
KEY = ("rain", "sight")


def transform(run: StepRun) -> DataFrame:
    """Return one row per class of rain and of sight; `unknown` where no weather was reported."""
    weather = run.read("flights.silver.weather").select("origin", "time_hour", "precip", "visib")
    flights = run.read(SILVER_FLIGHTS).join(F.broadcast(weather), ["origin", "time_hour"], "left")
    classes = (rain().alias("rain"), sight().alias("sight"))
    return flights.groupBy(*classes).agg(*count_flights(), mean_delay("dep_delay"))


def rain() -> Column:
    """Return the class of precipitation, in inches an hour."""
    inches = F.col("precip")
    known = F.when(inches == 0, "dry").when(inches < 0.1, "light").otherwise("heavy")
    return F.when(inches.isNull(), "unknown").otherwise(known)


def sight() -> Column:
    """Return the class of visibility, in miles."""
    miles = F.col("visib")
    known = F.when(miles < 3, "poor").when(miles < 10, "moderate").otherwise("clear")
    return F.when(miles.isNull(), "unknown").otherwise(known)


def check(run: StepRun) -> Iterator[Check]:
    """Check that every flight is counted once."""
    yield from judge_flights(NAME, measure_flights(run, NAME, KEY), KEY)
