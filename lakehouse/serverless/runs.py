"""Runs a Dagster step as a serverless Databricks run and follows it to its end.

Rules, measured reasons and the states: docs/explanation/serverless-runs.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import PipesEnvContextInjector, open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.pipes.client import PipesClientCompletedInvocation
from dagster._core.pipes.context import build_external_execution_context_data

from lakehouse.serverless.attempts import describe_attempt
from lakehouse.serverless.failures import describe_failure
from lakehouse.serverless.messages import NoMessages, VolumeMessageReader
from lakehouse.serverless.outcomes import Verdict, judge_run
from lakehouse.serverless.parameters import add_pipes_parameters
from lakehouse.serverless.remote_step import Context, RemoteStep

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesSession
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobEnvironment, Run, SubmitTask


@dataclass(frozen=True)
class ServerlessRuns:
    """Runs steps on one workspace; messages go through `messages_root`, a /Volumes path the run may write to.

    `patience_seconds`: how long a service that answers with errors is asked again before the step gives up.
    """

    workspace: WorkspaceClient
    messages_root: str
    patience_seconds: float = 300.0

    def run(
        self,
        *,
        context: Context,
        task: SubmitTask,
        environments: Sequence[JobEnvironment] = (),
        extras: Mapping[str, Any] | None = None,
        timeout_seconds: int = 0,
    ) -> PipesClientCompletedInvocation:
        """Run the task, or take up the run that an earlier try of this step began, and return what it reported.

        `task` comes without Pipes parameters; `timeout_seconds` 0 means no limit.

        Raises:
            dg.Failure: the run did not succeed (with its own error, trace and address), or the step was terminated.
        """
        data = build_external_execution_context_data(context, dict(extras or {}))
        folder = f"{self.messages_root}/{describe_attempt(context).root_run_id}"  # of all messages of the Dagster run

        def submit(token: str) -> int:
            waiter = self.workspace.jobs.submit(
                run_name=step.attempt.run_name,
                tasks=[add_pipes_parameters(task, data, f"{folder}/{token}")],
                environments=list(environments) or None,
                idempotency_token=token,
                timeout_seconds=timeout_seconds or None,
            )
            return int(waiter.bind()["run_id"])

        step = RemoteStep(self.workspace, context, self.patience_seconds, submit, lambda run: run.run_name)
        try:
            run = step.begin()
            speaks = task.spark_jar_task is None
            reader = VolumeMessageReader(step.shared.feed, folder, step.token) if speaks else NoMessages()
            with open_pipes_session(context, PipesEnvContextInjector(), reader, dict(extras or {})) as session:
                run = step.follow(run, reader.closed)
        except DagsterExecutionInterruptedError:
            raise step.cancel() from None
        outcome = judge_run(run)
        if outcome.verdict is not Verdict.SUCCEEDED:
            raise describe_failure(self.workspace, run, outcome)
        _require_all_messages(session, run)
        if not session.message_handler.received_opened_message:
            step.print_logs(run)
        return PipesClientCompletedInvocation(session, metadata=describe_run(run))


def describe_run(run: Run) -> dict[str, Any]:
    """Return the metadata that every materialization of a run carries; durations in seconds."""
    tasks = run.tasks or []
    return {
        "databricks/run_url": dg.MetadataValue.url(run.run_page_url or ""),
        "databricks/run_id": run.run_id or 0,
        "databricks/queue_seconds": _sum_seconds(task.queue_duration for task in tasks),
        "databricks/setup_seconds": _sum_seconds(task.setup_duration for task in tasks),
        "databricks/execution_seconds": _sum_seconds(task.execution_duration for task in tasks),
    }


def _sum_seconds(milliseconds: Any) -> float:
    return sum(value or 0 for value in milliseconds) / 1000


def _require_all_messages(session: PipesSession, run: Run) -> None:
    handler = session.message_handler
    if handler.received_opened_message and not handler.received_closed_message:
        raise dg.Failure(
            f"Databricks run {run.run_id} succeeded but its messages break off: what it did is not known. "
            f"See {run.run_page_url}"
        )
