"""One poller for all remote runs that the steps of this process wait for.

A few runs are asked for one by one, and so is one that is about to end. Of many, a listing of what is active tells now
and then which have ended unannounced, with a call per 25 of them. Steps that share a run wait for a task of it each;
the run is asked for once for all of them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.serverless.fusion import narrow
from lakehouse.serverless.outcomes import judge_run
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.service_thread import ServiceThread

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

FASTEST_S, SLOWEST_S, SLOWER_BY = 0.2, 5.0, 1.2
FEW = 3  # runs that are cheaper to ask for one by one
FASTEST_LISTING_S, LISTING_S_PER_RUN = 0.5, 0.1


class WatchedRun:
    """A remote run, or a task of it, that a step waits for; `ended` is set when its end, or an error, is known."""

    def __init__(self, run_id: int, task_key: str | None, hurry: Callable[[], None]) -> None:
        self.run_id, self.task_key = run_id, task_key
        self.ended = threading.Event()
        self.pause, self.due, self.state = FASTEST_S, 0.0, ""
        self.ends_soon = False
        self._wake = hurry
        self._run: Run | None = None
        self._error: Exception | None = None

    def hurry(self) -> None:
        """Ask closely again: something is about to happen."""
        self.pause, self.due, self.ends_soon = FASTEST_S, 0.0, True
        self._wake()

    def result(self) -> Run:
        """Return the run as it ended; of a task, the run as it looks from there.

        Raises:
            Exception: why that could not be found out.
        """
        if self._error is not None:
            raise self._error
        assert self._run is not None, "asked before the end"
        return self._run

    def note_run(self, run: Run) -> None:
        """Take what the service says."""
        if self.task_key is not None:
            seen = narrow(run, self.task_key)
            assert seen is not None, f"run {self.run_id} has lost its task {self.task_key}"
            run = seen
        outcome = judge_run(run)
        if outcome.is_final:
            self._run = run
            self.ended.set()
        self.note_state(outcome.reason)

    def note_state(self, state: str) -> None:
        """Wait a little longer for the next answer, unless something has changed."""
        self.pause = FASTEST_S if state != self.state else min(SLOWEST_S, self.pause * SLOWER_BY)
        self.state = state
        self.due = time.monotonic() + self.pause

    def note_error(self, error: Exception) -> None:
        """Give up."""
        self._error = error
        self.ended.set()


class RunWatcher:
    """Asks how runs are, by one thread, as long as there are any."""

    def __init__(self, workspace: WorkspaceClient, patience_s: float) -> None:
        self._jobs = workspace.jobs
        self._patience_s = patience_s
        self._next_listing = 0.0
        self._thread: ServiceThread[WatchedRun] = ServiceThread("remote-runs", self._ask)

    @contextmanager
    def watch(self, run_id: int, task_key: str | None = None) -> Iterator[WatchedRun]:
        """Watch a run, or one task of it, while the block runs."""
        run = WatchedRun(run_id, task_key, self._thread.wake)
        with self._thread.serves(run):
            yield run

    def _ask(self, watched: Sequence[WatchedRun]) -> tuple[float, float]:
        active = [run for run in watched if not run.ended.is_set()]
        by_id, now = _group(active), time.monotonic()
        whole = _group(run for run in active if run.task_key is None and not run.ends_soon)
        listed = whole if len(whole) > FEW else {}
        due = {run.run_id for run in active if run.due <= now}
        if due & listed.keys() and now >= self._next_listing:
            self._ask_for_all(listed)
            self._next_listing = now + max(FASTEST_LISTING_S, LISTING_S_PER_RUN * len(listed))
        for run_id in due - listed.keys():
            self._ask_for(run_id, by_id[run_id])
        left = [run for run in active if not run.ended.is_set()]
        times = (max(run.due, self._next_listing if run.run_id in listed else 0.0) for run in left)
        return max(0.0, min(times, default=now + FASTEST_S) - time.monotonic()), 0.0

    def _ask_for(self, run_id: int, watched: Iterable[WatchedRun]) -> None:
        try:
            run = call_patiently(lambda: self._jobs.get_run(run_id), self._patience_s, midway=True)
            for each in watched:
                each.note_run(run)
        except Exception as error:  # noqa: BLE001 - raised by the threads that own the steps
            for each in watched:
                each.note_error(error)

    def _ask_for_all(self, runs: Mapping[int, Sequence[WatchedRun]]) -> None:
        """Ask for what is active; a run that is not among it has ended, or is far down the list: ask for it."""
        try:
            states = call_patiently(lambda: self._list_active(most=25 * len(runs)), self._patience_s, midway=True)
        except Exception as error:  # noqa: BLE001 - raised by the threads that own the steps
            for run in itertools.chain(*runs.values()):
                run.note_error(error)
            return
        for run_id, watched in runs.items():
            if run_id in states:
                for run in watched:
                    run.note_state(states[run_id])
            else:
                self._ask_for(run_id, watched)

    def _list_active(self, most: int) -> dict[int, str]:
        active = itertools.islice(self._jobs.list_runs(active_only=True, limit=25), most)
        return {run.run_id or 0: judge_run(run).reason for run in active}


def _group(watched: Iterable[WatchedRun]) -> dict[int, list[WatchedRun]]:
    by_id: defaultdict[int, list[WatchedRun]] = defaultdict(list)
    for run in watched:
        by_id[run.run_id].append(run)
    return by_id
