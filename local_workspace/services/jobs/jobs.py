"""Persistent jobs: create, get, list, reset, update, delete, run-now.

https://docs.databricks.com/api/workspace/jobs/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Store
from local_workspace.services.jobs import pages, records
from local_workspace.services.jobs.access import (
    check_job_access,
    choose_run_as,
    has_level,
    own,
    parse_acl,
    require_owner,
    write_acl,
)
from local_workspace.services.jobs.runner import now_ms, runner_of
from local_workspace.services.jobs.runs import begin_run, read_id
from local_workspace.services.jobs.settings import (
    check_idempotency_token,
    check_settings,
    index_environments,
    is_paused,
    require_runnable,
)

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

JOB = "job"
PAGE = 100
OVERRIDES = ("notebook_params", "python_params", "python_named_params", "jar_params", "sql_params")
# In an update these are merged by key; other fields are replaced.
MERGED_LISTS = {"tasks": "task_key", "environments": "environment_key", "parameters": "name"}


def load_job(store: Store, job_id: int) -> dict[str, Any]:
    """Return the job's document.

    Raises:
        ApiError: 400, as the service answers an unknown job.
    """
    job = store.get(JOB, records.key_of(job_id))
    if job is None:
        raise bad_request(f"Job {job_id} does not exist.", "INVALID_PARAMETER_VALUE")
    return job


def create_job(call: Call) -> dict[str, Any]:
    """POST jobs/create."""
    settings = {name: value for name, value in call.body.items() if name != "access_control_list"}
    _check_job(settings)
    store = call.workspace.store
    run_as = call.workspace.principal(choose_run_as(call.caller, settings.get("run_as"))).name
    acl = parse_acl(call.body.get("access_control_list") or [])
    if not any(entry["level"] == "IS_OWNER" for entry in acl):
        acl = [own(call.caller), *(entry for entry in acl if entry["principal"] != call.caller.name)]
    require_owner(acl)
    with store.transaction():
        job_id = store.next_id(records.RUN)  # one sequence: a submitted run is its own job
        job = {
            "job_id": job_id,
            "creator": call.caller.name,
            "created_at": now_ms(),
            "run_as": run_as,
            "settings": _with_defaults(settings),
        }
        store.put(JOB, records.key_of(job_id), job)
        write_acl(store, job_id, acl)
    return {"job_id": job_id}


def get_job(call: Call) -> dict[str, Any]:
    """GET jobs/get, a page of its lists."""
    shown = _show(_find(call, "CAN_VIEW"))
    settings, more = pages.cut_page(call, shown["settings"], pages.OF_JOB)
    return {**shown, "settings": settings, **more}


def list_jobs(call: Call) -> dict[str, Any]:
    """GET jobs/list, newest first."""
    name = call.query.get("name", "").lower()
    store = call.workspace.store
    shown = [
        job
        for _, job in reversed(store.scan(JOB))
        if (not name or job["settings"]["name"].lower() == name)
        and has_level(store, call.caller, job["job_id"], "CAN_VIEW")
    ]
    page = call.page(shown, "jobs", PAGE)
    page["jobs"] = [_show_first(job, call.query.get("expand_tasks") == "true") for job in page["jobs"]]
    return {**page, "has_more": "next_page_token" in page}


def reset_job(call: Call) -> dict[str, Any]:
    """POST jobs/reset: replace all settings."""
    _write_settings(call, lambda old: dict(call.require("new_settings")))
    return {}


def update_job(call: Call) -> dict[str, Any]:
    """POST jobs/update: merge settings, remove fields."""
    _write_settings(
        call,
        lambda old: merge_settings(old, call.body.get("new_settings") or {}, call.body.get("fields_to_remove") or []),
    )
    return {}


def delete_job(call: Call) -> dict[str, Any]:
    """POST jobs/delete: its active runs are cancelled."""
    job = _find(call, "CAN_MANAGE")
    call.workspace.store.delete(JOB, records.key_of(job["job_id"]))
    for run_id in records.active_runs(call.workspace.store, job["job_id"]):
        runner_of(call.workspace).cancel_run(run_id)
    return {}


def run_now(call: Call) -> dict[str, Any]:
    """POST jobs/run-now."""
    token = call.body.get("idempotency_token")
    check_idempotency_token(token)
    job = _find(call, "CAN_MANAGE_RUN")
    if not job["settings"].get("tasks"):
        raise bad_request(f"Job {job['job_id']} has no tasks to run")
    made_by = f"job-{job['job_id']}:{token}" if token else None
    started = start_job(call.workspace, job, call.body, call.caller.name, made_by)
    return {"run_id": started["run_id"], "number_in_job": started["run_id"]}


def start_job(
    workspace: Workspace,
    job: Mapping[str, Any],
    asked: Mapping[str, Any],
    creator: str,
    token: str | None,
    trigger: str = "ONE_TIME",
) -> records.Run:
    """Start a run of the job, with what a run-now `asked` for, or return the one that the token made."""
    settings = job["settings"]
    require_runnable(settings)
    run = {
        "job_id": job["job_id"],
        "run_name": settings["name"],
        "run_type": "JOB_RUN",
        "trigger": trigger,
        "schedule": settings.get("schedule") if trigger == "PERIODIC" else None,
        "creator": creator,
        "run_as": job["run_as"],
        "created_at": now_ms(),
        "timeout_seconds": int(settings.get("timeout_seconds") or 0),
        "environments": index_environments(settings.get("environments") or []),
        "max_concurrent_runs": int(settings["max_concurrent_runs"]),
        "queue": bool((asked.get("queue") or settings.get("queue") or {}).get("enabled")),
        "number_in_job": 0,
        "tags": settings.get("tags") or {},
        "overriding": {name: asked[name] for name in OVERRIDES if asked.get(name)},
        "job_defaults": {item["name"]: item.get("default", "") for item in settings.get("parameters") or []},
        "job_parameters": _job_parameters(settings, asked.get("job_parameters") or {}),
    }
    return begin_run(workspace, run, choose_tasks(settings["tasks"], asked.get("only")), token)


def scheduled_jobs(store: Store) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the jobs that have a schedule which is not paused and something to run, each with the schedule."""
    found = [(job, job["settings"].get("schedule") or {}) for _, job in store.scan(JOB)]
    return [(job, one) for job, one in found if one and not is_paused(one) and job["settings"].get("tasks")]


def merge_settings(old: dict[str, Any], new: dict[str, Any], removed: list[str]) -> dict[str, Any]:
    """Return the settings after an update; `tasks/KEY` in `removed` takes one item out of a list."""
    merged = {**old, **new}
    for field, key in MERGED_LISTS.items():
        if field in new:
            items = {item[key]: item for item in [*(old.get(field) or []), *new[field]]}
            merged[field] = list(items.values())
    for path in removed:
        field, _, item_key = path.partition("/")
        if not item_key:
            merged.pop(field, None)
        elif field in MERGED_LISTS:
            kept = [item for item in merged.get(field) or [] if item[MERGED_LISTS[field]] != item_key]
            merged[field] = kept
    return merged


def choose_tasks(tasks: list[dict[str, Any]], only: list[str] | None) -> list[dict[str, Any]]:
    """Return the tasks named by `only` without dependencies on the others; all when it is not given."""
    if not only:
        return tasks
    unknown = set(only) - {task["task_key"] for task in tasks}
    if unknown:
        raise bad_request(f"only names unknown tasks: {', '.join(sorted(unknown))}")
    return [
        {**task, "depends_on": [item for item in task.get("depends_on") or [] if item["task_key"] in only]}
        for task in tasks
        if task["task_key"] in only
    ]


def _write_settings(call: Call, change: Any) -> None:
    store = call.workspace.store
    with store.transaction():
        job = _find(call, "CAN_MANAGE")
        settings = change(job["settings"])
        _check_job(settings)
        if "run_as" in job["settings"]:  # who a job runs as is changed by naming another, and not by naming none
            settings = {"run_as": job["settings"]["run_as"], **settings}
        if settings.get("run_as"):
            job["run_as"] = call.workspace.principal(choose_run_as(call.caller, settings["run_as"])).name
        store.put(JOB, records.key_of(job["job_id"]), {**job, "settings": _with_defaults(settings)})


def _check_job(settings: dict[str, Any]) -> None:
    check_settings(settings)
    limit = settings.get("max_concurrent_runs", 1)
    if not isinstance(limit, int) or not 0 <= limit <= 1000:
        raise bad_request(f"max_concurrent_runs must be between 0 and 1000, got {limit!r}")


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    defaults = {"name": "Untitled", "max_concurrent_runs": 1, "format": "MULTI_TASK", "timeout_seconds": 0}
    return {**defaults, **settings}


def _job_parameters(settings: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    defaults = {item["name"]: item.get("default", "") for item in settings.get("parameters") or []}
    unknown = set(given) - set(defaults)
    if unknown:
        raise bad_request(f"The job has no parameters named {', '.join(sorted(unknown))}")
    return {**defaults, **given}


def _find(call: Call, level: str) -> dict[str, Any]:
    job_id = read_id(call, "job_id")
    job = load_job(call.workspace.store, job_id)
    check_job_access(call.workspace.store, call.caller, job_id, level)
    return job


def _show_first(job: dict[str, Any], with_tasks: bool) -> dict[str, Any]:
    shown = _show(job, with_tasks)
    settings, has_more = pages.cut_first(shown["settings"], pages.OF_JOB)
    return {**shown, "settings": settings, **({"has_more": True} if has_more else {})}


def _show(job: dict[str, Any], with_tasks: bool = True) -> dict[str, Any]:
    settings = job["settings"]
    if not with_tasks:
        settings = {name: value for name, value in settings.items() if name not in ("tasks", "environments")}
    return {
        "job_id": job["job_id"],
        "creator_user_name": job["creator"],
        "run_as_user_name": job["run_as"],
        "created_time": job["created_at"],
        "settings": settings,
    }
