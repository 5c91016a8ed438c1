"""Reference data: small sets that come whole and are merged by key, the newest file's row counting."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from ._checks import Check, count_keys, count_rows, judge_unique, judge_unreadable, unreadable
from ._landed import judge_merged
from ._raw import keep_newest, parse_lines, raw_columns
from ._run import StepRun


def read_newest(run: StepRun, name: str) -> DataFrame:
    """Return one row per key of the landed files; unreadable lines, and those without a key, are keys of their own."""
    output = run.plan.output(name)
    key = [column for column in output.keys if not column.startswith("_")]
    rows = parse_lines(run.read_landed(), raw_columns(output.columns), required=key)
    run.merged = keep_newest(rows, output.keys, raw_columns(output.columns))
    return run.merged


def check_reference(run: StepRun, name: str) -> Iterator[Check]:
    """Check that every key is here once and say what could not be read."""
    keys = run.plan.output(name).keys
    found = run.measure(run.measure_back(name, count_rows(), count_keys(keys), *unreadable()))
    yield judge_merged(run, name, keys)
    yield judge_unique(name, found, keys)
    yield judge_unreadable(name, found)
