"""Weather as it came: a stream over the landing folders takes each file once; one that was overwritten comes again."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from ..._checks import Check, judge_unreadable, unreadable
from ..._raw import parse_lines, raw_columns
from ..._run import StepRun
from ..._stream import judge_stream, read_changed, read_stream

NAME = "flights.bronze.weather"


def transform(run: StepRun) -> Iterator[DataFrame]:
    """Yield the stream of all files that the checkpoint does not know, then the rows of those that have changed."""
    columns = raw_columns(run.plan.output(NAME).columns)
    yield parse_lines(read_stream(run), columns)
    changed = read_changed(run, NAME)
    if changed is not None:
        yield parse_lines(changed, columns)


def check(run: StepRun) -> Iterator[Check]:
    """Check that every file is here and say what could not be read."""
    yield judge_stream(run, NAME)
    yield judge_unreadable(NAME, run.measure(run.measure_back(NAME, *unreadable())))
