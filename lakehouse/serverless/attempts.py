"""Attempts: which remote run belongs to which try of which step. Pure.

The idempotency token says what is being done; the run's name says which try began it. So a worker that was killed,
a lost response and a retried Dagster run all meet the run that exists instead of starting another.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import dagster as dg
from dagster._core.storage.tags import RESUME_RETRY_TAG, ROOT_RUN_ID_TAG

TOKEN_LENGTH = 64  # the most that jobs/runs/submit takes
NAME_LENGTH = 200


@dataclass(frozen=True)
class Attempt:
    """One try of a step: `root_run_id`, `step` and `partitions` name the work, `run_id` and `retry` the try."""

    root_run_id: str
    step: str
    partitions: str
    run_id: str
    retry: int

    def token(self, number: int) -> str:
        """Return the idempotency token of the number-th remote run for this work, counted from 0."""
        parts = [self.root_run_id, self.step, self.partitions, str(number)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:TOKEN_LENGTH]

    @property
    def run_name(self) -> str:
        """What the remote run is called; ends in the mark of the try that began it."""
        title = f"{self.step} {self.partitions}".strip()
        return f"{title[: NAME_LENGTH - len(self.mark)]}{self.mark}"

    @property
    def mark(self) -> str:
        """What tells the tries of one work apart."""
        return f" [{self.run_id[:8]}.{self.retry}]"

    def began(self, run_name: str | None) -> bool:
        """Say whether this try began the remote run of that name."""
        return (run_name or "").endswith(self.mark)


def describe_attempt(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> Attempt:
    """Return the attempt that a step's context stands for."""
    run = context.run
    return Attempt(
        root_run_id=find_root(run),
        step=context.get_step_execution_context().step.key,
        partitions=describe_partitions(context),
        run_id=run.run_id,
        retry=context.retry_number,
    )


def find_root(run: dg.DagsterRun) -> str:
    """Return the run whose work this one goes on with: itself, unless it resumes a failed one.

    Re-executing all of a run means doing it again; only "from failure" takes up what was begun.
    """
    resumes = run.tags.get(RESUME_RETRY_TAG) == "true"
    return (run.tags.get(ROOT_RUN_ID_TAG) or run.root_run_id or run.run_id) if resumes else run.run_id


def describe_partitions(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> str:
    """Return "first...last", one key, or nothing."""
    if not context.has_partition_key and not context.has_partition_key_range:
        return ""
    if context.has_partition_key_range:
        keys = context.partition_key_range
        return keys.start if keys.start == keys.end else f"{keys.start}...{keys.end}"
    return context.partition_key
