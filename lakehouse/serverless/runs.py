"""Runs a Dagster step as a serverless Databricks run and follows it to its end.

Rules, measured reasons and the states: docs/explanation/serverless-runs.md.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
from dagster import PipesEnvContextInjector, open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.pipes.client import PipesClientCompletedInvocation
from dagster._core.pipes.context import build_external_execution_context_data
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.serverless.attempts import Attempt, describe_attempt
from lakehouse.serverless.failures import describe_failure
from lakehouse.serverless.messages import VolumeMessageReader
from lakehouse.serverless.outcomes import Outcome, Verdict, judge_run
from lakehouse.serverless.parameters import add_pipes_parameters
from lakehouse.serverless.patience import call_patiently

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesSession
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobEnvironment, Run, SubmitTask

Context = dg.AssetExecutionContext | dg.OpExecutionContext
T = TypeVar("T")

FASTEST_POLL_S, SLOWEST_POLL_S, SLOWER_BY = 0.2, 5.0, 1.2
LOOK_S = 0.1  # how often a waiting step looks whether it was told to stop
MOST_ATTEMPTS = 100


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
        step = _RemoteStep(self, context, task, environments, timeout_seconds, data)
        try:
            run = step.begin()
            reader = VolumeMessageReader(self.workspace, step.messages_path, self.patience_seconds)
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


class _RemoteStep:
    """One step's dealings with its remote run."""

    def __init__(
        self,
        runs: ServerlessRuns,
        context: Context,
        task: SubmitTask,
        environments: Sequence[JobEnvironment],
        timeout_seconds: int,
        data: Mapping[str, Any],
    ) -> None:
        self._runs = runs
        self._jobs = runs.workspace.jobs
        self._context = context
        self._task = task
        self._environments = list(environments)
        self._timeout_seconds = timeout_seconds
        self._data = data
        self._attempt: Attempt = describe_attempt(context)
        self._token = ""
        self._run_id: int | None = None

    @property
    def messages_path(self) -> str:
        """Where the run writes its messages."""
        return f"{self._runs.messages_root}/{self._token}"

    def begin(self) -> Run:
        """Return the run of this attempt: a new one, one still active, or one that succeeded unseen.

        A run that failed and was begun by another try is history: the next number is tried.
        """
        for number in range(MOST_ATTEMPTS):
            self._token, self._run_id = self._attempt.token(number), None
            self._run_id = self._call(self._submit)
            run = self._get()
            outcome, mine = judge_run(run), self._attempt.began(run.run_name)
            if mine or outcome.verdict in (Verdict.ACTIVE, Verdict.SUCCEEDED):
                self._announce(run, outcome, mine)
                return run
        raise dg.Failure(f"{self._attempt.step} has failed {MOST_ATTEMPTS} times; start a new Dagster run")

    def follow(self, run: Run, closed: threading.Event) -> Run:
        """Wait until the run has ended and return it; polled closely again once its messages are `closed`."""
        pause, outcome, ending = FASTEST_POLL_S, judge_run(run), closed.is_set()
        while not outcome.is_final:
            wait(pause, None if ending else closed)
            run, before = self._get(), (outcome, ending)
            outcome, ending = judge_run(run), closed.is_set()
            pause = FASTEST_POLL_S if (outcome, ending) != before else min(SLOWEST_POLL_S, pause * SLOWER_BY)
        return run

    def cancel(self) -> dg.Failure:
        """Cancel the remote run and return the failure that ends the step: no retry, no success."""
        if not self._token:
            return dg.Failure("Terminated before a Databricks run was submitted", allow_retries=False)
        # interrupted between the request and its answer: asking again with the same token tells which run it is
        run_id = self._run_id or call_patiently(self._submit, self._runs.patience_seconds)
        call_patiently(lambda: self._jobs.cancel_run(run_id), self._runs.patience_seconds)
        return dg.Failure(f"Terminated: Databricks run {run_id} was cancelled", allow_retries=False)

    def print_logs(self, run: Run) -> None:
        """Print what a run without Pipes printed."""
        for task in run.tasks or []:
            task_run_id = task.run_id or 0
            output = self._call(lambda task_run_id=task_run_id: self._jobs.get_run_output(task_run_id))  # type: ignore[misc]
            sys.stdout.write(output.logs or "")

    def _submit(self) -> int:
        prepared = add_pipes_parameters(self._task, self._data, self.messages_path)
        waiter = self._jobs.submit(
            run_name=self._attempt.run_name,
            tasks=[prepared],
            environments=self._environments or None,
            idempotency_token=self._token,
            timeout_seconds=self._timeout_seconds or None,
        )
        return int(waiter.bind()["run_id"])

    def _get(self) -> Run:
        run_id = self._run_id or 0
        return self._call(lambda: self._jobs.get_run(run_id))

    def _call(self, call: Callable[[], T]) -> T:
        return call_patiently(call, self._runs.patience_seconds, wait)

    def _announce(self, run: Run, outcome: Outcome, mine: bool) -> None:
        what = "submitted" if mine else "found active" if not outcome.is_final else "found finished; collecting it"
        self._context.log.info("Databricks run %s %s: %s", run.run_id, what, run.run_page_url)


def wait(seconds: float, news: threading.Event | None = None) -> None:
    """Sleep, but end at once when there is news or when Dagster was told to stop the run.

    Raises:
        DagsterExecutionInterruptedError: it was.
    """
    deadline = time.monotonic() + seconds
    while True:
        if check_captured_interrupt():
            raise DagsterExecutionInterruptedError
        left = deadline - time.monotonic()
        if left <= 0 or (news and news.is_set()):
            return
        time.sleep(min(LOOK_S, left))


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
