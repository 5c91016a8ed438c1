"""What each task of each job run has used, and which table it built: the bill joined with what ran.

The bill is by run; a run's tasks share it by the time they took. https://docs.databricks.com/aws/en/admin/system-tables/jobs
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from ..._checks import Check, count_keys, count_rows, count_where, judge_unique
from ..._run import StepRun

NAME = "flights.ops.run_costs"
KEY = ("workspace_id", "job_run_id", "task_key")
USAGE, RUNS, TASKS = "system.billing.usage", "system.lakeflow.job_run_timeline", "system.lakeflow.job_task_run_timeline"
_MARK = r" \[([0-9a-f]{8})(\.[0-9]+)?\]$"  # how a run that Dagster submitted is called ends in the Dagster run
_DAYS = r" (\d{4}-\d{2}-\d{2}(\.\.\.\d{4}-\d{2}-\d{2})?) \["
_TOLERANCE = 1e-6  # DBU: shares are rounded


class SystemTablesUnreadable(Exception):
    """The bill or the timelines may not be read, or are not enabled; the message says what a metastore admin does."""


def transform(run: StepRun) -> DataFrame:
    """Return one row per task run, with its share of what its run used; none used yet if it is not on the bill yet."""
    tasks, runs, bill = read_tasks(run.spark), read_runs(run.spark), read_bill(run.spark)
    whole = Window.partitionBy("workspace_id", "job_run_id")
    seconds = F.sum("seconds").over(whole)
    share = F.when(seconds > 0, F.col("seconds") / seconds).otherwise(1 / F.count(F.lit(1)).over(whole))
    return (
        tasks.join(runs, ["workspace_id", "job_run_id"], "left")
        .join(bill, ["workspace_id", "job_run_id"], "left")
        .withColumn("dbu", F.col("run_dbu") * share)
        .withColumn("asset", F.when(_is_step(), F.translate("task_key", "-", "/")))
        .withColumn("dagster_run", _extract(_MARK))
        .withColumn("partitions", F.coalesce(_extract(_DAYS), "parameter_days"))
    )


def check(run: StepRun) -> Iterator[Check]:
    """Check that what runs used is all shared out, and say what is not on the bill yet."""
    here = run.measure_back(
        NAME,
        count_rows(),
        count_keys(KEY),
        count_where(F.col("dbu").isNull(), "unbilled"),
        F.coalesce(F.sum("dbu"), F.lit(0.0)).alias("shared"),
    )
    ran = read_tasks(run.spark).select("workspace_id", "job_run_id").distinct()
    billed = read_bill(run.spark).join(ran, ["workspace_id", "job_run_id"], "semi")
    found = run.measure(here, billed.agg(F.coalesce(F.sum("run_dbu"), F.lit(0.0)).alias("billed")))
    numbers = {"shared_dbu": found["shared"], "billed_dbu": found["billed"]}
    # what is billed between the two reads shows as a difference, and is there the next time
    yield Check(NAME, "bill_shared_out", abs(found["shared"] - found["billed"]) <= _TOLERANCE, numbers, severity="WARN")
    yield judge_unique(NAME, found, KEY)
    yield Check(NAME, "all_billed", not found["unbilled"], {"unbilled_tasks": found["unbilled"]}, severity="WARN")


def read_tasks(spark: SparkSession) -> DataFrame:
    """Return task runs with their seconds; a repaired task's attempts count together."""
    length = F.unix_micros("period_end_time") - F.unix_micros("period_start_time")
    rows = read_system_table(spark, TASKS).where(F.col("job_run_id").isNotNull())
    return rows.groupBy("workspace_id", "job_run_id", "task_key").agg(
        F.max("job_id").alias("job_id"),
        F.min("period_start_time").alias("started_at"),
        F.max("period_end_time").alias("ended_at"),
        F.max_by("result_state", "period_end_time").alias("result"),
        (F.sum(length) / 1_000_000).alias("seconds"),
    )


def read_runs(spark: SparkSession) -> DataFrame:
    """Return what runs are called, and the days that their job was told."""
    given = F.max_by("job_parameters", "period_end_time")
    start, end = given.getItem("start"), given.getItem("end")
    days = F.when(start == end, start).otherwise(F.concat_ws("...", start, end))
    return (
        read_system_table(spark, RUNS)
        .groupBy("workspace_id", F.col("run_id").alias("job_run_id"))
        .agg(F.max("run_name").alias("run_name"), F.max("run_type").alias("run_type"), days.alias("parameter_days"))
        .withColumn("parameter_days", F.when(F.col("parameter_days") != "", F.col("parameter_days")))
    )


def read_bill(spark: SparkSession) -> DataFrame:
    """Return what each job run used, corrections included, and the tags that stand on its bill."""
    job_run = F.col("usage_metadata.job_run_id")
    rows = read_system_table(spark, USAGE).where(job_run.isNotNull() & (F.col("usage_unit") == "DBU"))
    return rows.groupBy("workspace_id", job_run.alias("job_run_id")).agg(
        F.sum("usage_quantity").cast("double").alias("run_dbu"), F.any_value("custom_tags").alias("custom_tags")
    )


def read_system_table(spark: SparkSession, name: str) -> DataFrame:
    """Return a system table.

    Raises:
        SystemTablesUnreadable: it may not be read, or its schema is not enabled.
    """
    frame = spark.table(name)
    try:
        _ = frame.schema  # a table that may not be read is found out here
    except PySparkException as error:
        schema = name.rpartition(".")[0]
        raise SystemTablesUnreadable(
            f"{name} cannot be read: {str(error).splitlines()[0]} Remedy: a metastore admin who is an account admin "
            f"enables the schema {schema} (API: systemschemas) and says GRANT USE CATALOG ON CATALOG system and "
            f"GRANT USE SCHEMA, SELECT ON SCHEMA {schema} TO the principal of the pipeline"
        ) from error
    return frame


def _is_step() -> Column:
    return F.col("task_key").rlike(f"^{NAME.split('.')[0]}-[a-z0-9_]+-[a-z0-9_]+$")


def _extract(pattern: str) -> Column:
    found = F.regexp_extract("run_name", pattern, 1)
    return F.when(found != "", found)
