"""Flights typed, cleaned and deduplicated; what cannot be is in the quarantine, with the reason. Every row is in one.

Key: (time_hour, carrier, flight), of which the newest file's row counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ..._checks import Check, count_rows, count_where, measure, unique_keys
from ..._run import DAY, StepRun

BRONZE, SILVER, QUARANTINE = "flights.bronze.flights", "flights.silver.flights", "flights.silver.flights_quarantine"
KEY = ("time_hour", "carrier", "flight")
TEXTS = ("carrier", "tailnum", "origin", "dest")
NUMBERS = (
    *("flight", "sched_dep_time", "dep_time", "dep_delay", "sched_arr_time", "arr_time", "arr_delay"),
    *("air_time", "distance", "hour", "minute"),
)
DATE_PARTS = ("year", "month", "day")
REQUIRED = (*DATE_PARTS, "time_hour", "carrier", "flight", "origin", "dest", "sched_dep_time", "distance")


def transform(run: StepRun) -> Mapping[str, DataFrame]:
    """Return the good rows and the others."""
    judged = judge_rows(run.read(BRONZE))
    raw = [name for name in run.read(BRONZE).columns if not name.startswith("_") and name != DAY]
    return {
        SILVER: type_rows(judged.where(F.col("reason").isNull())),
        QUARANTINE: judged.where(F.col("reason").isNotNull()).select(
            DAY,
            "reason",
            F.coalesce("_corrupt_record", F.to_json(F.struct(*raw))).alias("record"),
            "_rescued",
            "_source_file",
            "_source_version",
            F.current_timestamp().alias("_quarantined_at"),
        ),
    }


def judge_rows(rows: DataFrame) -> DataFrame:
    """Add `reason`: why a row is not good; null for those that are."""
    judged = rows.withColumn("reason", _find_reason())
    newest = Window.partitionBy(F.col("reason").isNull(), *KEY).orderBy(
        F.desc("_source_version"), F.desc("_source_file")
    )
    is_older = F.col("reason").isNull() & (F.row_number().over(newest) > 1)
    return judged.withColumn("is_older", is_older).withColumn(
        "reason", F.when(F.col("is_older"), "duplicate: a newer row has this key").otherwise(F.col("reason"))
    )


def type_rows(rows: DataFrame) -> DataFrame:
    """Return judged rows with their types."""
    return rows.select(
        DAY,
        F.try_to_timestamp("time_hour").alias("time_hour"),
        *TEXTS,
        *(_number(name).alias(name) for name in NUMBERS),
        F.col("dep_time").isNull().alias("cancelled"),
        "_source_file",
        "_source_version",
    )


def check(run: StepRun) -> Iterator[Check]:
    """Check that no row was lost or made, keys are unique, carriers known, and every landed day is there."""
    landed = run.read(BRONZE).agg(count_rows(), F.max(DAY).alias("newest")).collect()[0]
    airlines = run.spark.table(run.plan.inputs["flights.bronze.airlines"][0])
    carriers = [row["carrier"] for row in airlines.select("carrier").distinct().collect()]
    unknown = count_where(~F.col("carrier").isin(carriers), "unknown_carriers")
    found = measure(run, SILVER, count_rows(), unknown, F.max(DAY).alias("newest"))
    quarantined = measure(run, QUARANTINE, count_rows())["rows"]
    numbers = {"landed": landed["rows"], "good": found["rows"], "quarantined": quarantined}
    yield Check(SILVER, "row_conservation", landed["rows"] == found["rows"] + quarantined, numbers)
    yield unique_keys(run, SILVER, KEY)
    references = {"unknown_carriers": found["unknown_carriers"], "airlines": len(carriers)}
    yield Check(SILVER, "carriers_known", not found["unknown_carriers"], references, severity="WARN")
    days = {"newest_landed": str(landed["newest"]), "newest_good": str(found["newest"])}
    yield Check(SILVER, "freshness", landed["newest"] == found["newest"], days, severity="WARN")
    yield Check(QUARANTINE, "nothing_quarantined", not quarantined, {"quarantined": quarantined}, severity="WARN")


def _find_reason() -> Column:
    date = F.make_date(*(_number(name) for name in DATE_PARTS))
    hour = F.try_to_timestamp("time_hour")
    reasons = [
        F.when(F.col("_corrupt_record").isNotNull(), "corrupt line"),
        *(F.when(F.col(name).isNull(), f"missing {name}") for name in REQUIRED),
        *(F.when(F.col(name).isNotNull() & _number(name).isNull(), _not_a(name, "number")) for name in NUMBERS),
        *(F.when(_number(name).isNull(), _not_a(name, "number")) for name in DATE_PARTS),
        F.when(hour.isNull(), _not_a("time_hour", "time")),
        F.when(F.col(DAY) != date, F.concat(F.lit("wrong day: landed as "), F.col(DAY).cast("string"))),
    ]
    return F.coalesce(*reasons)


def _not_a(name: str, what: str) -> Column:
    return F.concat(F.lit(f"{name} is no {what}: "), F.col(name))


def _number(name: str) -> Column:
    return F.col(name).try_cast("int")
