"""Landed files as a stream, by day folders; and what a stream over files does not see: a file that was overwritten.

The file source of Structured Streaming knows a file by its path. Its log, in the checkpoint, tells which version of
the file it took.
"""

from __future__ import annotations

import os
import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ._run import FILES, LINE, StepRun, add_source

_PATTERN = r"([\\\[\]{},*?])"  # what Spark would not take literally in a path
_IN_FOLDER = r"/date(=|%3D)[^/]+/[^/]+$"
# One listing of all that has landed: a pattern such as date=* would be one for each day.
_FILES = {"recursiveFileLookup": "true", "pathGlobFilter": FILES}


def read_stream(run: StepRun) -> DataFrame:
    """Return the stream of landed lines; no stream but an empty frame where nothing has ever landed."""
    if not os.path.isdir(run.plan.landing):
        return run.spark.createDataFrame([], LINE)
    landed = run.spark.readStream.options(**_FILES).text(run.plan.landing)
    return add_source(landed).where(F.col("_source_file").rlike(_IN_FOLDER))


def find_changed(run: StepRun, name: str) -> list[str]:
    """Return the paths of files of which neither the stream nor this function's caller has taken the newest version."""
    if not os.path.isdir(run.plan.landing):
        return []
    loaded = run.read_back(name).select(_path("_source_file"), F.col("_source_version").alias("version")).distinct()
    newer = _list_files(run).join(_read_log(run), "path").where(F.col("version") > F.col("taken"))
    found = newer.join(loaded, ["path", "version"], "left_anti").collect()
    return [re.sub(_PATTERN, r"\\\1", row["file"]) for row in found]


def _list_files(run: StepRun) -> DataFrame:
    """Return path and version of all landed files, without opening one."""
    files = run.spark.read.format("binaryFile").options(**_FILES).load(run.plan.landing)
    version = F.unix_millis("modificationTime").alias("version")
    return files.where(F.col("path").rlike(_IN_FOLDER)).select(F.col("path").alias("file"), _path("path"), version)


def _read_log(run: StepRun) -> DataFrame:
    """Return the path of each file that the stream has taken, and the version."""
    lines = run.spark.read.text(f"{run.plan.checkpoint}/sources/0")
    entry = F.from_json("value", "path string, timestamp bigint")
    entries = lines.where(F.col("value").startswith("{")).select(entry.alias("entry")).select("entry.*")
    return entries.select(_path("path"), "timestamp").groupBy("path").agg(F.max("timestamp").alias("taken"))


def _path(column: str) -> Column:
    """Return a path in one spelling, for comparison only: there are dbfs:/Volumes, dbfs:///Volumes, %3D for =."""
    return F.try_url_decode(F.regexp_replace(column, "^dbfs:/*", "/")).alias("path")
