"""Checks of what a step has written, computed in the same session and reported with it.

A step measures all it needs in one query (`StepRun.measure`), then judges the numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

Numbers = Mapping[str, Any]
Severity = Literal["WARN", "ERROR"]


@dataclass(frozen=True)
class Verdict:
    """What a check says of one day, and the numbers it was decided by."""

    passed: bool
    metadata: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """The result of a check on an output; `metadata` has the numbers it was decided by.

    `rows_in` is among them where the check knows how many rows the step has read. `days`: the verdict on each day of
    the range, of an output that is loaded by day.
    """

    output: str
    name: str
    passed: bool
    metadata: Numbers = field(default_factory=dict)
    severity: Severity = "ERROR"
    days: Mapping[str, Verdict] = field(default_factory=dict)


def judge_each_day(found: Mapping[str, Numbers], judge: Callable[[Numbers], Iterable[Check]]) -> Iterator[Check]:
    """Judge each day by itself; yield each check once, with its verdict on every day."""
    days: defaultdict[tuple[str, str, Severity], dict[str, Verdict]] = defaultdict(dict)
    for day, numbers in found.items():
        for check in judge(numbers):
            days[check.output, check.name, check.severity][day] = Verdict(check.passed, check.metadata)
    for (output, name, severity), verdicts in days.items():
        yield sum_up(output, name, verdicts, severity)


def sum_up(output: str, name: str, days: Mapping[str, Verdict], severity: Severity = "ERROR") -> Check:
    """Return the check that passed if it did on each day."""
    failed = [day for day, verdict in days.items() if not verdict.passed]
    return Check(output, name, not failed, {"days": len(days), "failed_days": failed}, severity, days)


def judge_landed(output: str, numbers: Numbers) -> Check:
    """Judge by `rows_in` whether a day has landed: whether there was a row to build it of."""
    return Check(output, "day_landed", numbers["rows_in"] > 0, numbers, severity="WARN")


def count_rows(name: str = "rows") -> Column:
    """Return the number of rows as a measure."""
    return F.count(F.lit(1)).alias(name)


def count_keys(keys: Sequence[str], name: str = "keys") -> Column:
    """Return the number of different keys as a measure; null is a value like any other."""
    return F.count_distinct(F.struct(*keys)).alias(name)


def count_where(condition: Column, name: str) -> Column:
    """Return the number of rows for which the condition holds, as a measure of that name."""
    return F.count_if(condition).alias(name)


def unreadable() -> tuple[Column, Column]:
    """Return what `judge_unreadable` needs, over a bronze table."""
    corrupt = count_where(F.col("_corrupt_record").isNotNull(), "corrupt_lines")
    return corrupt, count_where(F.col("_rescued").isNotNull(), "rows_with_unknown_fields")


def judge_unique(output: str, found: Numbers, keys: Sequence[str]) -> Check:
    """Judge by `rows` and `keys` whether a key is there twice."""
    numbers = {"rows": found["rows"], "keys": found["keys"], "key": list(keys)}
    return Check(output, "unique_keys", found["rows"] == found["keys"], numbers)


def judge_unreadable(output: str, found: Numbers) -> Check:
    """Judge whether every landed line was a JSON object with known fields only; a warning, since nothing is lost."""
    numbers = {name: found[name] for name in ("corrupt_lines", "rows_with_unknown_fields")}
    return Check(output, "nothing_unreadable", not any(numbers.values()), numbers, severity="WARN")
