"""Persistent jobs on serverless compute, which people can also run from the Databricks UI.

https://docs.databricks.com/api/workspace/jobs
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import choice_problems
from lakehouse.jars import JARS
from lakehouse.jobs import delete_job, find_job_ids, list_jobs
from lakehouse.names import REQUESTED_BY, physical_name
from lakehouse.object_permissions import allow, grant_levels, read_permissions
from lakehouse.targets import Target
from platform_assets.grammar.jobs import task_problems
from platform_assets.grammar.names import simple_name_problems
from platform_assets.grammar.permissions import level_problems
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.grants import name_principal, select_groups
from platform_assets.resource_types.jar_upload import jar_path
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.notebook import notebook_path
from platform_assets.resource_types.ownership import choose_own, mark_labels, may_take, note_spelling, own_labels

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import BaseJob

_API = "/api/2.2/jobs"
# Settings that a hand can give a job and that no declaration names.
_OTHERS = (
    *("schedule", "trigger", "continuous", "git_source", "job_clusters", "budget_policy_id", "run_as", "health"),
    *("webhook_notifications", "email_notifications", "timeout_seconds", "description"),
)
_ENVIRONMENT = "java"
_PAGED = ("tasks", "environments", "parameters")  # lists that come in pages


def job_name(target: Target, name: str) -> str:
    """Return what a job is called on the target."""
    return f"{target.bucket_prefix}-{name}"


@dataclass(frozen=True)
class Job(Resource):
    """A job with a task for each of its JARs (from `volume`) and each of its notebooks, side by side.

    `permissions`: the level of a role, or of a declared group by its key, such as CAN_MANAGE_RUN. Runs have
    the rights of who created the job.
    """

    jars: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    volume: str = ""
    permissions: Mapping[str, str] = field(default_factory=dict, hash=False)

    type_name = "job"
    mark_field = "tags"
    reported = {"other_settings": "are not declared: shown, not changed"}
    group = "platform_jobs"

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, its tasks, who may do what."""
        yield from simple_name_problems(self.name, self.physical_name(target), 4_096)
        yield from task_problems((*self.jars, *self.notebooks))
        for name in self.jars:
            yield from choice_problems("a JAR", name, JARS)
        if self.jars:
            yield from name_problems(self.volume, "catalog.schema.volume", physical_name(target, self.volume))
        yield from level_problems(self.type_name, self.permissions, target.name, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Its JARs and notebooks, and declared groups."""
        tasks = (*(f"jar/{name}" for name in self.jars), *(f"notebook/{name}" for name in self.notebooks))
        return (*tasks, *select_groups(self.permissions), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the job's name; no other job of the estate has it."""
        return job_name(target, self.name)

    def desired(self, target: Target) -> State:
        """Tasks and environments by key; the rest as the API has it."""
        paths = [jar_path(target, name, self.volume) for name in self.jars]
        spec = {"environment_version": target.environment_version, "java_dependencies": paths}
        return {
            "tasks": {**{name: _jar_task(name) for name in self.jars}, **self._notebook_tasks(target)},
            "environments": {_ENVIRONMENT: spec} if self.jars else {},
            "parameters": [{"name": REQUESTED_BY, "default": "a person"}],
            "max_concurrent_runs": 1,
            "queue": {"enabled": True},
            "tags": mark_labels(target),
            "permissions": {name_principal(target, role): level for role, level in self.permissions.items()},
        }

    def read(self, clients: Clients) -> State | None:
        """List by name, which ignores case; Get, and the permissions of the declared principals."""
        chosen = self.find_answer(clients)
        if chosen is None:
            return None
        job_id, labels, name = chosen.job_id, own_labels(_labels(chosen)), _name(chosen)
        if not may_take(self, clients.target, name, labels):
            return {"tags": labels, **note_spelling(name, self.physical_name(clients.target))}
        settings = _get_settings(clients, job_id or 0)
        found = {
            **settings,
            "tasks": {task["task_key"]: task for task in settings.get("tasks") or []},
            "environments": {one["environment_key"]: one["spec"] for one in settings.get("environments") or []},
            "permissions": read_permissions(clients.workspace, "jobs", str(job_id)),
        }
        desired = {**self.desired(clients.target), "tags": labels}
        undeclared = {key: task for key, task in found["tasks"].items() if key not in desired["tasks"]}
        state: dict[str, Any] = _shape(found, desired)
        others = sorted(name for name in _OTHERS if settings.get(name))
        reported = {"other_settings": others} if others else {}
        return {**state, "tasks": {**state["tasks"], **undeclared}, **reported}

    def find_answer(self, clients: Clients) -> BaseJob | None:
        """List by name: ours, or what stands in its way."""
        name = self.physical_name(clients.target)
        return choose_own(list_jobs(clients.workspace, name), name, clients.target, _name, _labels)

    def create(self, clients: Clients, desired: State) -> None:
        """Create. Names need not be unique: of several (a lost answer, two at once) the first stays."""
        settings = _as_settings(desired)
        control = [allow(name, level).as_dict() for name, level in desired["permissions"].items()]
        name = self.physical_name(clients.target)
        _do(clients, "POST", "create", body={"name": name, **settings, "access_control_list": control})
        for job_id in find_job_ids(clients.workspace, name, desired["tags"])[1:]:
            delete_job(clients.workspace, job_id)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update the fields that differ; take out tasks that are not declared."""
        chosen = self.find_answer(clients)
        if chosen is None:
            return
        job_id, kept = chosen.job_id, _labels(chosen)
        settings = _as_settings({name: desired[name] for name in before if name != "permissions"})
        extra = [f"tasks/{key}" for key in before.get("tasks") or {} if key not in desired["tasks"]]
        if "tags" in settings:
            settings["tags"] = {**kept, **settings["tags"]}  # the service takes the place of all of them
        if settings:
            body = {"job_id": job_id, "new_settings": settings, "fields_to_remove": extra}
            _do(clients, "POST", "update", body=body)
        if "permissions" in before:
            grant_levels(clients.workspace, "jobs", str(job_id), desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete; active runs are cancelled."""
        for job_id in self._find_own(clients):
            delete_job(clients.workspace, job_id)

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Its id."""
        return tuple(map(str, self._find_own(clients)[:1]))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Job]:
        """List; the mark is in the tags."""
        target = listing.clients.target
        prefix = job_name(target, "")
        jobs = listing.clients.workspace.jobs.list()
        names = {_name(job) for job in jobs if own_labels(_labels(job)) == mark_labels(target)}
        for name in sorted(names):
            if name.startswith(prefix):
                yield cls(name.removeprefix(prefix))

    def _find_own(self, clients: Clients) -> list[int]:
        return find_job_ids(clients.workspace, self.physical_name(clients.target), mark_labels(clients.target))

    def _notebook_tasks(self, target: Target) -> dict[str, Any]:
        return {
            name: {"task_key": name, "notebook_task": {"notebook_path": notebook_path(target, name)}}
            for name in self.notebooks
        }


def _jar_task(name: str) -> dict[str, Any]:
    task = {"main_class_name": JARS[name].main_class}
    return {"task_key": name, "spark_jar_task": task, "environment_key": _ENVIRONMENT}


def _get_settings(clients: Clients, job_id: int) -> dict[str, Any]:
    """Get, page by page: a page has 100 tasks at most."""
    settings: dict[str, Any] = {}
    query: dict[str, Any] | None = {"job_id": job_id}
    while query is not None:
        answer = _do(clients, "GET", "get", query=query)
        lists = {name: value for name, value in answer["settings"].items() if name in _PAGED}
        settings = {**answer["settings"], **{name: [*settings.get(name, []), *lists[name]] for name in lists}}
        token = answer.get("next_page_token")
        query = {"job_id": job_id, "page_token": token} if token else None
    return settings


def _name(job: BaseJob) -> str:
    return (job.settings.name if job.settings else None) or ""


def _labels(job: BaseJob) -> Mapping[str, str]:
    return (job.settings.tags if job.settings else None) or {}


def _as_settings(state: State) -> dict[str, Any]:
    settings = {name: value for name, value in state.items() if name != "permissions"}
    if "tasks" in settings:
        settings["tasks"] = list(settings["tasks"].values())
    if "environments" in settings:
        specs = settings["environments"].items()
        settings["environments"] = [{"environment_key": key, "spec": spec} for key, spec in specs]
    return settings


def _shape(actual: Any, declared: Any) -> Any:
    """Return of what is there the part that is declared: the service fills in much else."""
    if not isinstance(declared, Mapping) or not isinstance(actual, Mapping):
        return actual
    return {name: _shape(actual[name], value) for name, value in declared.items() if name in actual}


def _do(clients: Clients, method: str, action: str, **options: Any) -> dict[str, Any]:
    # not through the SDK's classes: those of 0.60 do not know java_dependencies
    answer: Any = clients.workspace.api_client.do(method, f"{_API}/{action}", **options)
    return dict(answer)
