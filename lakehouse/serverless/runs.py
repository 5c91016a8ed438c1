"""Runs a Dagster step as a serverless Databricks run and follows it to its end.

Rules, measured reasons and the states: docs/explanation/serverless-runs.md.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg
from dagster import PipesEnvContextInjector, open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.pipes.client import PipesClientCompletedInvocation
from dagster._core.pipes.context import build_external_execution_context_data
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.serverless.attempts import Attempt, describe_attempt
from lakehouse.serverless.failures import describe_failure
from lakehouse.serverless.fusion import FUSION_TAG, FusedStep, count_resumed, fused_name, fused_token, is_own, narrow
from lakehouse.serverless.messages import VolumeMessageReader
from lakehouse.serverless.outcomes import Verdict, judge_run
from lakehouse.serverless.parameters import add_pipes_parameters
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.sharing import share
from lakehouse.termination import when_terminated

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesSession
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobEnvironment, Run, SubmitTask

Context = dg.AssetExecutionContext | dg.OpExecutionContext
T = TypeVar("T")

LOOK_S = 0.05  # how often a waiting step looks whether it was told to stop
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
        fused: Callable[[], Sequence[FusedStep]] | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run the task, or take up the run that an earlier try of this step began, and return what it reported.

        `task` comes without Pipes parameters; `timeout_seconds` 0 means no limit. `fused` tells which steps of the
        Dagster run, this one among them, may go into one remote run; the limit is then each task's.

        Raises:
            dg.Failure: the run did not succeed (with its own error, trace and address), or the step was terminated.
        """
        extras = dict(extras or {})
        step = _RemoteStep(self, context, FusedStep(context, task, extras), environments, timeout_seconds, fused)
        try:
            run = step.begin()
            reader = VolumeMessageReader(step.shared.feed, step.messages_directory, step.folder)
            with open_pipes_session(context, PipesEnvContextInjector(), reader, extras) as session:
                run = step.follow(run, reader.closed)
        except DagsterExecutionInterruptedError:
            raise step.cancel() from None
        outcome = judge_run(run)
        if outcome.verdict is not Verdict.SUCCEEDED and not _was_stopped_by_check(context, session):
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
        step: FusedStep,
        environments: Sequence[JobEnvironment],
        timeout_seconds: int,
        fused: Callable[[], Sequence[FusedStep]] | None,
    ) -> None:
        self._runs = runs
        self._jobs = runs.workspace.jobs
        self._context = context
        self._step = step
        self._environments = list(environments)
        self._timeout_seconds = timeout_seconds
        self._fused = fused
        self._attempt: Attempt = describe_attempt(context)
        self.shared = share(runs.workspace, runs.patience_seconds)
        self.folder = ""
        self._task_key: str | None = None
        self._submit: Callable[[], int] | None = None

    @property
    def messages_directory(self) -> str:
        """Where the folders of messages of the Dagster run's steps are."""
        return f"{self._runs.messages_root}/{self._attempt.root_run_id}"

    def begin(self) -> Run:
        """Return the run of this attempt: a new one, one still active, or one that succeeded unseen."""
        return self._join() or self._begin_own()

    def _join(self) -> Run | None:
        """Return the run that steps of the Dagster run share, as seen from this one's task, if that is to be had."""
        if self._fused is None or self._context.run.tags.get(FUSION_TAG) == "off":
            return None
        self._task_key = self._step.task.task_key
        # also for one step: which steps are left, re-execution must ask for what the killed worker asked for
        for number in range(count_resumed(self._context.instance, self._context.run) + 1):
            token = fused_token(self._attempt, number)
            self.folder = self._fused_folder(token, self._task_key)
            self._submit = partial(self.shared.once, token, partial(self._submit_fused, token, self._fused))
            run = narrow(self._get(self._call(self._submit)), self._task_key)
            if run is not None and self._takes(run, is_own(self._attempt, run)):
                return run
        self._task_key = None
        return None

    def _begin_own(self) -> Run:
        """A run that failed and was begun by another try is history: the next number is tried."""
        for number in range(MOST_ATTEMPTS):
            self.folder = self._attempt.token(number)
            self._submit = partial(self._submit_own, self.folder)
            run = self._get(self._call(self._submit))
            if self._takes(run, self._attempt.began(run.run_name)):
                return run
        raise dg.Failure(f"{self._attempt.step} has failed {MOST_ATTEMPTS} times; start a new Dagster run")

    def _takes(self, run: Run, mine: bool) -> bool:
        """Say whether the run is this attempt's, and tell so."""
        outcome = judge_run(run)
        if not mine and outcome.verdict not in (Verdict.ACTIVE, Verdict.SUCCEEDED):
            return False
        how = "submitted" if mine else "found active" if not outcome.is_final else "found finished; collecting it"
        self._context.log.info("Databricks run %s %s: %s", run.run_id, how, run.run_page_url)
        return True

    def follow(self, run: Run, closed: threading.Event) -> Run:
        """Wait until the run has ended and return it; it is asked for closely once its messages are `closed`."""
        if judge_run(run).is_final:
            return run
        with self.shared.watcher.watch(run.run_id or 0, self._task_key) as watched:
            wait_for(watched.ended, closed)
            watched.hurry()
            wait_for(watched.ended)
        return watched.result()

    def cancel(self) -> dg.Failure:
        """Cancel the remote run and return the failure that ends the step: no retry, no success."""
        if self._submit is None:
            return dg.Failure("Terminated before a Databricks run was submitted", allow_retries=False)
        # interrupted between the request and its answer: asking again with the same token tells which run it is
        run_id = call_patiently(self._submit, self._runs.patience_seconds)
        self._cancel_run(run_id)
        return dg.Failure(f"Terminated: Databricks run {run_id} was cancelled", allow_retries=False)

    def _cancel_run(self, run_id: int) -> None:
        call_patiently(lambda: self._jobs.cancel_run(run_id), self._runs.patience_seconds)

    def print_logs(self, run: Run) -> None:
        """Print what a run without Pipes printed."""
        for task in run.tasks or []:
            task_run_id = task.run_id or 0
            output = self._call(lambda task_run_id=task_run_id: self._jobs.get_run_output(task_run_id))  # type: ignore[misc]
            sys.stdout.write(output.logs or "")

    def _submit_own(self, token: str) -> int:
        task = self._prepare(self._step, token)
        return self._send(self._attempt.run_name, [task], token, self._timeout_seconds)

    def _submit_fused(self, token: str, fused: Callable[[], Sequence[FusedStep]]) -> int:
        tasks = []
        for step in fused():
            tasks.append(self._prepare(step, self._fused_folder(token, step.task.task_key)))
            tasks[-1].timeout_seconds = self._timeout_seconds or None
        run_id = self._send(fused_name(self._attempt, self._context.run.job_name), tasks, token, 0)
        when_terminated(self._attempt.run_id, partial(self._cancel_run, run_id))  # also between two of the steps
        return run_id

    def _prepare(self, step: FusedStep, folder: str) -> SubmitTask:
        data = build_external_execution_context_data(step.context, dict(step.extras))
        return add_pipes_parameters(step.task, data, f"{self.messages_directory}/{folder}")

    def _send(self, name: str, tasks: list[SubmitTask], token: str, timeout_seconds: int) -> int:
        self.shared.submits.take()
        waiter = self._jobs.submit(
            run_name=name,
            tasks=tasks,
            environments=self._environments or None,
            idempotency_token=token,
            timeout_seconds=timeout_seconds or None,
        )
        return int(waiter.bind()["run_id"])

    def _fused_folder(self, token: str, task_key: str) -> str:
        return f"{token}.{task_key}"

    def _get(self, run_id: int) -> Run:
        return self._call(lambda: self._jobs.get_run(run_id))

    def _call(self, call: Callable[[], T]) -> T:
        return call_patiently(call, self._runs.patience_seconds, wait)


def wait(seconds: float) -> None:
    """Sleep, but end at once when Dagster was told to stop the run.

    Raises:
        DagsterExecutionInterruptedError: it was.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        _heed_interrupt()
        time.sleep(min(LOOK_S, left))
    _heed_interrupt()


def wait_for(event: threading.Event, other: threading.Event | None = None) -> None:
    """Wait for one of the events, but no longer than until Dagster was told to stop the run.

    Raises:
        DagsterExecutionInterruptedError: it was.
    """
    while not (event.wait(LOOK_S) or (other and other.is_set())):
        _heed_interrupt()


def _heed_interrupt() -> None:
    if check_captured_interrupt():
        raise DagsterExecutionInterruptedError


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


def _was_stopped_by_check(context: Context, session: PipesSession) -> bool:
    """Say whether the remote code told everything and then failed so that nothing is built on what it found bad.

    Dagster says the same of a blocking check: it fails the step after what it reported has been recorded.
    """
    results = session.get_reported_results()
    made = {result.asset_key for result in results if isinstance(result, dg.MaterializeResult)}
    failed = [result for result in results if isinstance(result, dg.AssetCheckResult) and not result.passed]
    if not failed or not session.message_handler.received_closed_message or made < context.selected_asset_keys:
        return False
    blocking = {(spec.asset_key, spec.name) for spec in context.assets_def.check_specs if spec.blocking}
    serious = [result for result in failed if result.severity is dg.AssetCheckSeverity.ERROR]
    return any((result.asset_key, result.check_name) in blocking for result in serious)
