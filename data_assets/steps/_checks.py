"""Checks of what a step has written, computed in the same session and reported with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from ._run import DAY, StepRun


@dataclass(frozen=True)
class Check:
    """The result of a check on an output; `metadata` has the numbers it was decided by."""

    output: str
    name: str
    passed: bool
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: Literal["WARN", "ERROR"] = "ERROR"


def measure(run: StepRun, output: str, *measures: Column) -> dict[str, Any]:
    """Return the measures (named aggregates) over the rows of the output that this run is about, in one query."""
    chosen = run.plan.output(output)
    rows = run.spark.table(chosen.table)
    if chosen.daily and run.plan.days is not None:
        rows = rows.where(F.col(DAY).between(*(F.lit(day).cast("date") for day in run.plan.days)))
    (found,) = rows.agg(*measures).collect()
    return found.asDict()


def count_keys(keys: Sequence[str]) -> Column:
    """Return the number of different keys, as the measure `keys`."""
    return F.count_distinct(F.struct(*keys)).alias("keys")


def count_rows() -> Column:
    """Return the number of rows, as the measure `rows`."""
    return F.count(F.lit(1)).alias("rows")


def count_where(condition: Column, name: str) -> Column:
    """Return the number of rows for which the condition holds, as a measure of that name."""
    return F.count_if(condition).alias(name)


def unique_keys(run: StepRun, output: str, keys: Sequence[str]) -> Check:
    """Check that no key is there twice."""
    found = measure(run, output, count_rows(), count_keys(keys))
    return Check(output, "unique_keys", found["rows"] == found["keys"], {**found, "key": list(keys)})


def nothing_unreadable(run: StepRun, output: str) -> Check:
    """Check that every landed line was a JSON object with known fields only; a warning, since nothing is lost."""
    corrupt = count_where(F.col("_corrupt_record").isNotNull(), "corrupt_lines")
    unknown = count_where(F.col("_rescued").isNotNull(), "rows_with_unknown_fields")
    found = measure(run, output, count_rows(), corrupt, unknown)
    passed = not found["corrupt_lines"] and not found["rows_with_unknown_fields"]
    return Check(output, "nothing_unreadable", passed, found, severity="WARN")
