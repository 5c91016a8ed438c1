"""Lines of landed files through Spark: exactly the files that _landing.py calls so, counted before anything is written.

Spark infers no partitions from folders (`recursiveFileLookup`): a stray folder would make it leave out files.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ._landing import describe_files, relative_path
from ._lister import is_empty

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LINE = "value string, _source_file string, _source_version bigint"
BLANK = " \t\r"
# A line ends with a line feed; other readers' default would end it at a bare carriage return in a text, too.
# A listed file that is gone when it is read gives no line, which `require_read` sees; a key with an empty folder name,
# which no path names, would stop the reading of all others.
OPTIONS = {"recursiveFileLookup": "true", "lineSep": "\n", "ignoreMissingFiles": "true"}
# Up to here Spark lists folders itself, one after the other; beyond it starts a job that lists them one a task.
_FOLDERS_AT_MOST = 31
_GLOB = re.compile(r"([\\\[\]{},*?])")  # what Spark would not take literally in a path


class LandedFileUnread(Exception):
    """A file that has landed gave no line though it holds some: nothing is written."""


@dataclass(frozen=True)
class Landed:
    """What has landed for a step, and what reading it has given. `days`: rows, files and bytes of each day.

    Files are called by their path as Spark gives it; `unreadable`: those that are no text, with the reason.
    """

    files: int = 0
    files_read: int = 0
    bytes: int = 0
    lines: int = 0
    rows_by_file: Mapping[str, int] = field(default_factory=dict)
    day_of: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)


def escape_glob(path: str) -> str:
    """Return a path that Spark takes literally."""
    return _GLOB.sub(r"\\\1", path)


def read_lines(spark: SparkSession, landing: str, days: Collection[str] | None = None) -> DataFrame:
    """Return all lines, blank ones too, with file, version, size of the file and day; of the days, where given."""
    folders = [f"date={day}" for day in sorted(days)] if days is not None and len(days) <= _FOLDERS_AT_MOST else []
    # One pattern rather than many paths: Spark asks for each path by itself whether it is there.
    pattern = f"/{folders[0]}" if len(folders) == 1 else f"/{{{','.join(folders)}}}" if folders else ""
    lines = add_source(spark.read.options(**OPTIONS).text(f"{escape_glob(landing)}{pattern}"), landing)
    return lines.where(F.col("_day").between(min(days), max(days))) if days else lines


def add_source(lines: DataFrame, landing: str) -> DataFrame:
    """Keep the lines of files; add the file each came from, its modification time in ms, size in bytes and day."""
    files = describe_files(landing)
    path = F.col("_metadata.file_path")
    return lines.where(path.rlike(f"^{files}$")).select(
        F.rtrim("value", F.lit("\r")).alias("value"),
        path.alias("_source_file"),
        F.unix_millis(F.col("_metadata.file_modification_time")).alias("_source_version"),
        F.col("_metadata.file_size").alias("_size"),
        F.regexp_extract(path, f"^{files}$", 1).alias("_day"),
    )


def keep_lines(lines: DataFrame) -> DataFrame:
    """Return the lines that hold something, as `LINE` says."""
    return lines.where(is_filled()).select("value", "_source_file", "_source_version")


def is_filled() -> Column:
    """Return whether a line is more than white space."""
    return F.btrim("value", F.lit(BLANK)) != ""


def count_lines(lines: DataFrame, landing: str, listed: Mapping[str, str | None]) -> Landed:
    """Read every line once and compare what was read, file by file, with what was listed.

    Raises:
        LandedFileUnread: a file that is not empty gave no line.
    """
    has_nul = F.contains("value", F.lit("\0"))
    is_bad = has_nul | ~F.is_valid_utf8("value")
    filled = is_filled()
    measures = [
        F.count_if(filled).alias("filled"),
        F.count_if(filled & is_bad).alias("bad"),
        F.count_if(has_nul).alias("nul"),
        F.max("_size").alias("size"),
    ]
    files = lines.groupBy("_source_file", "_day").agg(*measures).collect()
    require_read(landing, listed, {relative_path(found["_source_file"], landing) for found in files})
    return _sum_up(files, listed)


def require_read(landing: str, listed: Collection[str], read: Collection[str]) -> None:
    """Raise LandedFileUnread if a listed file that is not empty is not among those that were read."""
    unread = [file for file in sorted(set(listed).difference(read)) if not is_empty(landing, file)]
    if unread:
        raise LandedFileUnread(
            f"{len(unread)} of {len(listed)} landed files in {landing} gave no line though they are not empty: "
            f"{', '.join(map(repr, unread[:5]))}. Nothing was written. Look at them, then run the step again"
        )


def _sum_up(files: Sequence[Any], listed: Mapping[str, str | None]) -> Landed:
    unreadable = {found["_source_file"]: _REASON for found in files if found["nul"] and found["bad"] == found["filled"]}
    rows = {found["_source_file"]: 1 if found["_source_file"] in unreadable else found["filled"] for found in files}
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for day in listed.values():
        days[day or ""].update(files=1, bytes=0, rows=0)
    for found in files:  # one may have come since the listing: it is no file of that
        days[found["_day"]].update(files=0, bytes=found["size"], rows=rows[found["_source_file"]])
    return Landed(
        files=len(listed),
        files_read=len(files),
        bytes=sum(found["size"] for found in files),
        lines=sum(found["filled"] for found in files),
        rows_by_file=rows,
        day_of={found["_source_file"]: found["_day"] for found in files},
        days={day: dict(numbers) for day, numbers in days.items() if day},
        unreadable=unreadable,
    )


_REASON = "the file is no UTF-8 text: every line holds NUL bytes or bytes of no character (UTF-16? compressed?)"


def replace_unreadable(lines: DataFrame, unreadable: Mapping[str, str]) -> DataFrame:
    """Return the lines, of a file that is no text one line instead: the reason, which is no JSON."""
    if not unreadable:
        return keep_lines(lines)
    is_unreadable = F.col("_source_file").isin(list(unreadable))
    files = lines.where(is_unreadable).groupBy("_source_file").agg(F.max("_source_version").alias("_source_version"))
    reasons = F.create_map(*(F.lit(text) for pair in unreadable.items() for text in pair))
    said = files.select(reasons[F.col("_source_file")].alias("value"), "_source_file", "_source_version")
    return keep_lines(lines.where(~is_unreadable)).unionByName(said)
