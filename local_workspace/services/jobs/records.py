"""Run documents in the store: creation with idempotency, lookup by run or task run id, changes, lists.

A run is one document holding all its tasks' states, so that every change of a run is one atomic write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from local_workspace.gateway.errors import not_found
from local_workspace.gateway.store import Store
from local_workspace.services.jobs.states import Outcome, Phase, TaskState

Run = dict[str, Any]
RUN, DELETED, TASK_RUN, ACTIVE, OUTPUT, TOKEN, TABLE_USE = (
    "job_run",
    "job_run_deleted",
    "job_task_run",
    "job_run_active",
    "job_task_output",
    "job_token",
    "job_table_use",
)


def key_of(number: int) -> str:
    """Return the store key of an id; keys sort like the numbers."""
    return f"{number:015d}"


def create_run(store: Store, run: Run, tasks: list[dict[str, Any]], token: str | None) -> tuple[Run, bool]:
    """Store a new run with all tasks blocked, or return the one that the token made: (run, is_new).

    Raises:
        ApiError: 404, the token's run was deleted.
    """
    with store.transaction():
        known = store.get(TOKEN, token) if token else None
        if known is not None:
            return get_run(store, known["run_id"]), False
        run_id = store.next_id(RUN)
        run = {
            **run,
            "run_id": run_id,
            "job_id": run["job_id"] or run_id,
            "stop": None,
            "outcome": None,
            "ended_at": 0,
        }
        run["tasks"] = [_new_task(store, run, task) for task in tasks]
        if token:
            store.put(TOKEN, token, {"run_id": run_id})
        store.put(ACTIVE, key_of(run_id), {"job_id": run["job_id"]})
        store.put(RUN, key_of(run_id), run)
        return run, True


def _new_task(store: Store, run: Run, settings: dict[str, Any]) -> dict[str, Any]:
    task_run_id = store.next_id(RUN)
    store.put(TASK_RUN, key_of(task_run_id), {"run_id": run["run_id"], "task_key": settings["task_key"]})
    state = TaskState(Phase.BLOCKED, created_at=run["created_at"])
    return {
        "task_key": settings["task_key"],
        "run_id": task_run_id,
        "settings": settings,
        "state": state.as_dict(),
    }


def get_run(store: Store, run_id: int) -> Run:
    """Return the run.

    Raises:
        ApiError: 404, worded as the service does.
    """
    run = store.get(RUN, key_of(run_id))
    if run is None:
        raise not_found(f"Run {run_id} does not exist.")
    return run


def find_run(store: Store, run_id: int) -> tuple[Run, dict[str, Any] | None]:
    """Return the run of a run id or task run id, and the task in the second case."""
    parent = store.get(TASK_RUN, key_of(run_id))
    if parent is None:
        return get_run(store, run_id), None
    run = get_run(store, parent["run_id"])
    return run, task_of(run, parent["task_key"])


def task_of(run: Run, task_key: str) -> dict[str, Any]:
    """Return the run's task of that key."""
    return next(task for task in run["tasks"] if task["task_key"] == task_key)


def state_of(task: Mapping[str, Any]) -> TaskState:
    """Return the task's state."""
    return TaskState.from_dict(task["state"])


def outcome_of(document: Mapping[str, Any] | None) -> Outcome | None:
    """Parse a stored outcome."""
    return Outcome(**{**document, "phase": Phase(document["phase"])}) if document else None


def save_run(store: Store, run: Run) -> None:
    """Store the run as it is; an ended one leaves the index of active runs."""
    store.put(RUN, key_of(run["run_id"]), run)
    if run["outcome"]:
        store.delete(ACTIVE, key_of(run["run_id"]))


def delete_run(store: Store, run: Run) -> None:
    """Forget an ended run, but for the system tables; its idempotency token keeps pointing at it."""
    with store.transaction():
        store.put(DELETED, key_of(run["run_id"]), run)
        for task in run["tasks"]:
            store.delete(TASK_RUN, key_of(task["run_id"]))
            store.delete(OUTPUT, key_of(task["run_id"]))
            for key, _ in store.scan(TABLE_USE, f"{key_of(task['run_id'])}/"):
                store.delete(TABLE_USE, key)
        store.delete(RUN, key_of(run["run_id"]))


def active_runs(store: Store, job_id: int | None = None) -> list[int]:
    """Return the ids of the runs that have not ended, oldest first."""
    return [int(key) for key, item in store.scan(ACTIVE) if job_id is None or item["job_id"] == job_id]


def all_runs(store: Store) -> Iterator[Run]:
    """Yield the runs, newest first."""
    for _, run in reversed(store.scan(RUN)):
        yield run


def runs_ever(store: Store) -> list[Run]:
    """Return all runs, oldest first, those that were deleted among them."""
    return [run for _, run in sorted([*store.scan(RUN), *store.scan(DELETED)], key=lambda item: item[0])]


def put_output(store: Store, task_run_id: int, output: dict[str, Any]) -> None:
    """Store what a task left: error, trace, notebook result and cells."""
    store.put(OUTPUT, key_of(task_run_id), output)


def get_output(store: Store, task_run_id: int) -> dict[str, Any]:
    """Return what a task left; empty while it has not ended."""
    return store.get(OUTPUT, key_of(task_run_id)) or {}
