"""Runs a persistent job as a Dagster step, by the same rules as a submitted run (runs.py), without Pipes.

A job's run has no name of its own, so the try that began it stands in a parameter that the job must declare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from lakehouse.jobs import describe_others, find_job
from lakehouse.names import REQUESTED_BY
from lakehouse.serverless.failures import describe_failure
from lakehouse.serverless.outcomes import Verdict, judge_run
from lakehouse.serverless.remote_step import Context, RemoteStep
from lakehouse.serverless.runs import describe_run

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run


@dataclass(frozen=True)
class JobRun:
    """A job's run that succeeded: what each task printed (of a notebook, its exit value), and the run's metadata."""

    printed: Mapping[str, str]
    metadata: Mapping[str, Any]


def run_job(
    workspace: WorkspaceClient, context: Context, name: str, mark: Mapping[str, str], patience_seconds: float = 300.0
) -> JobRun:
    """Run the job of that name and mark, or take up the run that an earlier try of this step began; print its output.

    Raises:
        dg.Failure: there is no such job, the run did not succeed, or the step was terminated.
    """
    job_id = _require_job(workspace, name, mark)

    step = RemoteStep(workspace, context, patience_seconds)

    def start(token: str) -> int:
        step.shared.run_nows.take()
        waiter = workspace.jobs.run_now(
            job_id, idempotency_token=token, job_parameters={REQUESTED_BY: step.attempt.run_name}
        )
        return int(waiter.bind()["run_id"])

    try:
        run = step.follow(step.begin_alone(start, _requested_by))
    except DagsterExecutionInterruptedError:
        raise step.cancel() from None
    outcome = judge_run(run)
    if outcome.verdict is not Verdict.SUCCEEDED:
        raise describe_failure(workspace, run, outcome)
    return JobRun(step.print_logs(run), describe_run(run))


def _require_job(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> int:
    job_id = find_job(workspace, name, mark)
    if job_id is None:
        raise dg.Failure(
            f"There is no job {name!r} of this estate, or it may not be seen{_say_others(workspace, name, mark)}. "
            "Remedy: `lakehouse apply -s job`",
            allow_retries=False,
        )
    return job_id


def _say_others(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> str:
    others = describe_others(workspace, name, mark)
    return f"; of somebody else: {others}" if others else ""


def _requested_by(run: Run) -> str | None:
    return next((one.value for one in run.job_parameters or [] if one.name == REQUESTED_BY), None)
