"""Fusion: the steps of a Dagster run that go into one remote run, a task each, in the order they depend on each other.

The remote run starts cold once, and a task starts when those before it have ended, whatever Dagster is doing. Each step
stays its own: it waits for its own task and reports its own tables, failure and retry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, RESUME_RETRY_TAG

from lakehouse.serverless.attempts import NAME_LENGTH, TOKEN_LENGTH, Attempt

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import Run, SubmitTask

    Context = dg.AssetExecutionContext | dg.OpExecutionContext

FUSION_TAG = "lakehouse/fusion"  # of a Dagster run or job; "off": every step is a remote run of its own
MOST_TASKS = 1_000


@dataclass(frozen=True)
class FusedStep:
    """A step of the Dagster run as a task of the remote run; `task` says on which others it depends."""

    context: Context
    task: SubmitTask
    extras: Mapping[str, Any]


def contexts_of_run(context: dg.AssetExecutionContext) -> dict[str, dg.AssetExecutionContext]:
    """Return the contexts of all steps that the Dagster run is to execute, by step key, as each will find its own."""
    running = context.get_step_execution_context()
    plan = running.execution_plan
    steps = {key: plan.get_executable_step_by_key(key) for key in plan.step_keys_to_execute}
    return {
        key: dg.AssetExecutionContext(dg.OpExecutionContext(running.for_step(step, running.get_known_state())))
        for key, step in steps.items()
    }


def require_fusible(steps: Sequence[FusedStep]) -> None:
    """Refuse more steps than one remote run has tasks; https://docs.databricks.com/api/workspace/jobs/submit

    Raises:
        dagster.Failure: naming the limit and what to do; it is not retried.
    """
    if len(steps) > MOST_TASKS:
        raise dg.Failure(
            f"{len(steps):,} steps of this Dagster run would share one remote run, which takes {MOST_TASKS:,} tasks: "
            f"select fewer, or start it with the tag {FUSION_TAG}=off, so that each step is a run of its own",
            allow_retries=False,
        )


def fused_token(attempt: Attempt, number: int) -> str:
    """Return the idempotency token of the remote run that the number-th Dagster run of this work may share."""
    return hashlib.sha256(f"{attempt.root_run_id}\0fused\0{number}".encode()).hexdigest()[:TOKEN_LENGTH]


def fused_name(attempt: Attempt, job_name: str) -> str:
    """Return what the shared run is called; ends in the mark of the Dagster run that began it."""
    title, mark = f"{job_name} {attempt.partitions}".strip(), _mark(attempt)
    return f"{title[: NAME_LENGTH - len(mark)]}{mark}"


def is_own(attempt: Attempt, run: Run) -> bool:
    """Say whether the task's end is this try's: its Dagster run began it, and no earlier try of the step had it.

    A task that was not run because one before it failed is nobody's: when the step starts, that one has been mended.
    """
    from databricks.sdk.service.jobs import RunResultState

    result = run.state.result_state if run.state else None
    was_run = result not in (RunResultState.UPSTREAM_FAILED, RunResultState.UPSTREAM_CANCELED)
    return was_run and attempt.retry == 0 and (run.run_name or "").endswith(_mark(attempt))


def narrow(run: Run, task_key: str) -> Run | None:
    """Return the run as it looks from one of its tasks, None if it has no such task."""
    for task in run.tasks or []:
        if task.task_key == task_key:
            seen = copy(run)
            seen.tasks, seen.state, seen.status = [task], task.state, task.status
            seen.run_page_url = task.run_page_url or run.run_page_url
            return seen
    return None


def count_resumed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    """Return how many Dagster runs have begun this work before: a run "from failure" goes on with its parent's."""
    resumed = 0
    one: dg.DagsterRun | None = run
    while one is not None and one.tags.get(RESUME_RETRY_TAG) == "true":
        resumed += 1
        parent = one.tags.get(PARENT_RUN_ID_TAG) or one.parent_run_id
        one = instance.get_run_by_id(parent) if parent else None
    return resumed


def _mark(attempt: Attempt) -> str:
    return f" [{attempt.run_id[:8]}]"
