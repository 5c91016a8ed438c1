"""`dbutils` in a run: widgets and notebook; files are in dbutils_fs.py, secrets in dbutils_secrets.py.

What the local workspace lacks raises with a clear message; nothing is silently empty.
"""

from __future__ import annotations

import json
import posixpath
import time
from typing import Any

from local_workspace.serverless_runtime.assignment import Assignment
from local_workspace.serverless_runtime.dbutils_fs import FileSystemUtils
from local_workspace.serverless_runtime.dbutils_secrets import SecretUtils
from local_workspace.serverless_runtime.gateway_client import GatewayClient


class Widgets:
    """`dbutils.widgets`: parameters of the notebook, given ones over defaults."""

    def __init__(self, given: dict[str, str]) -> None:
        self._given = {name: str(value) for name, value in given.items()}
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:
        """Declare a text widget."""
        self._defaults[name] = str(defaultValue)

    def dropdown(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        """Declare a widget with choices; the default must be one of them."""
        if defaultValue not in list(choices):
            raise ValueError(f"Default value '{defaultValue}' of widget '{name}' is not one of its choices")
        self._defaults[name] = str(defaultValue)

    multiselect = dropdown

    def combobox(self, name: str, defaultValue: str, choices: list[str], label: str | None = None) -> None:
        """Declare a widget with suggestions."""
        self._defaults[name] = str(defaultValue)

    def get(self, name: str) -> str:
        """Return the value."""
        if name in self._given:
            return self._given[name]
        if name in self._defaults:
            return self._defaults[name]
        raise ValueError(f"No input widget named {name} is defined")

    getArgument = get

    def getAll(self) -> dict[str, str]:
        """Return all values by name."""
        return {**self._defaults, **self._given}

    def remove(self, name: str) -> None:
        """Remove a widget."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:
        """Remove all widgets."""
        self._defaults.clear()


class NotebookUtils:
    """`dbutils.notebook`: exit with a value, run another notebook as a run of its own."""

    def __init__(self, assignment: Assignment, client: GatewayClient) -> None:
        self._assignment = assignment
        self._client = client
        self._path = assignment.path

    def enter(self, path: str) -> None:
        """Note which notebook's cells are running: relative paths start there."""
        self._path = path

    def exit(self, value: Any = "") -> None:
        """End the notebook; the value is the run's notebook result."""
        from local_workspace.serverless_runtime.notebook_runner import NotebookExit

        raise NotebookExit(str(value))

    def run(self, path: str, timeout_seconds: int = 0, arguments: dict[str, Any] | None = None) -> str:
        """Run another notebook and return its exit value."""
        target = posixpath.normpath(posixpath.join(posixpath.dirname(self._path), path))
        widgets = {name: str(value) for name, value in (arguments or {}).items()}
        task = {"task_key": "notebook", "notebook_task": {"notebook_path": target, "base_parameters": widgets}}
        body = {"run_name": target, "tasks": [task], "timeout_seconds": timeout_seconds}
        run_id = self._client.call("POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"]
        return self._collect(target, run_id)

    def _collect(self, path: str, run_id: int) -> str:
        pause_s = 0.02
        while True:
            run = self._client.call("GET", "/api/2.2/jobs/runs/get", {"run_id": run_id})
            if run["status"]["state"] == "TERMINATED":
                break
            time.sleep(pause_s)
            pause_s = min(1.0, pause_s * 1.5)
        task_run_id = run["tasks"][0]["run_id"]
        output = self._client.call("GET", "/api/2.2/jobs/runs/get-output", {"run_id": task_run_id})
        if run["state"]["result_state"] != "SUCCESS":
            reason = output.get("error") or run["state"]["state_message"]
            raise RuntimeError(f"Notebook {path} failed in run {run_id} ({run['run_page_url']}): {reason}")
        return str(output.get("notebook_output", {}).get("result", ""))


class JobUtils:
    """`dbutils.jobs.taskValues` is not served."""

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(f"dbutils.jobs.{name} is not served by the local workspace.")


class DBUtils:
    """The predefined `dbutils`."""

    def __init__(self, assignment: Assignment, client: GatewayClient) -> None:
        self.fs = FileSystemUtils(assignment, client)
        self.widgets = Widgets(assignment.widgets)
        self.notebook = NotebookUtils(assignment, client)
        self.secrets = SecretUtils(client)
        self.jobs = JobUtils()

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(f"dbutils.{name} is not served by the local workspace.")

    def __repr__(self) -> str:
        return json.dumps({"dbutils": ["fs", "widgets", "notebook", "secrets"]})
