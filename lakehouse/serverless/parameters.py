"""How Pipes parameters reach the remote code: command line arguments, for a notebook widgets. Pure.

Serverless runs take no environment variables. The same names as in dagster-databricks, so steps written for it work.
A JAR's main class gets its own arguments and no others: it speaks no Pipes and may refuse what it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, DAGSTER_PIPES_MESSAGES_ENV_VAR, encode_param

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import SubmitTask

MOST_BYTES = 10_000  # of the JSON of a task's parameters: documentation of jobs/runs/submit


class ParametersTooLarge(Exception):
    """The task's parameters exceed what Databricks takes."""


class UnsupportedTask(Exception):
    """A task type that cannot be handed Pipes parameters."""


def add_pipes_parameters(task: SubmitTask, context_data: Mapping[str, Any], messages_path: str) -> SubmitTask:
    """Return a copy of the task with the context and the place for messages among its parameters, if it takes any.

    Raises:
        ParametersTooLarge, UnsupportedTask: naming the task.
    """
    prepared = deepcopy(task)
    values = {
        DAGSTER_PIPES_CONTEXT_ENV_VAR: encode_param({"data": dict(context_data)}),
        DAGSTER_PIPES_MESSAGES_ENV_VAR: encode_param({"path": messages_path}),
    }
    given: list[str] | dict[str, str]
    if prepared.spark_jar_task is not None:
        given = prepared.spark_jar_task.parameters or []
    elif prepared.notebook_task is not None:
        given = prepared.notebook_task.base_parameters = {**(prepared.notebook_task.base_parameters or {}), **values}
    else:
        script = prepared.spark_python_task or prepared.python_wheel_task
        if script is None:
            raise UnsupportedTask(
                f"Task {task.task_key}: only scripts, wheels, JARs and notebooks can be run as a step"
            )
        given = script.parameters = [*(script.parameters or []), *_as_arguments(values)]
    require_size(task.task_key, given)
    return prepared


def require_size(task_key: str, given: list[str] | dict[str, str]) -> None:
    """Refuse parameters that Databricks would not take.

    Raises:
        ParametersTooLarge: naming the task.
    """
    size = len(json.dumps(given).encode())
    if size > MOST_BYTES:
        raise ParametersTooLarge(
            f"Task {task_key}: parameters of {size} bytes, Databricks takes {MOST_BYTES}; pass less in extras"
        )


def _as_arguments(values: Mapping[str, str]) -> list[str]:
    return [text for name, value in values.items() for text in (f"--{name.lower().replace('_', '-')}", value)]
