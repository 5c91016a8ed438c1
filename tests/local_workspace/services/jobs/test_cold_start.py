"""A simulated cold start: waited for once in a run, by its first task; ended by a cancel; set by admins only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, PermissionDenied
from databricks.sdk.service.jobs import TaskDependency

from tests.local_workspace.services.jobs.harness import JobsServer, script_task, submit, wait_for_run, wait_for_task

PATH = "/local/serverless"


def set_cold_start(jobs_server: JobsServer, seconds: Any) -> None:
    jobs_server.client("admin").api_client.do("PUT", PATH, body={"cold_start_seconds": seconds})


@pytest.fixture
def cold(jobs_server: JobsServer) -> Iterator[JobsServer]:
    yield jobs_server
    set_cold_start(jobs_server, 0)


def test_the_first_task_waits_and_the_next_does_not(cold: JobsServer, client: WorkspaceClient) -> None:
    set_cold_start(cold, 1.5)
    script = cold.add_script("nothing.py", "")
    tasks = script_task(script, key="a"), script_task(script, key="b", depends_on=[TaskDependency("a")])
    ended = wait_for_run(client, submit(client, *tasks))
    assert ended.result == "SUCCESS"
    assert (ended.tasks["a"].setup_duration or 0) >= 1500 > (ended.tasks["b"].setup_duration or 0)


def test_a_cancel_does_not_wait_for_it(cold: JobsServer, client: WorkspaceClient) -> None:
    set_cold_start(cold, 600)
    run_id = submit(client, script_task(cold.add_script("nothing.py", "")))
    wait_for_task(client, run_id, "PENDING")
    client.jobs.cancel_run(run_id)
    assert wait_for_run(client, run_id).result == "CANCELED"


@pytest.mark.parametrize("seconds", [-1, 601, "soon", None])
def test_wrong_times_are_refused(cold: JobsServer, seconds: Any) -> None:
    with pytest.raises(BadRequest, match="cold_start_seconds must be a"):
        set_cold_start(cold, seconds)


def test_only_admins_may(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    with pytest.raises(PermissionDenied, match="is not an admin"):
        client.api_client.do("PUT", PATH, body={"cold_start_seconds": 1})
