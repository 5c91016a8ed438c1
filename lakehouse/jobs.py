"""Persistent jobs by name and mark: names need not be unique, and filters ignore case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseJob


class NotOurJob(Exception):
    """Only somebody else's jobs have the name; the message names them."""


def list_jobs(workspace: WorkspaceClient, name: str) -> list[BaseJob]:
    """Return the jobs of that name in any case that may be seen, ours and others', oldest first."""
    return sorted(workspace.jobs.list(name=name), key=lambda job: job.job_id or 0)


def find_job_ids(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> list[int]:
    """Return the ids of the jobs of exactly that name that carry the mark as tags, oldest first."""
    return [job.job_id or 0 for job in list_jobs(workspace, name) if _is_own(job, name, mark)]


def find_job(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> int | None:
    """Return the id of the oldest of them; None if there is none."""
    return next(iter(find_job_ids(workspace, name, mark)), None)


def describe_others(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> str:
    """Return somebody else's jobs of that name in any case, each with id and creator; empty if there are none."""
    others = [job for job in list_jobs(workspace, name) if not _is_own(job, name, mark)]
    return ", ".join(f"{_name(job)!r} (id {job.job_id}, made by {job.creator_user_name})" for job in others)


def require_not_taken(workspace: WorkspaceClient, name: str, mark: Mapping[str, str]) -> None:
    """Refuse to make a job beside somebody else's of that name.

    Raises:
        NotOurJob: naming it.
    """
    if others := describe_others(workspace, name, mark):
        raise NotOurJob(
            f"Job {name!r} is not made: {others} has the name and does not carry the mark {dict(mark)}. "
            "Rename or delete it, or give it these tags if it is yours"
        )


def delete_job(workspace: WorkspaceClient, job_id: int) -> None:
    """Delete; a job that somebody else was faster with is no error."""
    from databricks.sdk.errors.base import DatabricksError

    try:
        workspace.jobs.delete(job_id)
    except DatabricksError:  # 400 for a job that is gone, not 404 as elsewhere
        if any(one.job_id == job_id for one in workspace.jobs.list()):
            raise


def _name(job: BaseJob) -> str:
    return (job.settings.name if job.settings else None) or ""


def _is_own(job: BaseJob, name: str, mark: Mapping[str, str]) -> bool:
    tags = (job.settings.tags if job.settings else None) or {}
    return _name(job) == name and mark.items() <= tags.items()
