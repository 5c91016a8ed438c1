"""Persistent jobs by name: names need not be unique, and of several the oldest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def find_job_ids(workspace: WorkspaceClient, name: str) -> list[int]:
    """Return the ids of the jobs of that name that may be seen, oldest first."""
    return sorted(job.job_id or 0 for job in workspace.jobs.list(name=name))


def find_job(workspace: WorkspaceClient, name: str) -> int | None:
    """Return the id of the oldest of them; None if there is none."""
    return next(iter(find_job_ids(workspace, name)), None)


def delete_job(workspace: WorkspaceClient, job_id: int) -> None:
    """Delete; a job that somebody else was faster with is no error."""
    from databricks.sdk.errors.base import DatabricksError

    try:
        workspace.jobs.delete(job_id)
    except DatabricksError:  # 400 for a job that is gone, not 404 as elsewhere
        if any(one.job_id == job_id for one in workspace.jobs.list()):
            raise
