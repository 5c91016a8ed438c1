"""Drives runs through their states: which task starts when, timeouts, cancellation, recovery after a restart.

Every change of a run is one store transaction; nothing is held only in memory but the executing processes.
"""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from local_workspace.engines.serverless_pool import DEFAULT_SIZE
from local_workspace.services.jobs import records, states
from local_workspace.services.jobs.execution import Execution
from local_workspace.services.jobs.settings import upstream_keys
from local_workspace.services.jobs.states import Outcome, Phase, TaskState
from local_workspace.services.statements.fair_threads import FairThreads

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)
_creation = threading.Lock()
MOST_WAITING = 1_000_000  # tasks of one principal; a run that was taken is not refused later


def runner_of(workspace: Workspace) -> Runner:
    """Return the workspace's one runner."""
    with _creation:
        runner: Runner = workspace.__dict__.setdefault("_job_runner", None) or Runner(workspace)
        workspace.__dict__["_job_runner"] = runner
        return runner


def now_ms() -> int:
    """Return epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Runner:
    """Executes the runs of one workspace; as many tasks at once as the pool has workers.

    A principal none of whose tasks runs does not wait for a worker: others' endless runs hold up nobody.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = workspace.store
        pool = workspace.engines.pool
        self._threads = FairThreads(pool.size if pool else DEFAULT_SIZE, MOST_WAITING, "run")
        self._lock = threading.Lock()
        self._executions: dict[int, Execution] = {}
        self._timers: dict[int, threading.Timer] = {}

    def start_run(self, run: records.Run) -> None:
        """Begin a stored run, unless its job's limit holds it back."""
        if self._is_held_back(run):
            if not run["queue"]:
                self._skip_run(run["run_id"])
            return
        timeout_s = run["timeout_seconds"]
        if timeout_s:
            elapsed_s = (now_ms() - run["created_at"]) / 1000
            self._arm(
                run["run_id"],
                max(0.0, timeout_s - elapsed_s),
                lambda: self._time_out_run(run["run_id"], timeout_s),
            )
        self.advance(run["run_id"])

    def advance(self, run_id: int) -> None:
        """Start the tasks that may start, skip those that never will, end the run when all are final."""
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            if run["outcome"]:
                return
            ready = _settle_tasks(run)
            _end_if_final(run)
            records.save_run(self._store, run)
        for task_key in ready:
            self._threads.submit(run["creator"], partial(self._execute, run_id, task_key))
        if run["outcome"]:
            self._after_end(run)

    def cancel_run(self, run_id: int, outcome: Outcome = states.CANCELED) -> None:
        """Stop the whole run; one that has ended stays as it is."""
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            if run["outcome"] or run["stop"]:
                return
            run["stop"] = vars(outcome)
            for task in run["tasks"]:
                _stop_task(task, outcome)
            _end_if_final(run)
            records.save_run(self._store, run)
        self._stop_executions(run["tasks"], outcome)
        if run["outcome"]:
            self._after_end(run)

    def cancel_task(self, run_id: int, task_key: str, outcome: Outcome = states.CANCELED) -> None:
        """Stop one task; its dependents are skipped."""
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            task = records.task_of(run, task_key)
            _stop_task(task, outcome)
            records.save_run(self._store, run)
        self._stop_executions([task], outcome)
        self.advance(run_id)

    def recover(self, left_over: list[int] | None = None) -> list[int]:
        """After a restart: tasks that were being executed are lost (INTERNAL_ERROR), all others go on.

        `left_over`: the runs that were active then, where others may have begun since.
        """
        message = "The local workspace stopped while the task was running."
        recovered = records.active_runs(self._store) if left_over is None else left_over
        for run_id in recovered:
            with self._store.transaction():
                run = records.get_run(self._store, run_id)
                for task in run["tasks"]:
                    _recover_task(task, states.BROKEN.saying(message))
                records.save_run(self._store, run)
            self.start_run(run)
        return recovered

    def close(self) -> None:
        """Take no more tasks; those running are left to the pool's end."""
        for timer in list(self._timers.values()):
            timer.cancel()
        self._threads.close()

    def _execute(self, run_id: int, task_key: str) -> None:
        run = records.get_run(self._store, run_id)
        task = records.task_of(run, task_key)
        execution = Execution(self._workspace, run, task)
        with self._lock:
            self._executions[task["run_id"]] = execution
        try:
            if self._move_task(run_id, task_key, Phase.PENDING):
                self._run_task(run, task, execution)
        finally:
            with self._lock:
                self._executions.pop(task["run_id"], None)
                timer = self._timers.pop(task["run_id"], None)
            if timer:
                timer.cancel()

    def _run_task(self, run: records.Run, task: dict[str, Any], execution: Execution) -> None:
        run_id, task_key = run["run_id"], task["task_key"]

        def begin() -> None:
            self._move_task(run_id, task_key, Phase.RUNNING)
            if timeout_s := int(task["settings"].get("timeout_seconds") or 0):
                outcome = states.TIMED_OUT.saying(f"The task exceeded its timeout of {timeout_s} seconds.")
                self._arm(task["run_id"], timeout_s, lambda: self.cancel_task(run_id, task_key, outcome))

        try:
            outcome, output = execution.execute(begin)
        except Exception as error:
            log.exception("run %s task %s", run_id, task_key)
            outcome, output = states.BROKEN.saying(f"{type(error).__name__}: {error}"), {"error": str(error)}
        self._finish_task(run_id, task_key, outcome, output)
        self.advance(run_id)

    def _move_task(self, run_id: int, task_key: str, phase: Phase) -> bool:
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            task = records.task_of(run, task_key)
            state = records.state_of(task)
            if phase not in states.MOVES[state.phase]:  # cancelled meanwhile
                return False
            task["state"] = states.move(state, phase, now_ms()).as_dict()
            records.save_run(self._store, run)
        return True

    def _finish_task(self, run_id: int, task_key: str, outcome: Outcome, output: dict[str, Any]) -> None:
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            task = records.task_of(run, task_key)
            task["state"] = states.finish(records.state_of(task), outcome, now_ms()).as_dict()
            records.put_output(self._store, task["run_id"], output)
            records.save_run(self._store, run)

    def _stop_executions(self, tasks: list[dict[str, Any]], outcome: Outcome) -> None:
        with self._lock:
            running = [self._executions.get(task["run_id"]) for task in tasks]
        for execution in running:
            if execution is not None:
                execution.stop(outcome)

    def _is_held_back(self, run: records.Run) -> bool:
        limit: int | None = run["max_concurrent_runs"]
        if not limit:
            return False
        before = [other for other in records.active_runs(self._store, run["job_id"]) if other < run["run_id"]]
        return len(before) >= limit

    def _skip_run(self, run_id: int) -> None:
        with self._store.transaction():
            run = records.get_run(self._store, run_id)
            for task in run["tasks"]:
                task["state"] = states.finish(records.state_of(task), states.TOO_MANY_RUNS, now_ms()).as_dict()
            _end_if_final(run)
            records.save_run(self._store, run)

    def _after_end(self, run: records.Run) -> None:
        with self._lock:
            timer = self._timers.pop(run["run_id"], None)
        if timer:
            timer.cancel()
        if run["max_concurrent_runs"]:
            for other in records.active_runs(self._store, run["job_id"]):
                waiting = records.get_run(self._store, other)
                if is_waiting(waiting):
                    self.start_run(waiting)

    def _time_out_run(self, run_id: int, timeout_s: int) -> None:
        self.cancel_run(run_id, states.TIMED_OUT.saying(f"The run exceeded its timeout of {timeout_s} seconds."))

    def _arm(self, number: int, seconds: float, action: Any) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        with self._lock:
            self._timers[number] = timer
        timer.start()


def is_waiting(run: records.Run) -> bool:
    """Say whether the run has not begun: all its tasks are as they were created."""
    return not run["outcome"] and all(records.state_of(task).phase is Phase.BLOCKED for task in run["tasks"])


def leaves_of(run: records.Run) -> list[str]:
    """Return the keys of the tasks nothing depends on."""
    inner = {key for task in run["tasks"] for key in upstream_keys(task["settings"])}
    return [task["task_key"] for task in run["tasks"] if task["task_key"] not in inner]


def _settle_tasks(run: records.Run) -> list[str]:
    """Queue or skip blocked tasks until nothing changes; return the keys of the queued ones."""
    ready: list[str] = []
    current = {task["task_key"]: records.state_of(task) for task in run["tasks"]}
    changed = True
    while changed:
        changed = False
        for task in run["tasks"]:
            key = task["task_key"]
            if current[key].phase is not Phase.BLOCKED:
                continue
            upstream = [current[name] for name in upstream_keys(task["settings"])]
            decision = states.decide_start(task["settings"].get("run_if") or "ALL_SUCCESS", upstream)
            if decision is None:
                continue
            current[key] = _apply(current[key], decision)
            task["state"] = current[key].as_dict()
            changed = True
            if decision is True:
                ready.append(key)
    return ready


def _apply(state: TaskState, decision: bool | Outcome) -> TaskState:
    if isinstance(decision, Outcome):
        return states.finish(state, decision, now_ms())
    return states.move(state, Phase.QUEUED, now_ms())


def _stop_task(task: dict[str, Any], outcome: Outcome) -> None:
    state = records.state_of(task)
    if state.phase in (Phase.BLOCKED, Phase.QUEUED):
        has_upstream = state.phase is Phase.BLOCKED and upstream_keys(task["settings"])
        skipped = states.UPSTREAM_CANCELED if outcome.result == "CANCELED" else states.UPSTREAM_FAILED
        task["state"] = states.finish(state, skipped if has_upstream else outcome, now_ms()).as_dict()
    elif state.phase in (Phase.PENDING, Phase.RUNNING):
        task["state"] = states.move(state, Phase.TERMINATING, now_ms()).as_dict()


def _recover_task(task: dict[str, Any], lost: Outcome) -> None:
    state = records.state_of(task)
    if state.phase in states.STARTED:
        task["state"] = states.finish(state, lost, now_ms()).as_dict()
    elif state.phase is Phase.QUEUED:
        task["state"] = TaskState(Phase.BLOCKED, created_at=state.created_at).as_dict()


def _end_if_final(run: records.Run) -> None:
    current = {task["task_key"]: records.state_of(task) for task in run["tasks"]}
    if all(state.is_final for state in current.values()):
        outcome = states.run_outcome(current, leaves_of(run), records.outcome_of(run["stop"]))
        run["outcome"] = vars(outcome)
        run["ended_at"] = now_ms()
