"""Persistent jobs that are made from declarations: created, or reset where they are not as declared.

https://docs.databricks.com/api/workspace/jobs/reset
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehouse.principals import principal_field

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobSettings

# Lists that the service may answer in another order, by what tells their items apart.
_KEYS = {"tasks": "task_key", "environments": "environment_key", "parameters": "name", "depends_on": "task_key"}
MISSING = "it does not exist"


@dataclass(frozen=True)
class DeployedJob:
    """A job as declared. `settings` has its name, by which it is found; `permissions`: the level of each principal.

    Fields that the settings leave out are the service's to fill in. Runs have the rights of who deploys it.
    """

    settings: JobSettings
    permissions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the job is called."""
        return self.settings.name or ""


def find_job(workspace: WorkspaceClient, name: str) -> int | None:
    """Return the id of the oldest job of that name that may be seen; None if there is none."""
    return min((job.job_id or 0 for job in workspace.jobs.list(name=name)), default=None)


def find_differences(workspace: WorkspaceClient, job: DeployedJob) -> list[str]:
    """Return what is not as declared, each as the path of a field; empty if all is."""
    job_id = find_job(workspace, job.name)
    if job_id is None:
        return [MISSING]
    settings = workspace.jobs.get(job_id).settings
    found = _compare(_index(job.settings.as_dict()), _index(settings.as_dict() if settings else {}), "")
    levels = _read_permissions(workspace, job_id)
    wrong = [name for name, level in job.permissions.items() if levels.get(name) != level]
    return [*found, *(f"permissions.{name}" for name in wrong)]


def deploy_job(workspace: WorkspaceClient, job: DeployedJob) -> tuple[int, list[str]]:
    """Make the job as declared; return its id and what was not so.

    Safe to be killed and done again, and to be done twice at once: of two that were made the first stays.
    """
    from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

    differences = find_differences(workspace, job)
    if differences == [MISSING]:
        workspace.jobs.create(**job.settings.as_shallow_dict())
        for extra in sorted(one.job_id or 0 for one in workspace.jobs.list(name=job.name))[1:]:
            _delete(workspace, extra)
    job_id = find_job(workspace, job.name)
    assert job_id is not None  # it was just made, or found
    if any(not path.startswith("permissions.") for path in differences) and differences != [MISSING]:
        workspace.jobs.reset(job_id, job.settings)
    if job.permissions and (differences == [MISSING] or any(path.startswith("permissions.") for path in differences)):
        entries = [
            AccessControlRequest(permission_level=PermissionLevel(level), **{principal_field(name): name})
            for name, level in job.permissions.items()
        ]
        workspace.permissions.update("jobs", str(job_id), access_control_list=entries)
    return job_id, differences


def _delete(workspace: WorkspaceClient, job_id: int) -> None:
    from databricks.sdk.errors.base import DatabricksError

    try:
        workspace.jobs.delete(job_id)
    except DatabricksError:
        if any(one.job_id == job_id for one in workspace.jobs.list()):
            raise  # it is not another deployment that was faster


def _read_permissions(workspace: WorkspaceClient, job_id: int) -> dict[str, str]:
    found = {}
    for entry in workspace.permissions.get("jobs", str(job_id)).access_control_list or []:
        name = entry.group_name or entry.user_name or entry.service_principal_name or ""
        levels = [one.permission_level.value for one in entry.all_permissions or [] if one.permission_level]
        found[name] = levels[0] if levels else ""
    return found


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
