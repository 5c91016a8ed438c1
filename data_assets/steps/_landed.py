"""The checks `landed_files`, every line of every landed file is in the bronze table, and `day_landed`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from pyspark.sql import functions as F

from ._checks import Check, Verdict, count_rows, judge_each_day, judge_landed, sum_up
from ._run import DAY, StepRun


def judge_days(run: StepRun, name: str) -> Iterator[Check]:
    """Judge, after a measure, a table that is replaced by day: each day has as many rows as its files have lines.

    Where one has not, file by file: one that came meanwhile is another run's. Each day has landed, too.
    """
    landed, rows = run.landed, run.count_days(name)
    found = {day: _describe_day(landed.days.get(day, {}), rows.get(day, 0)) for day in run.plan.list_days()}
    unequal = [day for day, numbers in found.items() if numbers["rows_in"] != numbers["rows"]]
    unread = _find_wrong(run, name, unequal) if unequal else {}
    verdicts = {
        day: Verdict(day not in unread, {**numbers, **({"unread": unread[day][:10]} if day in unread else {})})
        for day, numbers in found.items()
    }
    yield sum_up(name, "landed_files", verdicts)
    yield from judge_each_day(found, lambda numbers: [judge_landed(name, numbers)])


def _describe_day(landed: Mapping[str, int], rows: int) -> dict[str, int]:
    return {"files": landed.get("files", 0), "bytes": landed.get("bytes", 0), "rows_in": landed.get("rows", 0),
            "rows": rows}  # fmt: skip


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


def _find_wrong(run: StepRun, name: str, days: Sequence[str]) -> dict[str, list[str]]:
    """Return the files of which there are not as many rows as lines, by day."""
    of_days = run.read_back(name).where(F.col(DAY).cast("string").isin(list(days)))
    there = {row["_source_file"]: row["rows"] for row in of_days.groupBy("_source_file").agg(count_rows()).collect()}
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    for file, rows in sorted(run.landed.rows_by_file.items()):
        if run.landed.day_of[file] in days and rows != there.get(file, 0):
            wrong[run.landed.day_of[file]].append(file)
    return dict(wrong)
