"""Says how far Spark is while a statement runs long, so that a step of minutes is not silent.

Spark Connect reports progress to its client: `SparkSession.registerProgressHandler`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FIRST_AFTER_S = 5.0  # most statements are done by then, and say themselves what they did
AT_MOST_EVERY_S = 5.0
_MIB = 1 << 20


@dataclass
class _Statement:
    began: float
    said: float
    line: str = ""


class SparkProgress:
    """Prints a line for a statement that takes long, again when it has changed; made to be called by Spark's client."""

    def __init__(self, say: Callable[[str], None] = print, clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._statements: dict[str | None, _Statement] = {}

    def __call__(self, stages: Sequence[Any], inflight_tasks: int, operation_id: str | None, done: bool) -> None:
        """Take a report: `stages` have num_tasks, num_completed_tasks and num_bytes_read."""
        now = self._clock()
        if done:
            self._statements.pop(operation_id, None)
            return
        statement = self._statements.setdefault(operation_id, _Statement(now, now - AT_MOST_EVERY_S))
        line = _describe(stages, inflight_tasks)
        is_due = now - statement.began >= FIRST_AFTER_S and now - statement.said >= AT_MOST_EVERY_S
        if is_due and line != statement.line:
            statement.said, statement.line = now, line
            self._say(f"{line}, {now - statement.began:.0f} s")


def _describe(stages: Sequence[Any], inflight_tasks: int) -> str:
    tasks = sum(stage.num_tasks for stage in stages)
    finished = sum(stage.num_completed_tasks for stage in stages)
    read = sum(stage.num_bytes_read for stage in stages) // _MIB
    return f"Spark: {finished} of {tasks} tasks done, {inflight_tasks} running, {read} MiB read"


@contextmanager
def say_progress(spark: SparkSession) -> Iterator[None]:
    """Say how far Spark is while the block runs."""
    handler: Any = SparkProgress()  # its type would import all of pyspark's shell
    spark.registerProgressHandler(handler)
    try:
        yield
    finally:
        spark.removeProgressHandler(handler)
