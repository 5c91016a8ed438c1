"""One step's dealings with its remote run: begin it or take it up, follow it, cancel it, print what it printed.

How a run is started is the caller's: runs.py submits, job_runs.py runs a job.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.serverless.attempts import Attempt, describe_attempt
from lakehouse.serverless.outcomes import Verdict, judge_run
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.sharing import share

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

Context = dg.AssetExecutionContext | dg.OpExecutionContext
T = TypeVar("T")
Start = Callable[[str], int]  # idempotency token -> run id

LOOK_S = 0.05  # how often a waiting step looks whether it was told to stop
MOST_ATTEMPTS = 100


class RemoteStep:
    """One step's dealings with its remote run."""

    def __init__(self, workspace: WorkspaceClient, context: Context, patience_s: float) -> None:
        self.jobs = workspace.jobs
        self.context = context
        self.attempt: Attempt = describe_attempt(context)
        self.shared = share(workspace, patience_s)
        self.task_key: str | None = None  # of the run, where it is not all this step's
        self._patience_s = patience_s
        self._request: Callable[[], int] | None = None

    def begin_alone(self, start: Start, name_of: Callable[[Run], str | None]) -> Run:
        """Return the run of this attempt: a new one, one still active, or one that succeeded unseen.

        `name_of` finds in a run what ends in the mark of the try that began it. A run that failed and was begun by
        another try is history: the next number is tried.
        """
        for number in range(MOST_ATTEMPTS):
            run = self.ask(partial(start, self.attempt.token(number)), with_tasks=False)
            if self.takes(run, self.attempt.began(name_of(run))):
                return run
        raise dg.Failure(f"{self.attempt.step} has failed {MOST_ATTEMPTS} times; start a new Dagster run")

    def ask(self, request: Callable[[], int], with_tasks: bool = True) -> Run:
        """Return the run that the request starts, or had started; it is what `cancel` cancels."""
        self._request = request
        with self.shared.watcher.watch(self._call(request), listed=not with_tasks) as watched:
            wait_for(watched.seen)
        return watched.latest()

    def takes(self, run: Run, mine: bool) -> bool:
        """Say whether the run is this attempt's, and tell so; `mine` if this try began it."""
        outcome = judge_run(run)
        if not mine and outcome.verdict not in (Verdict.ACTIVE, Verdict.SUCCEEDED):
            return False
        how = "submitted" if mine else "found active" if not outcome.is_final else "found finished; collecting it"
        self.context.log.info("Databricks run %s %s: %s", run.run_id, how, run.run_page_url)
        return True

    def follow(self, run: Run, closed: threading.Event | None = None) -> Run:
        """Wait until the run has ended and return it; asked for closely once its messages, if any, are `closed`."""
        if judge_run(run).is_final:
            return run
        with self.shared.watcher.watch(run.run_id or 0, self.task_key, announced=closed is not None) as watched:
            wait_for(watched.ended, closed)
            watched.hurry()
            wait_for(watched.ended)
        return watched.latest()

    def cancel(self) -> dg.Failure:
        """Cancel the remote run and return the failure that ends the step: no retry, no success."""
        if self._request is None:
            return dg.Failure("Terminated before a Databricks run was submitted", allow_retries=False)
        # interrupted between the request and its answer: asking again with the same token tells which run it is
        run_id = call_patiently(self._request, self._patience_s)
        self.cancel_run(run_id)
        return dg.Failure(f"Terminated: Databricks run {run_id} was cancelled", allow_retries=False)

    def cancel_run(self, run_id: int) -> None:
        """Cancel the run; one that has ended stays as it is."""
        call_patiently(lambda: self.jobs.cancel_run(run_id), self._patience_s, midway=True)

    def print_logs(self, run: Run) -> dict[str, str]:
        """Print what a run without Pipes printed, a notebook's exit value included; return it by task."""
        printed = {task.task_key: self._read_output(task.run_id or 0) for task in run.tasks or []}
        echo("".join(printed.values()))
        return printed

    def _read_output(self, task_run_id: int) -> str:
        output = self._call(lambda: self.jobs.get_run_output(task_run_id), midway=True)
        result = (output.notebook_output.result if output.notebook_output else None) or ""
        return (output.logs or "") + (f"{result}\n" if result else "")

    def _call(self, call: Callable[[], T], midway: bool = False) -> T:
        return call_patiently(call, self._patience_s, wait, midway)


def echo(text: str) -> None:
    """Write to standard output; when its reader has gone, as after `| head`, go on without it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class AttendedStep(RemoteStep):
    """A step that reads its run's messages, from `folder` of `directory`."""

    directory = ""
    folder = ""
    may_run_again = True

    def begin(self) -> Run:
        """Return the run of this attempt, and know where its messages are."""
        raise NotImplementedError


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
