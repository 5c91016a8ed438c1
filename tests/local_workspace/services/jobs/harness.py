"""A gateway over HTTP with the real Jobs service and pool; files and notebooks come from a small stand-in.

The stand-in keeps what it holds in dictionaries and refuses the outsider, so that allow and deny both show.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.service import jobs
from databricks.sdk.service.compute import Environment
from starlette.responses import Response

from local_workspace.gateway.app import takes_bytes
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import not_found, permission_denied
from local_workspace.gateway.workspace import Workspace

VOLUME = "/Volumes/main/default/code"
POOL_SIZE = 4


@dataclass
class StandIn:
    """Files by /Volumes path and notebooks by workspace path."""

    files: dict[str, bytes] = field(default_factory=dict)
    notebooks: dict[str, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=lambda: {VOLUME})

    def routes(self) -> list[Route]:
        return [
            ("GET", "/api/2.0/fs/files{path:path}", self.read_file),
            ("HEAD", "/api/2.0/fs/files{path:path}", self.read_file),
            ("PUT", "/api/2.0/fs/files{path:path}", self.write_file),
            ("DELETE", "/api/2.0/fs/files{path:path}", self.delete_file),
            ("GET", "/api/2.0/fs/directories{path:path}", self.list_directory),
            ("HEAD", "/api/2.0/fs/directories{path:path}", self.list_directory),
            ("PUT", "/api/2.0/fs/directories{path:path}", self.make_directory),
            ("DELETE", "/api/2.0/fs/directories{path:path}", self.delete_directory),
            ("GET", "/api/2.0/workspace/export", self.export),
            ("POST", "/api/2.1/unity-catalog/temporary-volume-credentials", self.lend),
        ]

    def _admit(self, call: Call, path: str) -> None:
        if call.caller.name.startswith("outsider"):
            volume = ".".join(path.split("/")[2:5])
            raise permission_denied(f"User '{call.caller.name}' does not have READ VOLUME on Volume '{volume}'.")

    def lend(self, call: Call) -> dict[str, Any]:
        self._admit(call, f"/Volumes/{call.body['volume_full_name'].replace('.', '/')}/")
        return {}

    def read_file(self, call: Call) -> Response:
        path = call.params["path"]
        self._admit(call, path)
        if path not in self.files:
            raise not_found(f"The file {path} does not exist.", "NOT_FOUND")
        content, status = self.files[path], 200
        if "range" in call.headers:
            first, _, last = call.headers["range"].removeprefix("bytes=").partition("-")
            content, status = content[int(first) : int(last) + 1 if last else None], 206
        return Response(content, status, media_type="application/octet-stream")

    @takes_bytes
    def write_file(self, call: Call) -> Response:
        self._admit(call, call.params["path"])
        assert call.content is not None
        self.files[call.params["path"]] = call.content.read()
        self.directories.update(str(parent) for parent in PurePosixPath(call.params["path"]).parents)
        return Response(status_code=204)

    def make_directory(self, call: Call) -> Response:
        self.directories.add(call.params["path"].rstrip("/"))
        return Response(status_code=204)

    def delete_directory(self, call: Call) -> Response:
        self.directories.discard(call.params["path"].rstrip("/"))
        return Response(status_code=204)

    def delete_file(self, call: Call) -> Response:
        if self.files.pop(call.params["path"], None) is None:
            raise not_found("The file does not exist.", "NOT_FOUND")
        return Response(status_code=204)

    def list_directory(self, call: Call) -> dict[str, Any]:
        path = call.params["path"].rstrip("/")
        self._admit(call, path)
        below = [name.removeprefix(path + "/") for name in self.files if name.startswith(path + "/")]
        if not below and path not in self.directories:
            raise not_found(f"The directory {path} does not exist.", "NOT_FOUND")
        names = sorted({name.partition("/")[0] for name in below})
        is_directory = {name: any(item.startswith(name + "/") for item in below) for name in names}
        contents = [{"path": f"{path}/{n}", "name": n, "is_directory": is_directory[n]} for n in names]
        return {"contents": contents}

    def export(self, call: Call) -> dict[str, Any]:
        if call.query["path"] not in self.notebooks:
            raise not_found(f"Path ({call.query['path']}) doesn't exist.")
        return {"content": base64.b64encode(self.notebooks[call.query["path"]]).decode()}


@dataclass
class JobsServer:
    """A running gateway; `client(name)` speaks as that principal."""

    workspace: Workspace
    store: StandIn

    def client(self, name: str = "pipeline") -> WorkspaceClient:
        token = self.workspace.mint_token(name, None, "test")
        return WorkspaceClient(config=Config(host=self.workspace.host, token=token, retry_timeout_seconds=5))

    def add_script(self, name: str, source: str) -> str:
        path = f"{VOLUME}/{name}"
        self.store.files[path] = source.encode()
        return path

    def add_notebook(self, path: str, source: str) -> str:
        self.store.notebooks[path] = ("# Databricks notebook source\n" + source).encode()
        return path


@dataclass
class Ended:
    """A finished run with its tasks by key."""

    client: WorkspaceClient
    run: jobs.Run

    @property
    def tasks(self) -> dict[str, jobs.RunTask]:
        return {task.task_key: task for task in self.run.tasks or []}

    @property
    def result(self) -> str:
        assert self.run.state and self.run.state.result_state
        return self.run.state.result_state.value

    def results(self) -> dict[str, str]:
        return {key: result_of(task) for key, task in self.tasks.items()}

    def output(self, key: str = "main") -> jobs.RunOutput:
        run_id = self.tasks[key].run_id
        assert run_id is not None
        return self.client.jobs.get_run_output(run_id)


def result_of(task: jobs.RunTask) -> str:
    assert task.state and task.state.result_state
    return task.state.result_state.value


def wait_for_run(client: WorkspaceClient, run_id: int, timeout_s: float = 60) -> Ended:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        run = client.jobs.get_run(run_id)
        assert run.status and run.status.state
        if run.status.state is jobs.RunLifecycleStateV2State.TERMINATED:
            return Ended(client, run)
        time.sleep(0.02)
    raise AssertionError(f"run {run_id} did not end: {run.as_dict()}")


def wait_for_task(client: WorkspaceClient, run_id: int, phase: str, key: str = "main") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        run = client.jobs.get_run(run_id)
        states = {task.task_key: task.state.life_cycle_state.value for task in run.tasks or []}  # type: ignore[union-attr]
        if states[key] == phase:
            return
        time.sleep(0.02)
    raise AssertionError(f"task {key} did not become {phase}: {states}")


def environment(*dependencies: str, key: str = "default") -> jobs.JobEnvironment:
    spec = Environment(environment_version="4", dependencies=list(dependencies) or None)
    return jobs.JobEnvironment(environment_key=key, spec=spec)


def script_task(path: str, *parameters: str, key: str = "main", **options: Any) -> jobs.SubmitTask:
    task = jobs.SparkPythonTask(python_file=path, parameters=list(parameters))
    return jobs.SubmitTask(task_key=key, spark_python_task=task, environment_key="default", **options)


def submit(client: WorkspaceClient, *tasks: jobs.SubmitTask, dependencies: tuple[str, ...] = (), **options: Any) -> int:
    waiter = client.jobs.submit(tasks=list(tasks), environments=[environment(*dependencies)], **options)
    run_id: int = waiter.run_id
    return run_id
