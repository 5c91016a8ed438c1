"""The check `landed_files`: every line of every landed file is in the bronze table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import functions as F

from ._checks import Check, count_rows
from ._run import DAY, StepRun


def judge_days(run: StepRun, name: str) -> Check:
    """Judge, after a measure, a table that is replaced by day: each day has as many rows as its files have lines.

    Where one has not, file by file: one that came meanwhile is another run's.
    """
    landed, rows = run.landed, run.count_days(name)
    lines = {day: numbers["rows"] for day, numbers in landed.days.items()}
    unequal = sorted(day for day in {*lines, *rows} if lines.get(day, 0) != rows.get(day, 0))
    wrong, days = _find_wrong(run, name, unequal) if unequal else ([], [])
    numbers = {**_describe(run), "rows": sum(rows.values()), "unread": wrong[:10]}
    return Check(name, "landed_files", not wrong, {**numbers, **({"failed_partitions": days} if days else {})})


def judge_merged(run: StepRun, name: str, keys: Sequence[str]) -> Check:
    """Judge a table that is merged into: each key of the landed files is in it."""
    missing = 0
    if run.merged is not None and run.landed.lines:
        table = run.read_back(name).select(*(F.col(key).alias(f"there_{key}") for key in keys))
        is_same = reduce(lambda one, two: one & two, (F.col(key).eqNullSafe(F.col(f"there_{key}")) for key in keys))
        (found,) = run.merged.join(table, is_same, "left_anti").agg(count_rows("missing")).collect()
        missing = found["missing"]
    return Check(name, "landed_files", not missing, {**_describe(run), "keys_not_in_the_table": missing})


def _describe(run: StepRun) -> dict[str, int]:
    landed = run.landed
    return {
        "files": landed.files,
        "files_read": landed.files_read,
        "files_that_are_no_text": len(landed.unreadable),
        "bytes": landed.bytes,
        "lines": landed.lines,
    }


def _find_wrong(run: StepRun, name: str, days: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the files of which there are not as many rows as lines, and their days."""
    of_days = run.read_back(name).where(F.col(DAY).cast("string").isin(list(days)))
    there = {row["_source_file"]: row["rows"] for row in of_days.groupBy("_source_file").agg(count_rows()).collect()}
    counted = run.landed.rows_by_file
    wrong = sorted(
        file for file, rows in counted.items() if rows != there.get(file, 0) and run.landed.day_of[file] in days
    )
    return wrong, sorted({run.landed.day_of[file] for file in wrong})
