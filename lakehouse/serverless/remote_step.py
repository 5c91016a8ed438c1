"""One step's dealings with its remote run: begin it or take it up, follow it, cancel it, print what it printed.

How a run is started is the caller's: runs.py submits, job_runs.py runs a job.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.serverless.attempts import Attempt, describe_attempt
from lakehouse.serverless.outcomes import Outcome, Verdict, judge_run
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.sharing import share

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

Context = dg.AssetExecutionContext | dg.OpExecutionContext
T = TypeVar("T")
Start = Callable[[str], int]  # idempotency token -> run id
NameOf = Callable[["Run"], "str | None"]  # what ends in the mark of the try that began the run

LOOK_S = 0.05  # how often a waiting step looks whether it was told to stop
MOST_ATTEMPTS = 100


class RemoteStep:
    """One step's dealings with its remote run."""

    def __init__(
        self, workspace: WorkspaceClient, context: Context, patience_s: float, start: Start, name_of: NameOf
    ) -> None:
        self._jobs = workspace.jobs
        self._context = context
        self._patience_s = patience_s
        self._start = start
        self._name_of = name_of
        self.attempt: Attempt = describe_attempt(context)
        self.shared = share(workspace, patience_s)
        self.token = ""
        self._run_id: int | None = None

    def begin(self) -> Run:
        """Return the run of this attempt: a new one, one still active, or one that succeeded unseen.

        A run that failed and was begun by another try is history: the next number is tried.
        """
        for number in range(MOST_ATTEMPTS):
            self.token, self._run_id = self.attempt.token(number), None
            self._run_id = self._call(self._submit)
            run = self._get()
            outcome, mine = judge_run(run), self.attempt.began(self._name_of(run))
            if mine or outcome.verdict in (Verdict.ACTIVE, Verdict.SUCCEEDED):
                self._announce(run, outcome, mine)
                return run
        raise dg.Failure(f"{self.attempt.step} has failed {MOST_ATTEMPTS} times; start a new Dagster run")

    def follow(self, run: Run, closed: threading.Event | None = None) -> Run:
        """Wait until the run has ended and return it; asked for closely once its messages, if any, are `closed`."""
        if judge_run(run).is_final:
            return run
        with self.shared.watcher.watch(run.run_id or 0) as watched:
            wait_for(watched.ended, closed)
            watched.hurry()
            wait_for(watched.ended)
        return watched.result()

    def cancel(self) -> dg.Failure:
        """Cancel the remote run and return the failure that ends the step: no retry, no success."""
        if not self.token:
            return dg.Failure("Terminated before a Databricks run was submitted", allow_retries=False)
        # interrupted between the request and its answer: asking again with the same token tells which run it is
        run_id = self._run_id or call_patiently(self._submit, self._patience_s)
        call_patiently(lambda: self._jobs.cancel_run(run_id), self._patience_s)
        return dg.Failure(f"Terminated: Databricks run {run_id} was cancelled", allow_retries=False)

    def print_logs(self, run: Run) -> dict[str, str]:
        """Print what a run without Pipes printed, a notebook's exit value included; return it by task."""
        printed = {task.task_key: self._read_output(task.run_id or 0) for task in run.tasks or []}
        sys.stdout.write("".join(printed.values()))
        return printed

    def _read_output(self, task_run_id: int) -> str:
        output = self._call(lambda: self._jobs.get_run_output(task_run_id))
        result = (output.notebook_output.result if output.notebook_output else None) or ""
        return (output.logs or "") + (f"{result}\n" if result else "")

    def _submit(self) -> int:
        self.shared.submits.take()
        return self._start(self.token)

    def _get(self) -> Run:
        run_id = self._run_id or 0
        return self._call(lambda: self._jobs.get_run(run_id))

    def _call(self, call: Callable[[], T]) -> T:
        return call_patiently(call, self._patience_s, wait)

    def _announce(self, run: Run, outcome: Outcome, mine: bool) -> None:
        what = "submitted" if mine else "found active" if not outcome.is_final else "found finished; collecting it"
        self._context.log.info("Databricks run %s %s: %s", run.run_id, what, run.run_page_url)


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
