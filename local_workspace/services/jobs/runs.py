"""The runs API: submit, get, get-output, list, cancel, delete, export.

https://docs.databricks.com/api/workspace/jobs/submit
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request
from local_workspace.services.jobs import pages, records, views
from local_workspace.services.jobs.access import (
    check_job_access,
    check_run_access,
    choose_run_as,
    has_level,
    own,
    parse_acl,
    write_acl,
)
from local_workspace.services.jobs.execution import log_path
from local_workspace.services.jobs.export import export_views
from local_workspace.services.jobs.runner import now_ms, runner_of
from local_workspace.services.jobs.settings import (
    check_idempotency_token,
    check_settings,
    index_environments,
    require_runnable,
)

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

SEVERAL_TASKS = (
    "Retrieving the output of runs with multiple tasks is not supported. "
    "Please retrieve the output of each individual task run instead."
)
PAGE = 25


def submit_run(call: Call) -> dict[str, Any]:
    """POST runs/submit."""
    body = call.body
    token = body.get("idempotency_token")
    check_idempotency_token(token)
    if not body.get("tasks"):
        raise bad_request("Missing required field: tasks")
    check_settings(body)
    require_runnable(body)
    acl = [own(call.caller), *parse_acl(body.get("access_control_list") or [])]
    run = {
        "job_id": 0,
        "run_name": body.get("run_name") or "Untitled",
        "run_type": "SUBMIT_RUN",
        "creator": call.caller.name,
        "run_as": call.workspace.principal(choose_run_as(call.caller, body.get("run_as"))).name,
        "created_at": now_ms(),
        "timeout_seconds": int(body.get("timeout_seconds") or 0),
        "environments": index_environments(body.get("environments") or []),
        "max_concurrent_runs": 0,
        "queue": True,
        "number_in_job": 0,
        "tags": body.get("tags") or {},
    }
    started = begin_run(call.workspace, run, list(body["tasks"]), f"submit:{token}" if token else None, acl)
    check_run_access(call.workspace.store, call.caller, started, "CAN_VIEW")  # a token may be another's
    return {"run_id": started["run_id"]}


def begin_run(
    workspace: Workspace,
    run: dict[str, Any],
    tasks: list[dict[str, Any]],
    token: str | None,
    acl: list[dict[str, str]] | None = None,
) -> records.Run:
    """Store and start the run, or return the one the token already made."""
    store = workspace.store
    with store.transaction():
        stored, is_new = records.create_run(store, run, tasks, token)
        if is_new and acl is not None:
            write_acl(store, stored["job_id"], acl)
    if is_new:
        runner_of(workspace).start_run(stored)
    return stored


def get_run(call: Call) -> dict[str, Any]:
    """GET runs/get, of a run or a task run."""
    run, task = _find(call, "CAN_VIEW")
    if task is not None:
        return views.show_task_as_run(run, task, call.workspace.host)
    shown, more = pages.cut_page(call, views.show_run(run, call.workspace.host), pages.OF_RUN)
    return {**shown, **more}


def get_output(call: Call) -> dict[str, Any]:
    """GET runs/get-output, of a task run."""
    run, task = _find(call, "CAN_VIEW")
    if task is None:
        raise bad_request(SEVERAL_TASKS)
    output = records.get_output(call.workspace.store, task["run_id"])
    log = log_path(call.workspace.home, task["run_id"])
    return views.show_output(run, task, output, log, call.workspace.host)


def cancel_run(call: Call) -> dict[str, Any]:
    """POST runs/cancel; asynchronous, and no error for a run that has ended."""
    run, task = _find(call, "CAN_MANAGE_RUN")
    runner = runner_of(call.workspace)
    if task is not None:
        runner.cancel_task(run["run_id"], task["task_key"])
    else:
        runner.cancel_run(run["run_id"])
    return {}


def cancel_all_runs(call: Call) -> dict[str, Any]:
    """POST runs/cancel-all, of one job or, for admins, of the workspace's queued runs."""
    job_id = call.body.get("job_id")
    if job_id is None and not call.body.get("all_queued_runs"):
        raise bad_request("Missing required field: job_id")
    if job_id is not None:
        check_job_access(call.workspace.store, call.caller, int(job_id), "CAN_MANAGE_RUN")
    for run_id in records.active_runs(call.workspace.store, None if job_id is None else int(job_id)):
        run = records.get_run(call.workspace.store, run_id)
        if job_id is None and not (
            views.show_run(run, "")["state"]["life_cycle_state"] == "QUEUED"
            and has_level(call.workspace.store, call.caller, run["job_id"], "CAN_MANAGE_RUN")
        ):
            continue
        runner_of(call.workspace).cancel_run(run_id)
    return {}


def list_runs(call: Call) -> dict[str, Any]:
    """GET runs/list, newest first; only what the caller may see."""
    active, completed = (_flag(call, name) for name in ("active_only", "completed_only"))
    if active and completed:
        raise bad_request("active_only and completed_only cannot both be true")
    shown = [run for run in records.all_runs(call.workspace.store) if _is_listed(call, run, active, completed)]
    page = call.page(shown, "runs", PAGE)
    with_tasks = _flag(call, "expand_tasks")
    page["runs"] = [_show_first(call, run, with_tasks) for run in page["runs"]]
    return {**page, "has_more": "next_page_token" in page}


def _show_first(call: Call, run: records.Run, with_tasks: bool) -> dict[str, Any]:
    shown, has_more = pages.cut_first(views.show_run(run, call.workspace.host, with_tasks), pages.OF_RUN)
    return {**shown, **({"has_more": True} if has_more else {})}


def delete_run(call: Call) -> dict[str, Any]:
    """POST runs/delete; an active run is refused."""
    run, _ = _find(call, "CAN_MANAGE")
    if not run["outcome"]:
        raise bad_request(f"Run {run['run_id']} is active; cancel it first", "INVALID_STATE")
    records.delete_run(call.workspace.store, run)
    return {}


def export_run(call: Call) -> dict[str, Any]:
    """GET runs/export: a notebook task's cells and their output as HTML."""
    run, task = _find(call, "CAN_VIEW")
    if task is None and len(run["tasks"]) == 1:
        task = run["tasks"][0]
    if task is None or "notebook_task" not in task["settings"]:
        raise bad_request("Only the run of a single notebook task can be exported.")
    return {"views": export_views(task, records.get_output(call.workspace.store, task["run_id"]))}


def _find(call: Call, level: str) -> tuple[records.Run, dict[str, Any] | None]:
    run, task = records.find_run(call.workspace.store, read_id(call, "run_id"))
    check_run_access(call.workspace.store, call.caller, run, level)
    return run, task


def read_id(call: Call, name: str) -> int:
    """Return a numeric id of the request.

    Raises:
        ApiError: 400.
    """
    value = call.require(name)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise bad_request(f"{name} must be a number, got {value!r}") from None


def _is_listed(call: Call, run: records.Run, active: bool, completed: bool) -> bool:
    query = call.query
    if (active and run["outcome"]) or (completed and not run["outcome"]):
        return False
    if query.get("job_id") and run["job_id"] != int(query["job_id"]):
        return False
    if query.get("run_type") and run["run_type"] != query["run_type"]:
        return False
    if run["created_at"] < int(query.get("start_time_from") or 0):
        return False
    if query.get("start_time_to") and run["created_at"] > int(query["start_time_to"]):
        return False
    store = call.workspace.store
    return run["creator"] == call.caller.name or has_level(store, call.caller, run["job_id"], "CAN_VIEW")


def _flag(call: Call, name: str) -> bool:
    return str(call.query.get(name, "")).lower() == "true"
