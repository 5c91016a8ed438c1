"""Weather as it came: a stream over the landing folder, each file taken in once."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from ..._checks import Check, nothing_unreadable
from ..._raw import parse_lines, raw_columns
from ..._run import StepRun, add_source

NAME = "flights.bronze.weather"


def transform(run: StepRun) -> DataFrame:
    """Return the stream of all files that the checkpoint does not know."""
    landed = run.spark.readStream.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.json")
    lines = add_source(landed.text(run.plan.landing))
    return parse_lines(lines, raw_columns(run.plan.output(NAME).columns))


def check(run: StepRun) -> Iterator[Check]:
    """Say what could not be read."""
    yield nothing_unreadable(run, NAME)
