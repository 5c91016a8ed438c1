"""Jobs keep what this workspace does not run, and the run is what is refused; a job has exactly one owner."""

from __future__ import annotations

from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotImplemented

from tests.local_workspace.services.jobs.harness import JobsServer

NOTEBOOK: dict[str, Any] = {"task_key": "main", "notebook_task": {"notebook_path": "/Shared/n"}}
KEPT: list[dict[str, Any]] = [
    {"tasks": [{**NOTEBOOK, "new_cluster": {"spark_version": "15.4.x-scala2.12", "num_workers": 1}}]},
    {"tasks": [{**NOTEBOOK, "existing_cluster_id": "1-2-a"}]},
    {"tasks": [{**NOTEBOOK, "job_cluster_key": "c"}], "job_clusters": [{"job_cluster_key": "c", "new_cluster": {}}]},
    {"tasks": [NOTEBOOK], "git_source": {"git_url": "https://git.example/a/b", "git_provider": "gitHub"}},
    {"tasks": [NOTEBOOK], "trigger": {"file_arrival": {"url": "s3://b/k/"}}},
    {"tasks": [NOTEBOOK], "continuous": {"pause_status": "PAUSED"}},
    {"tasks": [{**NOTEBOOK, "max_retries": 2}]},
    {"tasks": [{"task_key": "main", "sql_task": {"warehouse_id": "w", "query": {"query_id": "q"}}}]},
    {"tasks": [{"task_key": "main", "pipeline_task": {"pipeline_id": "p"}}]},
    {"tasks": [{"task_key": "main", "dbt_task": {"commands": ["dbt run"]}}]},
]  # fmt: skip


def call(client: WorkspaceClient, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = client.api_client.do(method, path, body=body or None)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("settings", KEPT, ids=lambda one: ",".join([*one, *one["tasks"][0]]))
def test_what_is_not_run_here_is_kept_and_its_run_is_refused_by_name(
    client: WorkspaceClient, settings: dict[str, Any]
) -> None:
    job_id = call(client, "POST", "/api/2.2/jobs/create", name="kept", **settings)["job_id"]
    call(client, "POST", "/api/2.2/jobs/reset", job_id=job_id, new_settings={"name": "kept", **settings})
    shown = call(client, "GET", f"/api/2.2/jobs/get?job_id={job_id}")["settings"]
    assert {name: shown[name] for name in settings} == settings
    names = {*settings, *settings["tasks"][0]} - {"tasks", "task_key", "notebook_task"}
    with pytest.raises((BadRequest, NotImplemented)) as refused:
        call(client, "POST", "/api/2.2/jobs/run-now", job_id=job_id)
    assert any(name in str(refused.value) for name in names)
    assert call(client, "GET", f"/api/2.2/jobs/runs/list?job_id={job_id}")["runs"] == []


def test_a_thousand_tasks_come_in_pages_of_a_hundred(client: WorkspaceClient) -> None:
    tasks = [{**NOTEBOOK, "task_key": f"t{number}"} for number in range(1000)]
    job_id = call(client, "POST", "/api/2.2/jobs/create", name="many", tasks=tasks)["job_id"]
    seen, token, pages = [], "", 0
    while pages == 0 or token:
        page = call(client, "GET", f"/api/2.2/jobs/get?job_id={job_id}&page_token={token}")
        seen += [task["task_key"] for task in page["settings"]["tasks"]]
        token, pages = page.get("next_page_token", ""), pages + 1
    assert (seen, pages) == ([task["task_key"] for task in tasks], 10)
    with pytest.raises(InvalidParameterValue, match="at most 1000"):
        call(client, "POST", "/api/2.2/jobs/create", tasks=[*tasks, {**NOTEBOOK, "task_key": "more"}])


def test_run_as_survives_a_reset(jobs_server: JobsServer) -> None:
    admin = jobs_server.client("admin")
    run_as = {"user_name": "analyst"}
    job_id = call(admin, "POST", "/api/2.2/jobs/create", name="as", run_as=run_as)["job_id"]
    call(admin, "POST", "/api/2.2/jobs/reset", job_id=job_id, new_settings={"name": "as"})
    shown = call(admin, "GET", f"/api/2.2/jobs/get?job_id={job_id}")
    assert (shown["settings"]["run_as"], shown["run_as_user_name"]) == (run_as, "analyst")


@pytest.mark.parametrize(
    ("method", "entries"),
    [
        ("PATCH", [{"user_name": "pipeline", "permission_level": "CAN_VIEW"}]),
        ("PUT", [{"user_name": "analyst", "permission_level": "CAN_VIEW"}]),
        ("PUT", []),
        ("PUT", [{"user_name": one, "permission_level": "IS_OWNER"} for one in ("pipeline", "analyst")]),
        ("PATCH", [{"user_name": one, "permission_level": "IS_OWNER"} for one in ("analyst", "admin")]),
        ("PUT", [{"group_name": "admins", "permission_level": "IS_OWNER"}]),
        ("PATCH", [{"group_name": "admins", "permission_level": "IS_OWNER"}]),
    ],
)
def test_a_job_keeps_exactly_one_owner_who_is_no_group(
    client: WorkspaceClient, method: str, entries: list[dict[str, str]]
) -> None:
    path = f"/api/2.0/permissions/jobs/{call(client, 'POST', '/api/2.2/jobs/create', name='owned')['job_id']}"
    before = call(client, "GET", path)
    with pytest.raises(InvalidParameterValue, match=r"exactly one owner|Groups can not be owners"):
        call(client, method, path, access_control_list=entries)
    assert call(client, "GET", path) == before


def test_the_last_level_of_a_repeated_principal_wins(client: WorkspaceClient) -> None:
    path = f"/api/2.0/permissions/jobs/{call(client, 'POST', '/api/2.2/jobs/create', name='twice')['job_id']}"
    levels = [{"user_name": "analyst", "permission_level": level} for level in ("CAN_MANAGE", "CAN_VIEW")]
    shown = call(client, "PATCH", path, access_control_list=levels)["access_control_list"]
    held = [entry["all_permissions"] for entry in shown if entry.get("user_name") == "analyst"]
    assert [[one["permission_level"] for one in levels] for levels in held] == [["CAN_VIEW"]]
