"""Pipes parameters are added to a copy of the task, in the form its type takes."""

import pytest
from dagster_pipes import decode_param
from databricks.sdk.service.jobs import (
    NotebookTask,
    PythonWheelTask,
    SparkJarTask,
    SparkPythonTask,
    SqlTask,
    SubmitTask,
)

from lakehouse.serverless.parameters import ParametersTooLarge, UnsupportedTask, add_pipes_parameters

CONTEXT = {"extras": {"a": 1}}


def test_a_script_gets_arguments_after_its_own() -> None:
    task = SubmitTask("t", spark_python_task=SparkPythonTask("/s.py", parameters=["--own"]))
    parameters = (add_pipes_parameters(task, CONTEXT, "/Volumes/m").spark_python_task or SparkPythonTask("")).parameters
    assert parameters is not None and parameters[0] == "--own"
    given = dict(zip(parameters[1::2], parameters[2::2], strict=True))
    assert decode_param(given["--dagster-pipes-context"]) == {"data": CONTEXT}
    assert decode_param(given["--dagster-pipes-messages"]) == {"path": "/Volumes/m"}
    assert task.spark_python_task and task.spark_python_task.parameters == ["--own"]


def test_a_notebook_gets_widgets() -> None:
    task = SubmitTask("t", notebook_task=NotebookTask("/n", base_parameters={"day": "1"}))
    widgets = (add_pipes_parameters(task, CONTEXT, "/m").notebook_task or NotebookTask("")).base_parameters or {}
    assert set(widgets) == {"day", "DAGSTER_PIPES_CONTEXT", "DAGSTER_PIPES_MESSAGES"}


def test_a_jar_gets_its_own_arguments_only() -> None:
    task = SubmitTask("t", spark_jar_task=SparkJarTask(main_class_name="a.B", parameters=["x"]))
    assert add_pipes_parameters(task, CONTEXT, "/m") == task


def test_too_much_is_refused_with_the_task_and_the_limit() -> None:
    task = SubmitTask("load", python_wheel_task=PythonWheelTask("p", "e"))
    noise = {str(number): hash((number, "x")) for number in range(2000)}
    with pytest.raises(ParametersTooLarge, match=r"Task load: .* 10000"):
        add_pipes_parameters(task, noise, "/m")


def test_another_task_type_is_refused() -> None:
    with pytest.raises(UnsupportedTask, match="Task t"):
        add_pipes_parameters(SubmitTask("t", sql_task=SqlTask("w")), CONTEXT, "/m")
