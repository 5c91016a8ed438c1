"""One task being executed: environment, worker, outcome; and how it is stopped.

Which task runs when is the runner's business (runner.py); this knows one task and its process.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_workspace.engines.environments import DependencyError, fetch_jars, prepare_overlay
from local_workspace.engines.serverless_pool import ServerlessPool, Worker, WorkerExit
from local_workspace.serverless_runtime.assignment import Assignment
from local_workspace.serverless_runtime.gateway_client import GatewayClient
from local_workspace.serverless_runtime.sources import read_source
from local_workspace.services.jobs import states
from local_workspace.services.jobs.cold_start import cold_start_of
from local_workspace.services.jobs.references import resolve_references
from local_workspace.services.jobs.settings import jars_of, task_type
from local_workspace.services.jobs.states import Outcome
from local_workspace.services.jobs.table_use import RUN_TOKEN

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

GRACE_S = 3.0
TOKEN_LIFETIME_S = 7 * 24 * 3600
FAILURES = {
    "workload": states.FAILED,
    "resource_not_found": states.SOURCE_MISSING,
    "unauthorized": states.SOURCE_FORBIDDEN,
}


class Execution:
    """Runs one task to its end in the calling thread; `stop` may come from any other."""

    def __init__(self, workspace: Workspace, run: dict[str, Any], task: dict[str, Any]) -> None:
        self._workspace = workspace
        self._run = run
        self._task = task
        self._session_id = str(uuid.uuid4())
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._stop: Outcome | None = None
        self._ended = threading.Event()
        self._stopped = threading.Event()

    def execute(self, on_running: Callable[[], None]) -> tuple[Outcome, dict[str, Any]]:
        """Return the outcome and the output; `on_running` is called when the code is about to start."""
        token = self._workspace.mint_token(self._run["run_as"], TOKEN_LIFETIME_S, f"{RUN_TOKEN}{self._task['run_id']}")
        work_dir = run_dir(self._workspace.home, self._task["run_id"]) / "work"
        work_dir.mkdir(parents=True, exist_ok=True)
        try:
            prepared = self._prepare(token, work_dir)
            cold_start_of(self._workspace).wait(self._run["run_id"], self._stopped)
            return self._judge(self._run_worker(self._assign(token, work_dir, prepared), on_running))
        except DependencyError as error:
            return states.LIBRARY_ERROR.saying(str(error)), {"error": str(error)}
        finally:
            self._ended.set()
            self._workspace.revoke_token(token)
            shutil.rmtree(work_dir, ignore_errors=True)

    def stop(self, outcome: Outcome) -> None:
        """End the task: interrupt its Spark work, SIGTERM, after a grace SIGKILL. The first reason counts."""
        with self._lock:
            if self._stop is not None:
                return
            self._stop = outcome
            worker = self._worker
        self._stopped.set()
        if worker is not None:
            threading.Thread(target=self._end_worker, args=(worker,), name="stop-task", daemon=True).start()

    def _prepare(self, token: str, work_dir: Path) -> dict[str, Any]:
        """Return what of the assignment comes of the environment: an overlay, or JARs and a JVM for them."""
        client = GatewayClient(self._workspace.host, token)
        endpoint, region = self._workspace.aws_endpoint, self._workspace.region
        spec = self._run["environments"].get(self._task["settings"].get("environment_key")) or {}

        def read(path: str) -> bytes:
            return read_source(client, path, endpoint, region)

        if task_type(self._task["settings"]) == "spark_jar_task":
            jars = fetch_jars(work_dir / ".jars", jars_of(spec), read)
            return {"jars": [str(jar) for jar in jars], "java": self._java()}
        overlay = prepare_overlay(self._workspace.home, spec.get("dependencies") or [], read)
        return {"overlay": str(overlay or "")}

    def _java(self) -> list[str]:
        from local_workspace.engines.spark_client import client_command

        spark = self._workspace.engines.spark
        if spark is None:
            raise RuntimeError("this workspace was started without a Spark engine, which a JAR task needs")
        return client_command(spark.toolchain)

    def _run_worker(self, assignment: Assignment, on_running: Callable[[], None]) -> WorkerExit:
        worker = self._pool().fork_worker(log_path(self._workspace.home, self._task["run_id"]))
        with self._lock:
            self._worker = worker
            is_stopped = self._stop is not None
        if is_stopped:
            worker.kill()
        else:
            on_running()
            worker.assign(assignment.encode())
        return worker.wait()

    def _pool(self) -> ServerlessPool:
        pool = self._workspace.engines.pool
        if pool is None:
            raise RuntimeError("this workspace was started without a serverless pool")
        return pool

    def _end_worker(self, worker: Worker) -> None:
        if self._workspace.spark_url:
            from local_workspace.engines.spark_session import interrupt

            with contextlib.suppress(Exception):  # the process is ended next, whatever Spark says
                interrupt(self._workspace.spark_url, self._run["run_as"], self._session_id)
        worker.terminate()
        if not self._ended.wait(GRACE_S):
            worker.kill()

    def _judge(self, ended: WorkerExit) -> tuple[Outcome, dict[str, Any]]:
        report = ended.report
        if report is not None and report["ok"]:
            return states.SUCCESS, report
        if self._stop is not None:
            return self._stop, {"error": self._stop.message}
        if report is None:
            error = f"The Python process exited unexpectedly {word_exit(ended.exit_code)}."
            return states.FAILED, {"error": error}
        outcome = FAILURES[report["failure"]]
        return (outcome if report["failure"] == "workload" else outcome.saying(report["error"])), report

    def _assign(self, token: str, work_dir: Path, prepared: dict[str, Any]) -> Assignment:
        settings = resolve_references(self._task["settings"], self._run, self._task)
        return Assignment(
            run_id=self._run["run_id"],
            task_run_id=self._task["run_id"],
            job_id=self._run["job_id"],
            task_key=self._task["task_key"],
            host=self._workspace.host,
            token=token,
            principal=self._run["run_as"],
            spark_url=self._workspace.spark_url,
            aws_endpoint=self._workspace.aws_endpoint,
            region=self._workspace.region,
            session_id=self._session_id,
            work_dir=str(work_dir),
            **prepared,
            **task_fields(settings, self._run),
        )


def task_fields(settings: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """Return what of the assignment depends on the task's type; parameters of the run go before the task's."""
    kind = task_type(settings)
    body = settings[kind]
    given = run.get("overriding") or {}
    job_parameters = run.get("job_parameters") or {}
    if kind == "notebook_task":
        widgets = {
            **job_parameters,
            **(body.get("base_parameters") or {}),
            **(given.get("notebook_params") or {}),
        }
        return {"kind": "notebook", "path": body["notebook_path"], "widgets": widgets}
    if kind == "spark_jar_task":
        arguments = given.get("jar_params") or body.get("parameters") or []
        return {
            "kind": "jar",
            "entry_point": body["main_class_name"],
            "parameters": [str(item) for item in arguments],
        }
    positional = given.get("python_params") or body.get("parameters") or []
    if kind == "spark_python_task":
        return {
            "kind": "script",
            "path": body["python_file"],
            "parameters": [str(item) for item in positional],
        }
    named = {**(body.get("named_parameters") or {}), **(given.get("python_named_params") or {})}
    if not body.get("parameters"):
        named = {**job_parameters, **named}
    parameters = [
        *(str(item) for item in positional),
        *(f"--{name}={value}" for name, value in named.items()),
    ]
    return {
        "kind": "wheel",
        "package": body["package_name"],
        "entry_point": body["entry_point"],
        "parameters": parameters,
    }


def run_dir(home: Path, task_run_id: int) -> Path:
    """Return where a task run keeps its files."""
    return home / "runs" / str(task_run_id)


def log_path(home: Path, task_run_id: int) -> Path:
    """Return the file that takes the task's stdout and stderr."""
    return run_dir(home, task_run_id) / "output.log"


def word_exit(code: int | None) -> str:
    """Return how a process ended, for a message."""
    if code is None:
        return "(with the pool)"
    if code >= 0:
        return f"with exit code {code}"
    return f"on {signal.Signals(-code).name}" + (" (possibly out of memory)" if code == -signal.SIGKILL else "")
