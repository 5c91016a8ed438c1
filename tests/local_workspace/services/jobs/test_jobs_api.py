"""Persistent jobs: they live, change, run as a graph of tasks, and belong to who made them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.jobs import (
    CronSchedule,
    JobParameterDefinition,
    JobRunAs,
    JobSettings,
    SparkPythonTask,
    Task,
    TaskDependency,
)

from tests.local_workspace.services.jobs.harness import JobsServer, environment, wait_for_run


def make_task(path: str, key: str, *after: str, parameters: list[str] | None = None) -> Task:
    script = SparkPythonTask(path, parameters=parameters)
    dependencies = [TaskDependency(one) for one in after] or None
    return Task(key, spark_python_task=script, environment_key="default", depends_on=dependencies)


@pytest.fixture
def script(jobs_server: JobsServer) -> str:
    return jobs_server.add_script("job.py", "import sys\nprint(*sys.argv[1:])")


@pytest.fixture
def job_id(client: WorkspaceClient, script: str) -> Iterator[int]:
    tasks = [make_task(script, "first"), make_task(script, "second", "first", parameters=["given"])]
    schedule = CronSchedule("0 0 5 * * ?", "UTC")
    made = client.jobs.create(name="nightly", tasks=tasks, environments=[environment()], schedule=schedule)
    assert made.job_id is not None
    yield made.job_id
    client.jobs.delete(made.job_id)


def settings_of(client: WorkspaceClient, job_id: int) -> JobSettings:
    settings = client.jobs.get(job_id).settings
    assert settings is not None
    return settings


def test_a_job_is_read_and_listed_as_it_was_made(client: WorkspaceClient, job_id: int) -> None:
    job = client.jobs.get(job_id)
    assert job.creator_user_name == job.run_as_user_name == "pipeline"
    assert [task.task_key for task in settings_of(client, job_id).tasks or []] == ["first", "second"]
    schedule = settings_of(client, job_id).schedule
    assert schedule is not None and schedule.quartz_cron_expression == "0 0 5 * * ?"
    assert job_id in [one.job_id for one in client.jobs.list()]
    assert [one.job_id for one in client.jobs.list(name="Nightly")] == [job_id]
    assert list(client.jobs.list(name="none")) == []


def test_update_merges_and_reset_replaces(client: WorkspaceClient, job_id: int, script: str) -> None:
    client.jobs.update(job_id, new_settings=JobSettings(name="renamed", tasks=[make_task(script, "third")]))
    merged = settings_of(client, job_id)
    assert (merged.name, merged.schedule is not None) == ("renamed", True)
    assert {task.task_key for task in merged.tasks or []} == {"first", "second", "third"}
    client.jobs.update(job_id, fields_to_remove=["schedule", "tasks/third"])
    assert settings_of(client, job_id).schedule is None
    assert {task.task_key for task in settings_of(client, job_id).tasks or []} == {"first", "second"}
    client.jobs.reset(job_id, JobSettings(name="new", tasks=[make_task(script, "only")], environments=[environment()]))
    assert [task.task_key for task in settings_of(client, job_id).tasks or []] == ["only"]


def test_run_now_runs_the_graph_with_the_parameters_given(client: WorkspaceClient, job_id: int) -> None:
    first = client.jobs.run_now(job_id, idempotency_token="once")
    again = client.jobs.run_now(job_id, idempotency_token="once")
    assert first.run_id == again.run_id
    ended = wait_for_run(client, first.run_id)
    assert ended.results() == {"first": "SUCCESS", "second": "SUCCESS"}
    assert ended.output("second").logs == "given\n"
    assert ended.run.job_id == job_id
    overridden = wait_for_run(client, client.jobs.run_now(job_id, python_params=["other"]).run_id)
    assert overridden.output("second").logs == "other\n"
    assert {run.run_id for run in client.jobs.list_runs(job_id=job_id)} == {first.run_id, overridden.run.run_id}


def test_job_parameters_reach_the_task_and_may_be_overridden(client: WorkspaceClient, script: str) -> None:
    task = make_task(script, "t", parameters=["{{job.parameters.day}}"])
    parameters = [JobParameterDefinition(name="day", default="2013-01-01")]
    made = client.jobs.create(name="p", tasks=[task], environments=[environment()], parameters=parameters)
    assert made.job_id is not None
    default = wait_for_run(client, client.jobs.run_now(made.job_id).run_id)
    given = wait_for_run(client, client.jobs.run_now(made.job_id, job_parameters={"day": "2013-02-02"}).run_id)
    assert [one.output("t").logs for one in (default, given)] == ["2013-01-01\n", "2013-02-02\n"]
    client.jobs.delete(made.job_id)


def test_a_deleted_job_is_gone_and_an_unknown_one_is_named(client: WorkspaceClient, script: str) -> None:
    made = client.jobs.create(name="gone", tasks=[make_task(script, "t")], environments=[environment()])
    assert made.job_id is not None
    client.jobs.delete(made.job_id)
    for call in (client.jobs.get, client.jobs.run_now, client.jobs.delete):
        with pytest.raises(DatabricksError, match=f"Job {made.job_id} does not exist"):
            call(made.job_id)


def test_wrong_graphs_are_refused(client: WorkspaceClient, script: str) -> None:
    circle = [make_task(script, "a", "b"), make_task(script, "b", "a")]
    for tasks in (circle, [make_task(script, "a", "nothing")], [make_task(script, "a"), make_task(script, "a")]):
        with pytest.raises(DatabricksError):
            client.jobs.create(name="wrong", tasks=tasks, environments=[environment()])


def test_others_need_a_permission(jobs_server: JobsServer, client: WorkspaceClient, job_id: int) -> None:
    analyst = jobs_server.client("analyst")
    with pytest.raises(PermissionDenied, match=_lacks("View or Admin or Manage Run or Owner", job_id)):
        analyst.jobs.get(job_id)
    with pytest.raises(PermissionDenied, match=_lacks("Admin or Manage Run or Owner", job_id)):
        analyst.jobs.run_now(job_id)
    may_run = AccessControlRequest(user_name="analyst", permission_level=PermissionLevel.CAN_MANAGE_RUN)
    client.permissions.update("jobs", str(job_id), access_control_list=[may_run])
    assert wait_for_run(client, analyst.jobs.run_now(job_id).run_id).result == "SUCCESS"
    with pytest.raises(PermissionDenied, match=_lacks("Admin or Owner", job_id)):
        analyst.jobs.update(job_id, new_settings=JobSettings(name="mine"))
    told = f"^analyst does not have Manage permissions on Job with ID: ElasticJobId\\({job_id}\\). Please contact"
    with pytest.raises(PermissionDenied, match=told):
        analyst.permissions.update("jobs", str(job_id), access_control_list=[may_run])


def _lacks(levels: str, job_id: int) -> str:
    """How the service says it, as the bundles' own tests hold it."""
    return f"^User analyst does not have {levels} permissions on job {job_id}"


def test_a_job_runs_as_whom_an_administrator_says(jobs_server: JobsServer, script: str) -> None:
    admin = jobs_server.client("admin")
    task, run_as = make_task(script, "t"), JobRunAs(user_name="analyst")
    made = admin.jobs.create(name="as", tasks=[task], environments=[environment()], run_as=run_as)
    assert made.job_id is not None
    ended = wait_for_run(admin, admin.jobs.run_now(made.job_id).run_id)
    assert (ended.result, admin.jobs.get(made.job_id).run_as_user_name) == ("SUCCESS", "analyst")
    with pytest.raises(PermissionDenied, match="not allowed to run jobs as 'admin'"):
        jobs_server.client("pipeline").jobs.create(
            name="as", tasks=[task], environments=[environment()], run_as=JobRunAs(user_name="admin")
        )
    admin.jobs.delete(made.job_id)


def test_more_than_a_hundred_tasks_come_in_pages(client: WorkspaceClient, script: str) -> None:
    """The SDK puts the pages together; each has 100 tasks at most, as in version 2.2 of the API."""
    keys = ["t0", *(f"t{number}" for number in range(1, 203))]
    tasks = [make_task(script, keys[0]), *(make_task(script, key, "t0") for key in keys[1:])]
    job_id = client.jobs.create(name="large", tasks=tasks, environments=[environment()]).job_id or 0
    assert [task.task_key for task in settings_of(client, job_id).tasks or []] == keys
    first = client.api_client.do("GET", "/api/2.2/jobs/get", query={"job_id": job_id})
    assert isinstance(first, dict) and len(first["settings"]["tasks"]) == 100 and first["next_page_token"]
    listed = [one for one in client.jobs.list(expand_tasks=True) if one.job_id == job_id]
    assert listed[0].settings and len(listed[0].settings.tasks or []) == len(keys)
    run_id = client.jobs.run_now(job_id).run_id
    assert [task.task_key for task in client.jobs.get_run(run_id).tasks or []] == keys
    client.jobs.cancel_run_and_wait(run_id)
    client.jobs.delete(job_id)


def test_a_job_has_a_thousand_tasks_at_most(client: WorkspaceClient, script: str) -> None:
    with pytest.raises(DatabricksError, match="at most 1000 tasks, got 1001"):
        client.jobs.create(name="x", tasks=[make_task(script, f"t{n}") for n in range(1001)])
