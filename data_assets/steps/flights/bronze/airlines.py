"""Airlines as they came: merged by key, so that a second file of the same changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import DataFrame

from ..._checks import Check
from ..._reference import check_reference, read_newest
from ..._run import StepRun

NAME = "flights.bronze.airlines"


def transform(run: StepRun) -> DataFrame:
    """Return the newest row of each key."""
    return read_newest(run, NAME)


def check(run: StepRun) -> Iterator[Check]:
    """Check keys and say what could not be read."""
    yield from check_reference(run, NAME)
