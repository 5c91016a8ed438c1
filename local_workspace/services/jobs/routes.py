"""Paths of the Jobs API, versions 2.1 and 2.2, and of jobs in the Permissions API."""

from __future__ import annotations

from local_workspace.gateway.calls import Handler, Route
from local_workspace.services.jobs import cold_start, jobs, permissions, runs

HANDLERS: list[tuple[str, str, Handler]] = [
    ("POST", "runs/submit", runs.submit_run),
    ("GET", "runs/get", runs.get_run),
    ("GET", "runs/get-output", runs.get_output),
    ("GET", "runs/list", runs.list_runs),
    ("POST", "runs/cancel", runs.cancel_run),
    ("POST", "runs/cancel-all", runs.cancel_all_runs),
    ("POST", "runs/delete", runs.delete_run),
    ("GET", "runs/export", runs.export_run),
    ("POST", "create", jobs.create_job),
    ("GET", "get", jobs.get_job),
    ("GET", "list", jobs.list_jobs),
    ("POST", "reset", jobs.reset_job),
    ("POST", "update", jobs.update_job),
    ("POST", "delete", jobs.delete_job),
    ("POST", "run-now", jobs.run_now),
]
ROUTES: list[Route] = [
    *[
        (method, f"/api/{version}/jobs/{path}", handler)
        for version in ("2.1", "2.2")
        for method, path, handler in HANDLERS
    ],
    # Runs/export is served under 2.0 to older clients.
    ("GET", "/api/2.0/jobs/runs/export", runs.export_run),
    ("GET", "/api/2.0/permissions/jobs/{job_id}/permissionLevels", permissions.list_levels),
    ("GET", "/api/2.0/permissions/jobs/{job_id}", permissions.get_permissions),
    ("PUT", "/api/2.0/permissions/jobs/{job_id}", permissions.set_permissions),
    ("PATCH", "/api/2.0/permissions/jobs/{job_id}", permissions.update_permissions),
    ("GET", "/local/serverless", cold_start.get_serverless),
    ("PUT", "/local/serverless", cold_start.set_serverless),
]
