"""Fork server of the serverless pool: imports the heavy libraries once, then forks one worker per task.

A fork costs milliseconds where a fresh interpreter costs seconds. This process runs no user code and stays
free of sessions and connections. Its stdin is a socket to the gateway: requests with file descriptors come in
(one byte each: worker channel, log file), exit notices go out as JSON lines. It ends when the socket closes.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys

PRELOADED = (
    "pandas",
    "pyarrow",
    "pyspark.sql.connect.session",
    "pyspark.sql.connect.functions",
    "pyspark.sql.functions",
    "pyspark.sql.types",
    "local_workspace.engines.spark_session",
    "local_workspace.serverless_runtime.worker",
)
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR")
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until the gateway closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    _scrub_environment()
    _preload()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    control.sendall(b'{"ready": true}\n')
    watched: list[socket.socket | int] = [control, wake_read]
    while True:
        ready, _, _ = select.select(watched, [], [])
        if wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
            _report_exits(control)
        if control in ready and not _serve_request(control, wake_read, wake_write):
            return


def _scrub_environment() -> None:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    os.environ.clear()
    os.environ.update(kept)
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # pyspark.sql.functions then dispatches to Connect


def _preload() -> None:
    for name in PRELOADED:
        with contextlib.suppress(ImportError):  # only a head start: code that needs it fails by itself
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # keeps the shared pages shared after a fork


def _serve_request(control: socket.socket, *own_fds: int) -> bool:
    message, fds, _, _ = socket.recv_fds(control, 1, 2)
    if not message:
        return False
    channel_fd, log_fd = fds
    os.set_inheritable(channel_fd, False)
    if os.fork() == 0:
        _become_worker(control, own_fds, channel_fd, log_fd)
    os.close(channel_fd)
    os.close(log_fd)
    return True


def _become_worker(control: socket.socket, own_fds: tuple[int, ...], channel_fd: int, log_fd: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was set
        os._exit(1)
    os.setsid()
    control.close()
    for fd in own_fds:
        os.close(fd)
    devnull = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((devnull, 0), (log_fd, 1), (log_fd, 2)):
        os.dup2(source, target)
    for fd in (devnull, log_fd):
        os.close(fd)
    from local_workspace.serverless_runtime.worker import serve_task

    serve_task(channel_fd)


def _report_exits(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        notice = {"pid": pid, "status": os.waitstatus_to_exitcode(status)}
        control.sendall(json.dumps(notice).encode() + b"\n")


if __name__ == "__main__":
    main()
