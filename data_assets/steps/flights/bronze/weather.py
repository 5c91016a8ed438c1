"""Weather as it came: a stream over the landing folders takes each file once; one that was overwritten comes again."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from ..._checks import Check, judge_unreadable, unreadable
from ..._raw import parse_lines, raw_columns
from ..._run import StepRun
from ..._stream import find_changed, read_stream

NAME = "flights.bronze.weather"


def transform(run: StepRun) -> Iterator[DataFrame]:
    """Yield the stream of all files that the checkpoint does not know, then the rows of those that have changed."""
    columns = raw_columns(run.plan.output(NAME).columns)
    yield parse_lines(read_stream(run), columns)
    changed = find_changed(run, NAME)
    if changed:
        yield parse_lines(run.read_files(*changed), columns)


def check(run: StepRun) -> Iterator[Check]:
    """Say what could not be read."""
    yield judge_unreadable(NAME, run.measure(run.measure_back(NAME, *unreadable())))
