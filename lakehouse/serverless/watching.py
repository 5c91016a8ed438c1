"""One poller for all remote runs that the steps of this process wait for.

A few runs are asked for one by one. Of many, a listing of what is active tells how the new ones are and, now and then,
which have ended unannounced, with a call per 25 of them; one with tasks tells how those ended. Steps that share a run
wait for a task of it each; the run is asked for once for all of them.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakehouse.serverless.fusion import narrow
from lakehouse.serverless.outcomes import judge_run
from lakehouse.serverless.pace import Pace
from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.service_thread import ServiceThread

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

FASTEST_S, SLOWEST_S, SLOWER_BY = 0.2, 5.0, 1.2
ANNOUNCED_S, ANNOUNCED_SLOWEST_S, ANNOUNCED_BY = 1.0, 10.0, 2.0  # where messages tell that the end is near
FEW = 3  # runs that are cheaper to ask for one by one; more than that wait GATHER_S for each other
GATHER_S, LISTING_S_PER_RUN = 0.5, 0.1
SHARED_S = 1.1  # so long is an answer good for all steps of a run, and do more than FEW that end wait for each other
PAGE = 25  # the most that a page of a listing has


class WatchedRun:
    """A remote run, or a task of it, that a step waits for: `seen` is set with the first answer, `ended` with the last.

    `listed`: a listing tells enough of it. `announced`: messages will tell that it is about to end, or, `ending`, have.
    """

    def __init__(
        self, run_id: int, task_key: str | None, listed: bool, announced: bool, wake: Callable[[], None]
    ) -> None:
        self.run_id, self.listed, self.announced, self.ending = run_id, listed, announced, False
        self.seen, self.ended = threading.Event(), threading.Event()
        self.due = 0.0
        self._task_key = task_key
        self._pause_s = ANNOUNCED_S if announced else FASTEST_S
        self._state = ""
        self._wake = wake
        self._run: Run | None = None
        self._error: Exception | None = None

    def hurry(self) -> None:
        """Ask closely from now on: the run is about to end."""
        self.announced, self.ending = False, True
        self._pause_s, self.due = FASTEST_S, 0.0
        self._wake()

    def latest(self) -> Run:
        """Return the run as it was last seen; of a task, the run as it looks from there.

        Raises:
            Exception: why that could not be found out.
        """
        if self._error is not None:
            raise self._error
        assert self._run is not None, "asked before it was seen"
        return self._run

    def note_run(self, run: Run) -> None:
        """Take what the service says, and wait a little longer for the next answer, unless something has changed."""
        if self._task_key is not None:
            part = narrow(run, self._task_key)
            assert part is not None, f"run {self.run_id} has lost its task {self._task_key}"
            run = part
        outcome = judge_run(run)
        is_calm = self.announced or outcome.reason == self._state
        slower_by, slowest_s = (ANNOUNCED_BY, ANNOUNCED_SLOWEST_S) if self.announced else (SLOWER_BY, SLOWEST_S)
        self._pause_s = min(slowest_s, self._pause_s * slower_by) if is_calm else FASTEST_S
        self.due = time.monotonic() + self._pause_s
        self._run, self._state = run, outcome.reason
        self.seen.set()
        if outcome.is_final:
            self.ended.set()

    def note_error(self, error: Exception) -> None:
        """Give up."""
        self._error = error
        self.seen.set()
        self.ended.set()


class RunWatcher:
    """Asks how runs are, by one thread, as long as there are any."""

    def __init__(self, workspace: WorkspaceClient, patience_s: float, pace: Pace) -> None:
        self._jobs = workspace.jobs
        self._pace = pace
        self._patience_s = patience_s
        self._next_listing = 0.0
        self._answers: dict[int, tuple[Run, float]] = {}  # by run, with the time from which on they are too old
        self._thread: ServiceThread[WatchedRun] = ServiceThread("remote-runs", self._ask)

    @contextmanager
    def watch(
        self, run_id: int, task_key: str | None = None, *, listed: bool = True, announced: bool = False
    ) -> Iterator[WatchedRun]:
        """Watch a run, or one task of it, while the block runs; `listed` and `announced`: see WatchedRun."""
        run = WatchedRun(run_id, task_key, listed and task_key is None, announced, self._thread.wake)
        answer, too_old = self._answers.get(run_id, (None, 0.0))
        if answer is not None and time.monotonic() < too_old:
            run.note_run(answer)
        with self._thread.serves(run):
            yield run

    def _ask(self, watched: Sequence[WatchedRun]) -> tuple[float, float]:
        now = time.monotonic()
        active = _group(run for run in watched if not run.ended.is_set())
        due = {run_id for run_id, runs in active.items() if min(run.due for run in runs) <= now}
        listed = {run_id for run_id, runs in active.items() if all(run.listed for run in runs)}
        new = {run_id for run_id in listed & due if not all(run.seen.is_set() for run in active[run_id])}
        ending = {run_id for run_id in listed & due if any(run.ending for run in active[run_id])}
        for some, active_only in ((new - ending, True), (ending, False)):
            if len(some) > FEW:
                self._ask_for_all({run_id: active[run_id] for run_id in some}, active_only)
                due -= some
        quiet = {run_id for run_id in listed if all(run.seen.is_set() and not run.ending for run in active[run_id])}
        many = quiet if len(quiet) > FEW else set()
        if many & due and now >= self._next_listing:
            self._ask_for_all({run_id: active[run_id] for run_id in many})
            self._next_listing = now + LISTING_S_PER_RUN * len(many)
        for run_id in due - many:
            self._ask_for(run_id, active[run_id])
        left = [run for run in itertools.chain(*active.values()) if not run.ended.is_set()]
        times = (max(run.due, self._next_listing if run.run_id in many else 0.0) for run in left)
        rest_s = max(0.0, min(times, default=now + FASTEST_S) - time.monotonic())
        if any(len(runs) > FEW for runs in active.values()):
            return rest_s, SHARED_S
        return rest_s, GATHER_S if len(watched) > FEW else 0.0

    def _ask_for(self, run_id: int, watched: Iterable[WatchedRun]) -> None:
        try:
            run = call_patiently(lambda: self._get(run_id), self._patience_s, midway=True)
            now = time.monotonic()
            good = {other: kept for other, kept in self._answers.items() if kept[1] > now}
            self._answers = {**good, run_id: (run, now + SHARED_S)}
            for each in watched:
                each.note_run(run)
        except Exception as error:  # noqa: BLE001 - raised by the threads that own the steps
            for each in watched:
                each.note_error(error)

    def _ask_for_all(self, runs: Mapping[int, Sequence[WatchedRun]], active_only: bool = True) -> None:
        """Learn from a listing how they are; what is not among the active has ended, or is far down: look further."""
        try:
            found = call_patiently(lambda: self._find(runs.keys(), active_only), self._patience_s, midway=True)
        except Exception as error:  # noqa: BLE001 - raised by the threads that own the steps
            for run in itertools.chain(*runs.values()):
                run.note_error(error)
            return
        for run_id in runs.keys() & found.keys():
            for run in runs[run_id]:
                run.note_run(found[run_id])
        missing = {run_id: watched for run_id, watched in runs.items() if run_id not in found}
        if active_only and len(missing) > FEW:
            self._ask_for_all(missing, active_only=False)
        else:
            for run_id, watched in missing.items():
                self._ask_for(run_id, watched)

    def _get(self, run_id: int) -> Run:
        self._pace.take()
        return self._jobs.get_run(run_id)

    def _find(self, wanted: Set[int], active_only: bool) -> dict[int, Run]:
        """Return those that are active, without their tasks, or those of any state, with them; newest come first.

        Of any state there are more by far than are wanted: the listing is left where asking one by one is cheaper.
        """
        from databricks.sdk.service.jobs import Run

        pages = len(wanted) if active_only else max(1, len(wanted) // FEW)
        listing = self._jobs.list_runs(active_only=active_only, expand_tasks=not active_only, limit=PAGE)
        found: dict[int, Run] = {}
        for number, one in enumerate(itertools.islice(listing, PAGE * pages)):
            if number % PAGE == 0:
                self._pace.take()
            if one.run_id in wanted and not (one.has_more and not active_only):  # not with some of its tasks only
                found[one.run_id or 0] = Run.from_dict(one.as_dict())
            if len(found) == len(wanted):
                break
        return found


def _group(watched: Iterable[WatchedRun]) -> dict[int, list[WatchedRun]]:
    by_id: defaultdict[int, list[WatchedRun]] = defaultdict(list)
    for run in watched:
        by_id[run.run_id].append(run)
    return by_id
