"""Validates what a caller asks to run: tasks, dependencies, environments. Pure; raises the service's 400s.

What cannot be computed here (clusters, SQL and other task types) is refused with 501, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from local_workspace.engines.environments import FILE_PREFIXES
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.services.jobs.notices import check_notices
from local_workspace.services.jobs.quartz import InvalidSchedule, parse_schedule
from local_workspace.services.jobs.states import RUN_IFS

Document = Mapping[str, Any]
TASK_TYPES = ("spark_python_task", "python_wheel_task", "notebook_task", "spark_jar_task")
REQUIRED = {
    "spark_python_task": ("python_file",),
    "python_wheel_task": ("package_name", "entry_point"),
    "notebook_task": ("notebook_path",),
    "spark_jar_task": ("main_class_name",),
}
PAUSE_STATUSES = ("PAUSED", "UNPAUSED")
CLUSTER_FIELDS = ("new_cluster", "existing_cluster_id", "job_cluster_key")
UNSUPPORTED_JOB_FIELDS = ("git_source", "continuous", "trigger", "job_clusters")
FIRST_JAVA_VERSION = 4  # https://docs.databricks.com/aws/en/jobs/tasks/jar
MAX_TASKS = 1000
MAX_SUBMITTED = 100
MAX_TOKEN = 64
MAX_KEY = 100


def check_settings(settings: Document) -> None:
    """Check the settings of a job; what of it this workspace does not run, it keeps.

    Raises:
        ApiError: 400 naming the field.
    """
    _check_schedule(settings.get("schedule"))
    check_notices(settings)
    environments = index_environments(settings.get("environments") or [])
    tasks = settings.get("tasks") or []
    if len(tasks) > MAX_TASKS:
        raise bad_request(f"A job may have at most {MAX_TASKS} tasks, got {len(tasks)}")
    for task in tasks:
        _check_task(task, environments)
    _check_graph(tasks)
    if int(settings.get("timeout_seconds") or 0) < 0:
        raise bad_request("timeout_seconds must not be negative")


def require_runnable(settings: Document) -> None:
    """Refuse to run what cannot be computed here.

    Raises:
        ApiError: 400 for compute other than serverless, 501 for what is not served; each names the field.
    """
    for field in UNSUPPORTED_JOB_FIELDS:
        if settings.get(field):
            raise not_implemented(f"The local workspace does not run jobs with '{field}'.")
    for task in settings.get("tasks") or []:
        _require_runnable_task(task, task["task_key"])


def _require_runnable_task(task: Document, key: str) -> None:
    for field in CLUSTER_FIELDS:
        if task.get(field):
            raise bad_request(f"Task '{key}': '{field}' is not allowed, only serverless compute is supported.")
    if task.get("libraries"):
        raise bad_request(
            f"Task '{key}': libraries field is not supported for serverless task, please specify libraries in "
            "environment: JARs in java_dependencies, Python packages in dependencies."
        )
    if int(task.get("max_retries") or 0):
        raise not_implemented(f"Task '{key}': the local workspace does not retry tasks (max_retries).")
    if (kind := task_type(task)) not in TASK_TYPES:
        raise not_implemented(f"Task '{key}': the local workspace does not run a {kind}.")


def _check_schedule(schedule: Document | None) -> None:
    if schedule is None:
        return
    for field in ("quartz_cron_expression", "timezone_id"):
        if not schedule.get(field):
            raise bad_request(f"Missing required field: schedule.{field}")
    if schedule.get("pause_status", "UNPAUSED") not in PAUSE_STATUSES:
        raise bad_request(f"Invalid schedule.pause_status {schedule['pause_status']!r}: PAUSED or UNPAUSED")
    try:
        parse_schedule(schedule["quartz_cron_expression"], schedule["timezone_id"])
    except InvalidSchedule as error:
        raise bad_request(f"Invalid quartz_cron_expression '{schedule['quartz_cron_expression']}': {error}") from None


def is_paused(schedule: Document) -> bool:
    """Say whether a schedule does not fire."""
    return bool(schedule.get("pause_status", "UNPAUSED") == "PAUSED")


def check_idempotency_token(token: str | None) -> None:
    """Refuse a token longer than the service takes."""
    if token and len(token) > MAX_TOKEN:
        raise bad_request(f"idempotency_token must have at most {MAX_TOKEN} characters, got {len(token)}")


def index_environments(environments: Sequence[Document]) -> dict[str, Document]:
    """Return the specs by key."""
    indexed: dict[str, Document] = {}
    for environment in environments:
        key = environment.get("environment_key")
        if not key:
            raise bad_request("Missing required field: environments.environment_key")
        if key in indexed:
            raise bad_request(f"Duplicate environment_key '{key}'")
        indexed[key] = _check_spec(key, environment.get("spec") or {})
    return indexed


def _check_spec(key: str, spec: Document) -> Document:
    version = spec.get("environment_version") or spec.get("client")
    if not version:
        raise bad_request(f"Missing required field: environment_version (environment '{key}')")
    if not re.fullmatch(r"[0-9]{1,4}", str(version)):
        raise bad_request(f"Invalid environment_version '{version}' of environment '{key}': expected a number")
    for jar in jars_of(spec):
        if not (jar.startswith(FILE_PREFIXES) and jar.endswith(".jar")):
            raise bad_request(f"Environment '{key}': '{jar}' is not the path of a JAR ({', '.join(FILE_PREFIXES)})")
    return spec


def jars_of(spec: Document) -> list[str]:
    """Return the JARs of an environment; `jar_dependencies` is the field's earlier name, which SDK 0.60 still sends."""
    return [*(spec.get("java_dependencies") or []), *(spec.get("jar_dependencies") or [])]


def _check_task(task: Document, environments: Mapping[str, Document]) -> None:
    key = task.get("task_key")
    if not key:
        raise bad_request("Missing required field: task_key")
    if len(key) > MAX_KEY or not all(character.isalnum() or character in "_-" for character in key):
        raise bad_request(f"Invalid task_key '{key}': up to {MAX_KEY} letters, digits, hyphens and underscores")
    if task.get("run_if", "ALL_SUCCESS") not in RUN_IFS:
        raise bad_request(f"Task '{key}': unknown run_if '{task['run_if']}'")
    kind = task_type(task)
    for field in REQUIRED.get(kind, ()):
        if not task[kind].get(field):
            raise bad_request(f"Task '{key}': missing required field {kind}.{field}")
    if kind in TASK_TYPES and not any(task.get(field) for field in CLUSTER_FIELDS):
        _check_environment(task, kind, environments)


def _check_environment(task: Document, kind: str, environments: Mapping[str, Document]) -> None:
    chosen = task.get("environment_key")
    if chosen and chosen not in environments:
        raise bad_request(f"Task '{task['task_key']}': environment_key '{chosen}' is not in environments")
    if not chosen and kind != "notebook_task":
        raise bad_request(f"Task '{task['task_key']}': an environment_key is required for a serverless {kind}.")
    if chosen and kind == "spark_jar_task":
        _check_java_environment(task["task_key"], chosen, environments[chosen])


def _check_java_environment(task_key: str, key: str, spec: Document) -> None:
    version = spec.get("environment_version") or spec.get("client")
    if int(str(version)) < FIRST_JAVA_VERSION:
        raise bad_request(
            f"Task '{task_key}': a spark_jar_task needs environment_version {FIRST_JAVA_VERSION} or higher, "
            f"environment '{key}' has {version}."
        )
    if not jars_of(spec):
        raise bad_request(f"Task '{task_key}': environment '{key}' has no java_dependencies to find the main class in.")


def task_type(task: Document) -> str:
    """Return the name of the one task type that is set.

    Raises:
        ApiError: none or several.
    """
    given = [name for name in task if name.endswith("_task") and task[name]]
    if len(given) != 1:
        raise bad_request(f"Task '{task['task_key']}' must have exactly one task type, got {given or 'none'}")
    return given[0]


def upstream_keys(task: Document) -> list[str]:
    """Return the keys of the tasks that this one depends on."""
    return [dependency["task_key"] for dependency in task.get("depends_on") or []]


def _check_graph(tasks: Sequence[Document]) -> None:
    keys = [task["task_key"] for task in tasks]
    if len({*keys}) < len(keys):
        raise bad_request(f"Duplicate task_key '{next(key for key in keys if keys.count(key) > 1)}'")
    for task in tasks:
        for upstream in upstream_keys(task):
            if upstream not in keys:
                raise bad_request(f"Task '{task['task_key']}' depends on unknown task '{upstream}'")
    try:
        TopologicalSorter({task["task_key"]: upstream_keys(task) for task in tasks}).prepare()
    except CycleError as error:
        raise bad_request(f"The tasks depend on each other in a cycle: {' -> '.join(error.args[1])}") from None
