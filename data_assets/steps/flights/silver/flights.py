"""Flights typed, cleaned and deduplicated; what cannot be is in the quarantine, with the reason. Every row is in one.

Key: (time_hour, carrier, flight), of which the newest file's row counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..._checks import (
    Check,
    Numbers,
    count_keys,
    count_rows,
    count_where,
    judge_each_day,
    judge_landed,
    judge_unique,
)
from ..._raw import blank_as_null, rank_versions
from ..._run import DAY, StepRun

BRONZE, SILVER, QUARANTINE = "flights.bronze.flights", "flights.silver.flights", "flights.silver.flights_quarantine"
AIRLINES = "flights.bronze.airlines"
KEY = ("time_hour", "carrier", "flight")
TEXTS = ("carrier", "tailnum", "origin", "dest")
NUMBERS = (
    *("flight", "sched_dep_time", "dep_time", "dep_delay", "sched_arr_time", "arr_time", "arr_delay"),
    *("air_time", "distance", "hour", "minute"),
)
DATE_PARTS = ("year", "month", "day")
REQUIRED = (*DATE_PARTS, "time_hour", "carrier", "flight", "origin", "dest", "sched_dep_time", "distance")
RAW = (*DATE_PARTS, "time_hour", *TEXTS, *NUMBERS)
TIME_ZONE = "America/New_York"  # all flights depart there, and their day is a day there


def transform(run: StepRun) -> Mapping[str, DataFrame]:
    """Return the good rows and the others."""
    judged = judge_rows(run.read(BRONZE))
    return {
        SILVER: type_rows(judged.where(F.col("reason").isNull())),
        QUARANTINE: judged.where(F.col("reason").isNotNull()).select(
            DAY,
            "reason",
            F.coalesce("_corrupt_record", F.to_json(F.struct(*RAW))).alias("record"),
            "_rescued",
            "_source_file",
            "_source_version",
            F.current_timestamp().alias("_quarantined_at"),
        ),
    }


def judge_rows(rows: DataFrame) -> DataFrame:
    """Add `reason`: why a row is not good; null for those that are."""
    judged = rows.withColumn("reason", _find_reason())
    is_usable = F.col("reason").isNull()
    key = (is_usable, _time("time_hour"), blank_as_null("carrier"), _number("flight"))  # typed: 07 and 7 are one flight
    is_older = is_usable & (rank_versions(key, RAW) > 1)
    return judged.withColumn("is_older", is_older).withColumn(
        "reason", F.when(F.col("is_older"), "duplicate: a newer row has this key").otherwise(F.col("reason"))
    )


def type_rows(rows: DataFrame) -> DataFrame:
    """Return judged rows with their types."""
    return rows.select(
        DAY,
        _time("time_hour").alias("time_hour"),
        *(blank_as_null(name).alias(name) for name in TEXTS),
        *(_number(name).alias(name) for name in NUMBERS),
        blank_as_null("dep_time").isNull().alias("cancelled"),
        "_source_file",
        "_source_version",
    )


def check(run: StepRun) -> Iterator[Check]:
    """Check that no row was lost or made, keys are unique, carriers known, and every day that has landed is there."""
    known = run.spark.table(run.plan.inputs[AIRLINES][0]).select("carrier", F.lit(True).alias("is_known")).distinct()
    silver = run.read_back(SILVER).join(F.broadcast(known), "carrier", "left")
    unknown = count_where(F.col("is_known").isNull(), "unknown_carriers")
    found = run.measure_days(
        run.read(BRONZE).groupBy(DAY).agg(count_rows("rows_in")),
        silver.groupBy(DAY).agg(count_rows(), count_keys(KEY), unknown),
        run.measure_back_days(QUARANTINE, count_rows("quarantined")),
    )
    yield from judge_each_day(found, judge_day)


def judge_day(found: Numbers) -> Iterator[Check]:
    """Judge one day by its counts."""
    numbers = {"rows_in": found["rows_in"], "good": found["rows"], "quarantined": found["quarantined"]}
    yield Check(SILVER, "row_conservation", found["rows_in"] == found["rows"] + found["quarantined"], numbers)
    yield judge_unique(SILVER, found, KEY)
    yield judge_landed(SILVER, {"rows_in": found["rows_in"]})
    references = {"unknown_carriers": found["unknown_carriers"]}
    yield Check(SILVER, "carriers_known", not found["unknown_carriers"], references, severity="WARN")
    is_there = not found["rows_in"] or found["rows"] > 0
    yield Check(SILVER, "freshness", is_there, {"rows_in": found["rows_in"], "good": found["rows"]}, severity="WARN")
    quarantined = {"quarantined": found["quarantined"], "rows_in": found["rows_in"]}
    yield Check(QUARANTINE, "nothing_quarantined", not found["quarantined"], quarantined, severity="WARN")


def _find_reason() -> Column:
    year, month, day = (_number(name) for name in DATE_PARTS)
    is_that_day = (F.year(DAY) == year) & (F.month(DAY) == month) & (F.dayofmonth(DAY) == day)
    hour = _time("time_hour")
    local_day = F.from_utc_timestamp(hour, TIME_ZONE).cast("date")
    reasons = [
        F.when(F.col("_corrupt_record").isNotNull(), "corrupt line"),
        *(F.when(blank_as_null(name).isNull(), f"missing {name}") for name in REQUIRED),
        *(F.when(_is_misread(name), _not_a(name, "number")) for name in (*NUMBERS, *DATE_PARTS)),
        F.when(hour.isNull(), _not_a("time_hour", "time")),
        F.when(~is_that_day, F.concat(F.lit("wrong day: landed as "), F.col(DAY).cast("string"))),
        F.when(F.col(DAY) != local_day, _not_a("time_hour", "hour of that day in New York")),
    ]
    return F.coalesce(*reasons)


def _not_a(name: str, what: str) -> Column:
    return F.concat(F.lit(f"{name} is no {what}: "), F.col(name))


def _is_misread(name: str) -> Column:
    return blank_as_null(name).isNotNull() & _number(name).isNull()


def _number(name: str) -> Column:
    return F.col(name).try_cast("int")


def _time(name: str) -> Column:
    return F.try_to_timestamp(name)
