"""What a step says of each day of its range: rows, files and bytes, and which days a check failed on. No Spark here.

data_assets/partition_reports.py, which gives each partition its own, shares it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

PARTITIONS = "partitions"  # metadata of a table or a check: a mapping from day to what is said of it
EMPTY, ROWS = "empty", "dagster/partition_row_count"
_NAMED = 10  # days in a message

Days = Mapping[str, Mapping[str, Any]]  # by day


def describe_days(days: Iterable[str], rows: Mapping[str, int], rows_in: Mapping[str, int], landed: Days) -> Days:
    """Return what Dagster shows of each day; `landed` holds files and bytes, nothing where the step reads no files.

    A day is `empty` where there was no row to build it of. Where `rows_in` is not told, it is the rows that are there.
    """
    return {
        day: {**_describe_day(rows.get(day, 0), rows_in.get(day, rows.get(day, 0))), **landed.get(day, {})}
        for day in days
    }


def _describe_day(rows: int, rows_in: int) -> dict[str, Any]:
    numbers = {"rows_in": rows_in, "rows_written": rows, ROWS: rows}  # the whole day is replaced
    return numbers if rows_in else {**numbers, EMPTY: True}


def say_failed(failed: Mapping[str, Mapping[str, bool]]) -> str:
    """Return which checks failed on which days, and how the other days fared.

    `failed` tells by check on which days it passed; nothing for a table without days.
    """
    said = "; ".join(f"{check}{_say_days(days)}" for check, days in failed.items())
    all_days = {day for days in failed.values() for day in days}
    bad = {day for days in failed.values() for day, passed in days.items() if not passed}
    if not all_days:
        return f"Failed: {said}"
    good = sorted(all_days - bad)
    others = f"The other {len(good)} of {len(all_days)} days are written and good" if good else "No other day was run"
    return f"Failed: {said}. {others}. This run builds nothing of any of them; automation builds what good days lead to"


def _say_days(days: Mapping[str, bool]) -> str:
    bad: Sequence[str] = sorted(day for day, passed in days.items() if not passed)
    more = f" and {len(bad) - _NAMED} more days" if len(bad) > _NAMED else ""
    return f" on {', '.join(bad[:_NAMED])}{more}" if bad else ""
