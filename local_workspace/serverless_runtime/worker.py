"""One task in a forked worker: take the assignment, prepare the process, run the code, report, end.

The process serves exactly one task; nothing survives it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

from local_workspace.serverless_runtime import overlays
from local_workspace.serverless_runtime.assignment import Assignment, TaskReport
from local_workspace.serverless_runtime.failures import RunCancelled, report_failure
from local_workspace.serverless_runtime.gateway_client import GatewayClient


def serve_task(channel_fd: int) -> NoReturn:
    """Run the one task that arrives on the channel and end the process."""
    channel = socket.socket(fileno=channel_fd)
    channel.sendall(b'{"pid": %d}\n' % os.getpid())
    line = _read_line(channel)
    if not line:
        os._exit(0)  # the gateway has gone, or needs no more workers
    assignment = Assignment.decode(line)
    if assignment.overlay and overlays.replaces_loaded_modules(assignment.overlay):
        _restart_clean(channel_fd, assignment)
    _run_and_report(channel, assignment)


def _run_and_report(channel: socket.socket, assignment: Assignment) -> NoReturn:
    report = run_assignment(assignment)
    with contextlib.suppress(OSError):
        channel.sendall(report.encode())
    os._exit(0)


def _restart_clean(channel_fd: int, assignment: Assignment) -> NoReturn:
    """The environment brings other versions of preloaded libraries: only a fresh interpreter can hold them."""
    handover = Path(assignment.work_dir) / ".assignment"
    handover.write_bytes(assignment.encode())
    os.set_inheritable(channel_fd, True)
    module = "local_workspace.serverless_runtime.worker"
    arguments = [sys.executable, "-m", module, str(channel_fd), str(handover)]
    os.execve(sys.executable, arguments, {**os.environ, "PYTHONPATH": assignment.overlay})


def _resume_clean(channel_fd: int, handover: str) -> NoReturn:
    os.set_inheritable(channel_fd, False)
    os.environ.pop("PYTHONPATH", None)
    assignment = Assignment.decode(Path(handover).read_bytes())
    Path(handover).unlink()
    _run_and_report(socket.socket(fileno=channel_fd), assignment)


def run_assignment(assignment: Assignment) -> TaskReport:
    """Prepare the process as the run's principal sees it, run the task and say how it ended."""
    _raise_on_sigterm()
    client = GatewayClient(assignment.host, assignment.token)
    _set_environment(assignment)
    if assignment.overlay:
        overlays.activate(assignment.overlay)
    from local_workspace.serverless_runtime import tasks, volumes

    volumes.interpose(client)
    try:
        report = tasks.run_task(assignment, client)
    except RunCancelled:
        report = TaskReport(ok=False, error="RunCancelled: the run was cancelled", failure="workload")
    return _settle(report)


def _settle(report: TaskReport) -> TaskReport:
    """Wait for what the code left behind: threads, open files, buffered output; then the report holds."""
    try:
        _join_threads()
        _run_exit_functions()
        main = sys.modules.get("__main__")
        if main is not None:
            main.__dict__.clear()
        gc.collect()
        from local_workspace.serverless_runtime import session, volumes

        volumes.close_open_writers()
        session.close_session()
    except (Exception, RunCancelled) as error:  # noqa: BLE001 - whatever user code left behind may raise
        report = report if not report.ok else report_failure(error)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return report


def _join_threads() -> None:
    """Wait as an ending interpreter does: pools of concurrent.futures finish their work and end, then the others."""
    for function in reversed(getattr(threading, "_threading_atexits", [])):
        function()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def _run_exit_functions() -> None:
    import atexit

    atexit._run_exitfuncs()


def _set_environment(assignment: Assignment) -> None:
    os.environ.update(
        DATABRICKS_HOST=assignment.host,
        DATABRICKS_TOKEN=assignment.token,
        IS_SERVERLESS="TRUE",
        HOME=assignment.work_dir,
        PWD=assignment.work_dir,
    )
    os.chdir(assignment.work_dir)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = open(  # noqa: SIM115 - it lives as long as the process
            number, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if "numpy" in sys.modules:  # all forks would share one stream of random numbers
        sys.modules["numpy"].random.seed()


def _raise_on_sigterm() -> None:
    def unwind(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise RunCancelled

    signal.signal(signal.SIGTERM, unwind)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _read_line(channel: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = channel.recv(65536)
        if not chunk:
            return b""
        line += chunk
    return bytes(line)


if __name__ == "__main__":
    from local_workspace.serverless_runtime import worker as this_module

    this_module._resume_clean(int(sys.argv[1]), sys.argv[2])
