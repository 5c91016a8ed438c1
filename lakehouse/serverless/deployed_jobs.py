"""Persistent jobs that are made from declarations: created, or reset where they are not as declared.

https://docs.databricks.com/api/workspace/jobs/reset
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehouse.jobs import delete_job, find_job, find_job_ids, require_not_taken
from lakehouse.object_permissions import grant_levels, read_permissions

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobSettings

# Lists that the service may answer in another order, by what tells their items apart.
_KEYS = {"tasks": "task_key", "environments": "environment_key", "parameters": "name", "depends_on": "task_key"}
MISSING = "it does not exist"
_PERMISSIONS = "permissions."


@dataclass(frozen=True)
class DeployedJob:
    """A job as declared. `settings` has its name, `mark` the tags by which it is known from others of that name.

    `permissions`: the level of each principal. Fields that the settings leave out are the service's to fill in. Runs
    have the rights of who deploys it.
    """

    settings: JobSettings
    mark: Mapping[str, str]
    permissions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the job is called."""
        return self.settings.name or ""


def find_differences(workspace: WorkspaceClient, job: DeployedJob) -> list[str]:
    """Return what is not as declared, each as the path of a field; empty if all is.

    Raises:
        NotOurJob: only somebody else's job has the name.
    """
    job_id = find_job(workspace, job.name, job.mark)
    if job_id is None:
        require_not_taken(workspace, job.name, job.mark)
        return [MISSING]
    return _compare_job(workspace, job_id, job)


def deploy_job(workspace: WorkspaceClient, job: DeployedJob) -> tuple[int, list[str]]:
    """Make the job as declared; return its id and what was not so.

    Safe to be killed and done again, and to be done twice at once: of two that were made the first stays.

    Raises:
        NotOurJob: only somebody else's job has the name.
    """
    job_id = find_job(workspace, job.name, job.mark)
    if job_id is None:
        require_not_taken(workspace, job.name, job.mark)
        job_id = _create(workspace, job)
        _permit(workspace, job_id, job)
        return job_id, [MISSING]
    differences = _compare_job(workspace, job_id, job)
    of_permissions = [path for path in differences if path.startswith(_PERMISSIONS)]
    if len(of_permissions) < len(differences):
        workspace.jobs.reset(job_id, job.settings)
    if of_permissions:
        _permit(workspace, job_id, job)
    return job_id, differences


def _compare_job(workspace: WorkspaceClient, job_id: int, job: DeployedJob) -> list[str]:
    settings = workspace.jobs.get(job_id).settings
    found = _compare(_index(job.settings.as_dict()), _index(settings.as_dict() if settings else {}), "")
    levels = read_permissions(workspace, "jobs", str(job_id))
    wrong = [name for name, level in job.permissions.items() if levels.get(name) != level]
    return [*found, *(f"{_PERMISSIONS}{name}" for name in wrong)]


def _create(workspace: WorkspaceClient, job: DeployedJob) -> int:
    workspace.jobs.create(**job.settings.as_shallow_dict())
    first, *others = find_job_ids(workspace, job.name, job.mark)
    for other in others:
        delete_job(workspace, other)
    return first


def _permit(workspace: WorkspaceClient, job_id: int, job: DeployedJob) -> None:
    if job.permissions:
        grant_levels(workspace, "jobs", str(job_id), job.permissions)


def _index(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _index(item, key) for key, item in value.items()}
    if isinstance(value, list) and name in _KEYS and all(isinstance(item, Mapping) for item in value):
        return {item[_KEYS[name]]: _index(item) for item in value}
    return value


def _compare(declared: Any, actual: Any, path: str) -> list[str]:
    """Return where the actual is not as declared; fields of objects that are not declared are not looked at."""
    if not isinstance(declared, Mapping) or not isinstance(actual, Mapping):
        return [] if declared == actual else [path]
    start = f"{path}." if path else ""
    found = [one for name, value in declared.items() for one in _compare(value, actual.get(name), f"{start}{name}")]
    if path.rpartition(".")[2] in _KEYS:
        found += [f"{start}{name}" for name in actual.keys() - declared.keys()]
    return found
