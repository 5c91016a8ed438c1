"""Landed files as a stream; and files that a stream does not see: those that were overwritten or left out.

The file source of Structured Streaming knows a file by its path. Its log, in the checkpoint, tells which files it took;
the table tells which versions of them are there.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ._checks import Check
from ._landing import describe_files, relative_path
from ._lines import (
    LINE,
    OPTIONS,
    Landed,
    add_source,
    count_lines,
    escape_glob,
    keep_lines,
    read_lines,
    replace_unreadable,
)
from ._lister import has_landed
from ._run import StepRun

# The source leaves out, in silence, what is more than a week older than the newest file it has seen.
_AGE = {"maxFileAge": "36500d"}
_PATIENCE_MS = 60_000  # a file that came later than that before the step may have come after the stream looked


@dataclass(frozen=True)
class StreamedFile:
    """A landed file; `taken`: the stream has it in its log, `loaded`: the table has rows of this version."""

    path: str
    version: int
    size: int
    taken: bool
    loaded: bool


def read_stream(run: StepRun) -> DataFrame:
    """Return the stream of landed lines; no stream but an empty frame where nothing has ever landed.

    Raises:
        LandingUnreadable: what has landed cannot be listed.
    """
    landing = run.plan.landing
    if not has_landed(landing):
        return run.spark.createDataFrame([], LINE)
    landed = run.spark.readStream.options(**OPTIONS, **_AGE).text(escape_glob(landing))
    return keep_lines(add_source(landed, landing))


def read_changed(run: StepRun, name: str) -> DataFrame | None:
    """Return the lines of files that the stream has taken, of which the table lacks the newest version; None: no line.

    A file that the stream does not know yet is left to it: it would come twice.
    """
    run.streamed = list_streamed(run, name)
    changed = _lines_of(run, _find_unloaded(run))
    if changed is None:
        return None
    lines, landed = changed
    run.streamed = None  # to be asked again once these have been written
    return replace_unreadable(lines, landed.unreadable)


def judge_stream(run: StepRun, name: str) -> Check:
    """Judge whether every landed file is in the table, or came too late for this run."""
    files = run.streamed if run.streamed is not None else list_streamed(run, name)
    run.streamed = files
    lost = _lines_of(run, _find_unloaded(run))
    late = [file for file in files if not file.taken and not file.loaded]
    left_out = [file.path for file in late if file.version < run.started_ms - _PATIENCE_MS]
    unread = left_out + (sorted(lost[1].rows_by_file) if lost is not None else [])
    numbers = {
        "files": len(files),
        "files_empty": sum(file.size == 0 for file in files),
        "files_read": sum(file.loaded for file in files),
        "bytes": sum(file.size for file in files),
        "waiting_for_the_next_run": len(late) - len(left_out),
        "unread": unread[:10],
    }
    return Check(name, "landed_files", not unread, numbers)


def list_streamed(run: StepRun, name: str) -> list[StreamedFile]:
    """Return all landed files, compared with the log of the stream and with the table.

    Raises:
        LandingUnreadable: what has landed cannot be listed.
    """
    if not has_landed(run.plan.landing):
        return []
    loaded = run.read_back(name).select(_path("_source_file"), F.col("_source_version").alias("version")).distinct()
    loaded = loaded.withColumn("loaded", F.lit(True))
    listed = _list_files(run).join(_read_log(run), "path", "left").join(loaded, ["path", "version"], "left")
    rows = listed.select("file", "version", "size", "taken", "loaded").collect()
    return [StreamedFile(row[0], row[1], row[2], row[3] is not None, row[4] is not None) for row in rows]


def _find_unloaded(run: StepRun) -> list[StreamedFile]:
    return [file for file in run.streamed or [] if file.taken and not file.loaded and file.size > 0]


def _lines_of(run: StepRun, files: list[StreamedFile]) -> tuple[DataFrame, Landed] | None:
    """Return lines and count of the files that hold any."""
    if not files:
        return None
    landing = run.plan.landing
    lines = read_lines(run.spark, landing).where(F.col("_source_file").isin([file.path for file in files]))
    landed = count_lines(lines, landing, {relative_path(file.path, landing): None for file in files})
    return (lines, landed) if landed.lines else None


def _list_files(run: StepRun) -> DataFrame:
    """Return path, version and size of all landed files, without opening one."""
    landing = run.plan.landing
    files = run.spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(escape_glob(landing))
    file = F.col("_metadata.file_path")  # escaped as in the log and in the table; the column `path` is not
    found = files.where(file.rlike(f"^{describe_files(landing)}$"))
    version = F.unix_millis("modificationTime").alias("version")
    return found.select(file.alias("file"), version, F.col("length").alias("size")).withColumn("path", _path("file"))


def _read_log(run: StepRun) -> DataFrame:
    """Return the path of each file that the stream has taken."""
    lines = run.spark.read.text(f"{escape_glob(run.plan.checkpoint)}/sources/0")
    entry = F.from_json("value", "path string, timestamp bigint")
    entries = lines.where(F.col("value").startswith("{")).select(entry.alias("entry")).select("entry.*")
    return entries.select(_path("path"), "timestamp").groupBy("path").agg(F.max("timestamp").alias("taken"))


def _path(column: str) -> Column:
    """Return a path in one spelling, for comparison only: there are dbfs:/Volumes, dbfs:///Volumes, %3D for =."""
    plain = F.replace(F.regexp_replace(column, "^dbfs:/*", "/"), F.lit("+"), F.lit("%2B"))  # + is no space in a path
    return F.try_url_decode(plain).alias("path")
