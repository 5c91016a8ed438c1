"""Starts Dagster runs as forks of a process that has loaded their code location already.

The stock launcher starts a Python for every run, which imports Dagster and the code location anew: 3.5 s before the
first step instead of 0.4. What is loaded is loaded again as soon as a source file changes: runs are of what is on disk.
Runs outlive the daemon; one whose process is gone is found by run monitoring. docs/explanation/executor.md
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.launcher.base import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.origin import RepositoryPythonOrigin
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import serialize_value

WORKER_TAG = ".dagster/lakehouse_worker"  # hidden in the UI
_MOST_LOADS = 4  # of a code location whose sources are saved while it loads
_CAN_FORK = sys.platform == "linux"  # elsewhere system libraries do not survive it


class LaunchFailed(Exception):
    """There is nothing to fork a run from: the code location does not load, or changes whenever it has been loaded."""


class Worker(NamedTuple):
    """The process of a run. `started`: clock ticks after boot, so that a process id that is used again is no match."""

    host: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Worker:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), _read_start(os.getpid()) or 0)

    @classmethod
    def of(cls, run: dg.DagsterRun) -> Worker | None:
        """Return the process that a run has, or had; None of a run that was started otherwise."""
        tag = run.tags.get(WORKER_TAG)
        return cls(*json.loads(tag)) if tag else None

    @property
    def is_here(self) -> bool:
        """Whether it is one of this machine's processes."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return _read_start(self.pid) == self.started


class WarmRunLauncher(DefaultRunLauncher):
    """Forks runs on Linux; elsewhere it is the stock launcher."""

    def __init__(self, inst_data: Any = None) -> None:
        super().__init__(inst_data)
        self._lock = threading.Lock()
        self._nurseries: dict[str, _Nursery] = {}

    def launch_run(self, context: LaunchRunContext) -> None:
        """Fork the run's process.

        Raises:
            LaunchFailed: the code location does not load, or changes whenever it has been loaded.
        """
        if not _CAN_FORK:
            super().launch_run(context)
            return
        run, origin = context.dagster_run, context.job_code_origin
        assert origin is not None, f"run {run.run_id} is of no code location"
        arguments = ExecuteRunArgs(job_origin=origin, run_id=run.run_id, instance_ref=self._instance.get_ref())
        with self._lock:  # a nursery answers one request after the other
            pid = self._fork(origin.repository_origin, serialize_value(arguments))
        self._instance.report_engine_event(f"Forked process {pid} for the run", run, cls=type(self))
        self._run_ids.add(run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run's process, which cancels its remote runs; say whether it was there."""
        run = self._instance.get_run_by_id(run_id)
        worker = None if run is None or run.is_finished else Worker.of(run)
        if run is None or worker is None:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        if not worker.is_here:
            self._instance.report_engine_event(f"The run's process is on {worker.host}", run, cls=type(self))
            return False
        if not worker.is_alive:
            return False
        os.kill(worker.pid, signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """So that monitoring ends runs whose process was killed."""
        return _CAN_FORK

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's process is there; of those on other machines nothing is known, nor of others' runs."""
        worker = Worker.of(run)
        if worker is None or not worker.is_here or worker.is_alive:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {worker.pid} is gone")

    def dispose(self) -> None:
        """Let go of the processes that runs are forked from; runs go on."""
        with self._lock:
            while self._nurseries:
                self._nurseries.popitem()[1].close()
        super().dispose()

    def _fork(self, origin: RepositoryPythonOrigin, arguments: str) -> int:
        """Fork from what is loaded, or, where that is gone or of old sources, from what is loaded now."""
        location, where = serialize_value(origin), origin.code_pointer.describe()
        nursery = self._nurseries.pop(location, None)
        for _ in range(_MOST_LOADS):
            is_new = nursery is None
            nursery = nursery or _Nursery(origin.executable_path, location)
            pid = nursery.fork(arguments)
            if pid is not None:
                self._nurseries[location] = nursery
                return pid
            has_failed = nursery.close() != 0
            if is_new and has_failed:
                raise LaunchFailed(f"{where} does not load; the output of Dagster's daemon says why")
            nursery = None
        raise LaunchFailed(
            f"{where} changes whenever it has been loaded. Launch the run again when its files are saved"
        )


class _Nursery:
    """The process `lakehouse.run_nursery`, from which runs of one code location are forked."""

    def __init__(self, python: str, location: str) -> None:
        command = [python, "-m", "lakehouse.run_nursery", location]
        # in a session of its own: Ctrl-C ends the daemon, not the runs
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def fork(self, arguments: str) -> int | None:
        """Return the id of the run's process, None when the process is gone or has old code loaded."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(f"{arguments}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self._process.stdout.readline()
        return int(answer) if answer.strip().isdigit() else None

    def close(self) -> int:
        """Let it end, and return its exit code; what was forked from it goes on."""
        self._process.communicate()  # closes its standard input, with which it ends
        return self._process.returncode


def _read_start(pid: int) -> int | None:
    """Return when a process started, None if it is gone. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, *fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(fields[18])
