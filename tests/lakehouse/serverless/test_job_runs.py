"""A persistent job as a Dagster step: its output, one run per try, the next try after a failure, and no such job."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from lakehouse.names import REQUESTED_BY
from lakehouse.serverless import run_job
from tests.lakehouse.serverless.conftest import Remote
from tests.lakehouse.serverless.test_runs import failure_of, metadata_of, run_again_from_failure

MARK = {"of": "these tests"}


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def create_job(remote: Remote, name: str, code: str) -> int:
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobEnvironment, JobParameterDefinition, SparkPythonTask, Task

    path = remote.add_script(f"{name}.py", code)
    made = remote.client.jobs.create(
        name=name,
        tasks=[Task("main", spark_python_task=SparkPythonTask(path), environment_key="default")],
        environments=[JobEnvironment("default", Environment(environment_version="4"))],
        parameters=[JobParameterDefinition(REQUESTED_BY, "a person")],
        tags=MARK,
    )
    assert made.job_id is not None
    return made.job_id


def job_step(remote: Remote, name: str) -> dg.AssetsDefinition:
    @dg.asset(name=name)
    def step(context: dg.AssetExecutionContext) -> Iterator[Any]:
        run = run_job(remote.client, context, name, MARK, patience_seconds=20)
        yield dg.MaterializeResult(metadata={**run.metadata, **run.printed})

    return step


def materialize(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize([asset], instance=instance, raise_on_error=False)


def test_a_job_runs_and_its_output_shows(
    remote: Remote, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = create_job(remote, "job_runs", "print('hello')")
    result = materialize(job_step(remote, "job_runs"), instance)
    assert metadata_of(result, "job_runs")["main"].value == "hello\n"
    assert "hello" in capsys.readouterr().out
    (run,) = remote.client.jobs.list_runs(job_id=job_id)
    assert result.run_id[:8] in str([one.value for one in run.job_parameters or []])


def test_each_task_of_a_job_tells_what_it_printed_and_the_failed_one_is_named(
    remote: Remote, instance: dg.DagsterInstance
) -> None:
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import (
        JobEnvironment,
        JobParameterDefinition,
        SparkPythonTask,
        Task,
        TaskDependency,
    )

    codes = {"first": "print('one')", "second": "print('two')"}
    tasks = [
        Task(name, spark_python_task=SparkPythonTask(remote.add_script(f"dag_{name}.py", code)), environment_key="e")
        for name, code in codes.items()
    ]
    tasks[1].depends_on = [TaskDependency("first")]
    remote.client.jobs.create(
        name="job_dag",
        tasks=tasks,
        environments=[JobEnvironment("e", Environment(environment_version="4"))],
        parameters=[JobParameterDefinition(REQUESTED_BY, "a person")],
        tags=MARK,
    )
    metadata = metadata_of(materialize(job_step(remote, "job_dag"), instance), "job_dag")
    assert (metadata["first"].value, metadata["second"].value) == ("one\n", "two\n")
    assert metadata["databricks/task_keys"].value == "first, second"
    remote.add_script("dag_first.py", "raise ValueError('no')")
    message = failure_of(materialize(job_step(remote, "job_dag"), instance))
    assert "Task first: ValueError: no" in message and "Task second" not in message


def test_a_failed_run_is_this_trys_failure_and_the_next_trys_history(
    remote: Remote, instance: dg.DagsterInstance
) -> None:
    """However soon it failed: a try never starts a second run."""
    job_id = create_job(remote, "job_fails", "raise ValueError('no')")
    first = materialize(job_step(remote, "job_fails"), instance)
    assert "Task main: ValueError: no" in failure_of(first)
    assert len(list(remote.client.jobs.list_runs(job_id=job_id))) == 1
    remote.add_script("job_fails.py", "print('now')")
    assert run_again_from_failure(job_step(remote, "job_fails"), instance, first).success
    assert len(list(remote.client.jobs.list_runs(job_id=job_id))) == 2


def test_a_job_that_is_not_there_is_named(remote: Remote, instance: dg.DagsterInstance) -> None:
    theirs = remote.client.jobs.create(name="JOB_missing").job_id
    message = failure_of(materialize(job_step(remote, "job_missing"), instance))
    assert f"of somebody else: 'JOB_missing' (id {theirs}, made by " in message
    remote.client.jobs.delete(theirs or 0)
    assert "There is no job 'job_missing'" in message and "lakehouse apply" in message
