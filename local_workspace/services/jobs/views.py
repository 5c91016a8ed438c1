"""Run documents as the REST API shows them: Run, RunTask, RunOutput. Pure, but for reading the log's tail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local_workspace.gateway.workspace import WORKSPACE_ID
from local_workspace.services.jobs import records, states
from local_workspace.services.jobs.runner import is_waiting
from local_workspace.services.jobs.states import Outcome, Phase, TaskState

LOG_BYTES = 5 * 1024 * 1024
RESULT_CHARACTERS = 5 * 1024 * 1024
QUEUE_REASON = "Queued due to reaching the maximum number of concurrent runs of the job."
POOL_REASON = "Queued until a serverless worker is free."


def show_run(run: records.Run, host: str, with_tasks: bool = True) -> dict[str, Any]:
    """Return the Run."""
    tasks = [records.state_of(task) for task in run["tasks"]]
    outcome = records.outcome_of(run["outcome"])
    phase = outcome.phase if outcome else _phase_of(run, tasks)
    shown = {
        "run_id": run["run_id"],
        "job_id": run["job_id"],
        "job_run_id": run["run_id"],
        "number_in_job": run["number_in_job"] or run["run_id"],
        "original_attempt_run_id": run["run_id"],
        "creator_user_name": run["creator"],
        "run_as_user_name": run["run_as"],
        "run_name": run["run_name"],
        "run_type": run["run_type"],
        "format": "MULTI_TASK",
        "trigger": run.get("trigger") or "ONE_TIME",
        "schedule": run.get("schedule"),
        "start_time": run["created_at"],
        "end_time": run["ended_at"],
        "run_duration": max(0, run["ended_at"] - run["created_at"]) if run["ended_at"] else 0,
        "run_page_url": page_url(host, run["job_id"], run["run_id"]),
        "state": show_state(phase, outcome, QUEUE_REASON if phase is Phase.QUEUED else ""),
        "status": show_status(phase, outcome),
        "job_parameters": _show_parameters(run),
        "overriding_parameters": run.get("overriding") or None,
        **_sum_durations(tasks),
    }
    if with_tasks:
        shown["tasks"] = [show_task(run, task, host) for task in run["tasks"]]
    return {name: value for name, value in shown.items() if value is not None}


def show_task(run: records.Run, task: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the RunTask."""
    state = records.state_of(task)
    return {
        **task["settings"],
        "run_id": task["run_id"],
        "attempt_number": 0,
        "run_if": task["settings"].get("run_if") or "ALL_SUCCESS",
        "start_time": state.queued_at or state.created_at,
        "end_time": state.ended_at,
        **states.measure(state),
        "run_page_url": page_url(host, run["job_id"], task["run_id"]),
        "state": show_state(state.phase, state.outcome, POOL_REASON if state.phase is Phase.QUEUED else ""),
        "status": show_status(state.phase, state.outcome),
    }


def show_task_as_run(run: records.Run, task: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the Run that runs/get answers for a task's own run id."""
    shown = show_run(run, host, with_tasks=False)
    own = show_task(run, task, host)
    own.pop("depends_on", None)
    return {
        **shown,
        **own,
        "run_name": task["task_key"],
        "number_in_job": task["run_id"],
        "job_run_id": run["run_id"],
    }


def show_state(phase: Phase, outcome: Outcome | None, queue_reason: str) -> dict[str, Any]:
    """Return the RunState (the older form)."""
    state: dict[str, Any] = {
        "life_cycle_state": phase.value,
        "state_message": outcome.message if outcome else "",
        "user_cancelled_or_timedout": bool(outcome and outcome.result in ("CANCELED", "TIMEDOUT")),
    }
    if outcome:
        state["result_state"] = outcome.result
    if queue_reason:
        state["queue_reason"] = queue_reason
    return state


def show_status(phase: Phase, outcome: Outcome | None) -> dict[str, Any]:
    """Return the RunStatus (the newer form), in which every end is TERMINATED."""
    if outcome is None:
        status: dict[str, Any] = {"state": phase.value}
        if phase is Phase.QUEUED:
            status["queue_details"] = {"code": "ACTIVE_RUNS_LIMIT_REACHED", "message": QUEUE_REASON}
        return status
    details = {"code": outcome.code, "type": outcome.type, "message": outcome.message}
    return {"state": "TERMINATED", "termination_details": details}


def show_output(run: records.Run, task: dict[str, Any], output: dict[str, Any], log: Path, host: str) -> dict[str, Any]:
    """Return the RunOutput of a task run."""
    shown: dict[str, Any] = {"metadata": show_task_as_run(run, task, host)}
    for name in ("error", "error_trace"):
        if output.get(name):
            shown[name] = output[name]
    if "notebook_task" in task["settings"]:
        shown["notebook_output"] = _show_result(output.get("exit_value"))
    else:
        shown["logs"], shown["logs_truncated"] = read_tail(log, LOG_BYTES)
    return shown


def read_tail(log: Path, size: int) -> tuple[str, bool]:
    """Return the last `size` bytes of the log as text, and whether some were left out."""
    if not log.exists():
        return "", False
    with log.open("rb") as stream:
        total = stream.seek(0, 2)
        stream.seek(max(0, total - size))
        return stream.read().decode(errors="replace"), total > size


def page_url(host: str, job_id: int, run_id: int) -> str:
    """Return the address of a run's page."""
    return f"{host}/?o={WORKSPACE_ID}#job/{job_id}/run/{run_id}"


def _phase_of(run: records.Run, tasks: list[TaskState]) -> Phase:
    return Phase.QUEUED if is_waiting(run) else states.run_phase(tasks, bool(run["stop"]))


def _show_result(value: str | None) -> dict[str, Any]:
    if value is None:
        return {}
    return {"result": value[:RESULT_CHARACTERS], "truncated": len(value) > RESULT_CHARACTERS}


def _show_parameters(run: records.Run) -> list[dict[str, Any]] | None:
    defaults = run.get("job_defaults") or {}
    values = run.get("job_parameters") or {}
    return [{"name": name, "default": defaults.get(name), "value": value} for name, value in values.items()] or None


def _sum_durations(tasks: list[TaskState]) -> dict[str, int]:
    """A run of one task has the task's durations; of several only `run_duration` means something."""
    if len(tasks) == 1:
        return states.measure(tasks[0])
    return {"queue_duration": 0, "setup_duration": 0, "execution_duration": 0, "cleanup_duration": 0}
