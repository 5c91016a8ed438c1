"""Pages over a stored workspace, without engines: runs and securables are written as the services keep them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from local_workspace.gateway import principals
from local_workspace.gateway.app import create_app, load_routes
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.jobs import records
from local_workspace.services.jobs.execution import log_path
from local_workspace.services.jobs.states import FAILED, SUCCESS, Phase, TaskState

HOST = "http://127.0.0.1:1"
Store = Callable[..., dict[str, Any]]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace("t", tmp_path, HOST)
    for name in ("root", "ann", "eve"):
        principals.put_principal(made.store, name, "user", name.title())
    principals.put_group(made.store, "admins", ["root"])
    return made


@pytest.fixture
def open_client(workspace: Workspace) -> Callable[[str], TestClient]:
    """Return a browser that is logged in as somebody; nobody when the name is empty."""
    app = create_app(workspace, load_routes(("jobs", "unity_catalog", "pages", "scim")))

    def open_as(name: str) -> TestClient:
        client = TestClient(app, base_url=HOST)
        if name:
            token = workspace.mint_token(name, None, "test")
            assert client.post("/login", data={"token": token}).status_code == 200
        return client

    return open_as


@pytest.fixture
def store_run(workspace: Workspace) -> Store:
    """Store a run of one task that has ended."""

    def store(name: str = "load", output: str = "", error: str = "", **settings: Any) -> dict[str, Any]:
        run = {
            "job_id": 0,
            "run_name": name,
            "run_type": "SUBMIT_RUN",
            "creator": "ann",
            "run_as": "ann",
            "created_at": 1000,
            "timeout_seconds": 0,
            "environments": {},
            "number_in_job": 0,
            "queue": True,
        }
        task = {"task_key": "main", "spark_python_task": {"python_file": "/x.py"}, **settings}
        made, _ = records.create_run(workspace.store, run, [task], None)
        outcome = FAILED.saying(error) if error else SUCCESS
        ended = TaskState(Phase.TERMINATED, created_at=1000, ended_at=4500, outcome=outcome)
        made["tasks"][0]["state"] = ended.as_dict()
        made |= {"outcome": asdict(outcome), "ended_at": 4500}
        records.save_run(workspace.store, made)
        task_run_id = made["tasks"][0]["run_id"]
        records.put_output(workspace.store, task_run_id, {"error": error} if error else {})
        log = log_path(workspace.home, task_run_id)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output)
        return made

    return store
