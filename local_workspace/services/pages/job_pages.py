"""Pages of persistent jobs: the list, and a job with its schedule, tasks, permissions and last runs."""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.services.jobs import jobs, permissions, runs
from local_workspace.services.pages.markup import Html, facts, join, link, moment, section, table
from local_workspace.services.pages.parameters import list_parameters
from local_workspace.services.pages.people import show_principal
from local_workspace.services.pages.run_pages import list_runs
from local_workspace.services.pages.serving import Page, ask, ask_all


def show_jobs(call: Call) -> Page:
    """GET /jobs."""
    rows = [
        [
            link(("jobs", job["job_id"]), job["settings"]["name"]),
            show_principal(call, job["run_as_user_name"]),
            _tell_schedule(job["settings"]),
            moment(job["created_time"]),
        ]
        for job in ask_all(call, jobs.list_jobs, "jobs")
    ]
    shown = table(("Job", "Run as", "Schedule", "Created"), rows, "There is no job that you may see.")
    return Page("Jobs", section("Newest first", shown))


def show_job(call: Call) -> Page:
    """GET /jobs/{job_id}."""
    job_id = call.params["job_id"]
    job = ask(call, jobs.get_job, job_id=job_id)
    settings = job["settings"]
    last = ask(call, runs.list_runs, job_id=job_id)["runs"]
    content = [
        section("Job", _describe(call, job)),
        section("Tasks", *(_show_task(task) for task in settings.get("tasks") or [])),
        section("Permissions", _list_permissions(call, job_id)),
        section("Last runs", list_runs(call, last)),
    ]
    return Page(settings["name"], join(content), f"Job {job_id}")


def _describe(call: Call, job: dict[str, Any]) -> Html:
    settings = job["settings"]
    apart = ("name", "tasks", "schedule", "format")
    return facts(
        (
            ("Run as", show_principal(call, job["run_as_user_name"])),
            ("Creator", show_principal(call, job["creator_user_name"])),
            ("Created", moment(job["created_time"])),
            ("Schedule", _tell_schedule(settings)),
            *((name.replace("_", " ").capitalize(), value) for name, value in settings.items() if name not in apart),
        )
    )


def _tell_schedule(settings: dict[str, Any]) -> str:
    schedule = settings.get("schedule")
    if not schedule:
        return "none"
    paused = " (paused)" if schedule.get("pause_status") == "PAUSED" else ""
    return f"{schedule['quartz_cron_expression']} {schedule['timezone_id']}{paused}"


def _show_task(task: dict[str, Any]) -> Html:
    kind = next((name for name in task if name.endswith("_task")), "")
    return facts(
        (
            ("Task", task["task_key"]),
            ("Kind", kind.removesuffix("_task").replace("_", " ")),
            ("After", ", ".join(one["task_key"] for one in task.get("depends_on") or [])),
            ("Settings", list_parameters(task.get(kind) or {})),
        )
    )


def _list_permissions(call: Call, job_id: str) -> Html:
    entries = ask(call, permissions.get_permissions, job_id=job_id)["access_control_list"]
    rows = [
        [
            show_principal(call, _principal_of(entry)),
            ", ".join(one["permission_level"] for one in entry["all_permissions"]),
        ]
        for entry in entries
    ]
    return table(("Principal", "Level"), rows, "None")


def _principal_of(entry: dict[str, Any]) -> str:
    return next(str(entry[name]) for name in ("user_name", "group_name", "service_principal_name") if name in entry)
