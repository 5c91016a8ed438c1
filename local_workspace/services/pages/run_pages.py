"""Pages of runs: the list, a run with its tasks, a task run alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import ApiError
from local_workspace.services.jobs import runs
from local_workspace.services.jobs.table_use import list_uses
from local_workspace.services.pages.data_pages import link_securable
from local_workspace.services.pages.markup import (
    Html,
    address,
    duration,
    element,
    facts,
    join,
    link,
    moment,
    preformatted,
    section,
    state,
    table,
)
from local_workspace.services.pages.parameters import list_parameters
from local_workspace.services.pages.people import show_principal
from local_workspace.services.pages.serving import Page, ask

LOG_CHARACTERS = 100_000
_OUTPUT_TASKS = 20  # of a run with more, outputs are on the pages of the tasks
_HEADINGS = ("Run", "Job", "State", "Started", "Duration", "Run as")

Run = Mapping[str, Any]


def show_runs(call: Call) -> Page:
    """GET /jobs/runs: newest first."""
    answer = ask(call, runs.list_runs, page_token=call.query.get("page_token"))
    older = answer.get("next_page_token")
    more = element("p", element("a", "Older runs", href=f"/jobs/runs?page_token={older}")) if older else ""
    is_live = any(_is_active(run) for run in answer["runs"])
    return Page("Runs", join([section("Newest first", list_runs(call, answer["runs"])), more]), is_live=is_live)


def list_runs(call: Call, found: list[Run]) -> Html:
    """Return a table of runs."""
    return table(_HEADINGS, (_summarize(call, run) for run in found), "There is no run that you may see.")


def show_run(call: Call) -> Page:
    """GET /jobs/{job_id}/runs/{run_id}, of a run or of one of its tasks."""
    run = ask(call, runs.get_run, run_id=call.params["run_id"])
    tasks = run.get("tasks")
    if tasks is None:
        return _show_task_run(call, run)
    shown = [section("Run", _describe(call, run)), section("Tasks", _list_tasks(tasks))]
    shown += [_show_task(call, task) for task in tasks[:_OUTPUT_TASKS]]
    return Page(run["run_name"], join(shown), f"Run {run['run_id']}", _is_active(run))


def _show_task_run(call: Call, run: Run) -> Page:
    whole = run["job_run_id"]
    path = ("jobs", run["job_id"], "runs", whole)
    content = [section("Task run", _describe(call, run)), _show_task(call, run)]
    return Page(run["run_name"], join(content), join(["A task of ", link(path, f"run {whole}")]), _is_active(run))


def _summarize(call: Call, run: Run) -> list[object]:
    path = ("jobs", run["job_id"], "runs", run["run_id"])
    started, took = moment(run["start_time"]), duration(run.get("run_duration"))
    return [
        link(path, run["run_name"]),
        _link_job(run),
        state(_state_of(run)),
        started,
        took,
        show_principal(call, run["run_as_user_name"]),
    ]


def _describe(call: Call, run: Run) -> Html:
    return facts(
        (
            ("State", state(_state_of(run))),
            ("Message", run["state"].get("state_message") or run["state"].get("queue_reason")),
            ("Job", _link_job(run)),
            ("Started", moment(run["start_time"])),
            ("Ended", moment(run.get("end_time"))),
            ("Duration", duration(_lasted(run))),
            ("Run as", show_principal(call, run["run_as_user_name"])),
            ("Started by", show_principal(call, run["creator_user_name"])),
            ("Trigger", run["trigger"].lower().replace("_", " ")),
            ("Parameters", table(("Name", "Value"), _list_job_parameters(run), "none")),
        )
    )


def _list_job_parameters(run: Run) -> list[tuple[object, object]]:
    given = [(one["name"], one.get("value", "")) for one in run.get("job_parameters") or []]
    overriding = run.get("overriding_parameters") or {}
    return [*given, *((name, preformatted(str(value))) for name, value in overriding.items())]


def _list_tasks(tasks: list[dict[str, Any]]) -> Html:
    rows = (
        [
            element("a", task["task_key"], href=f"#{task['task_key']}"),
            state(_state_of(task)),
            moment(task.get("start_time")),
            duration(_time_of(task)),
            ", ".join(one["task_key"] for one in task.get("depends_on") or []),
            task["state"].get("state_message") or task["state"].get("queue_reason") or "",
        ]
        for task in tasks
    )
    return table(("Task", "State", "Started", "Duration", "After", "Message"), rows, "The run has no tasks.")


def _show_task(call: Call, task: Run) -> Html:
    kind = next((name for name in task if name.endswith("_task")), "")
    path = ("jobs", call.params["job_id"], "runs", task["run_id"])
    described = facts(
        (
            ("State", state(_state_of(task))),
            ("Kind", kind.removesuffix("_task").replace("_", " ")),
            ("Description", task.get("description")),
            ("Run id", link(path, task["run_id"])),
            ("Queue", duration(task.get("queue_duration"))),
            ("Set-up", duration(task.get("setup_duration"))),
            ("Execution", duration(task.get("execution_duration"))),
        )
    )
    given = join([element("h3", "Parameters"), list_parameters(task.get(kind) or {})])
    parts = [described, _show_output(call, task), *_show_tables(call, task), given]
    shown = section(f"Task {task['task_key']}", *parts)
    return element("div", shown, id=task["task_key"])


def _show_tables(call: Call, task: Run) -> list[Html]:
    """Of the tables that the task opened, those that who looks may see."""
    grants, find = call.workspace.unity.grants, call.workspace.unity.securables.find
    rows = [
        [link_securable("table", use.full_name), "reading and writing" if use.writes else "reading"]
        for use in list_uses(call.workspace.store, task["run_id"])
        if find("table", use.full_name) and grants.sees(call.caller, "table", use.full_name)
    ]
    return [element("h3", "Tables"), table(("Table", "Opened for"), rows, "")] if rows else []


def _show_output(call: Call, task: Run) -> Html:
    try:
        output = ask(call, runs.get_output, run_id=task["run_id"])
    except ApiError as error:  # it may have been deleted a moment ago; the rest of the page is still true
        return preformatted(error.message)
    parts = [
        *_titled("Error", output.get("error"), class_="error"),
        *_titled("Trace", output.get("error_trace")),
        *_titled("Result", (output.get("notebook_output") or {}).get("result")),
        *_titled(_name_log(output), output.get("logs")),
    ]
    return (
        join(parts) if parts else element("p", "No output yet." if _is_active(task) else "No output.", class_="empty")
    )


def _titled(title: str, content: str | None, **attributes: object) -> list[Html]:
    if not content:
        return []
    return [element("h3", title), element("pre", content[-LOG_CHARACTERS:], **attributes)]


def _name_log(output: Run) -> str:
    is_cut = output.get("logs_truncated") or len(output.get("logs") or "") > LOG_CHARACTERS
    return f"Output (the last {LOG_CHARACTERS:,} characters)" if is_cut else "Output"


def _link_job(run: Run) -> object:
    if run["run_type"] != "JOB_RUN":
        return "one-time run"
    return element("a", f"job {run['job_id']}", href=address(("jobs", run["job_id"])))


def _state_of(run: Run) -> str:
    return str(run["state"].get("result_state") or run["state"]["life_cycle_state"])


def _time_of(task: Run) -> int:
    return sum(int(task.get(f"{part}_duration") or 0) for part in ("queue", "setup", "execution", "cleanup"))


def _lasted(run: Run) -> int:
    return max(0, int(run.get("end_time") or 0) - int(run["start_time"] or 0))


def _is_active(run: Run) -> bool:
    return "result_state" not in run["state"]
