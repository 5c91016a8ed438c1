"""The pool of serverless workers: a fork server (serverless_runtime/zygote.py) and the workers it forks.

A worker is a process of its own group serving one task; how many at once is the runner's limit (`size`).
Nothing here knows what a job is. The fork server dies with the gateway, the workers with the fork server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_workspace.engines.processes import ChildProcess, start_process

DEFAULT_SIZE = 8
START_TIMEOUT_S = 120
EXIT_NOTICE_TIMEOUT_S = 5


class PoolError(Exception):
    """The fork server cannot be started."""


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended: its report, or None when it died without one; exit code, negative for a signal."""

    report: dict[str, Any] | None
    exit_code: int | None


class Worker:
    """One forked process serving one task."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._incoming = channel.makefile("rb")
        self._exited = threading.Event()
        self._exit_code: int | None = None
        self.pid = int(json.loads(self._incoming.readline() or b'{"pid": 0}')["pid"])

    def assign(self, assignment: bytes) -> None:
        """Hand over the task; a worker that is gone already shows in `wait`."""
        with contextlib.suppress(BrokenPipeError):
            self._channel.sendall(assignment)

    def wait(self) -> WorkerExit:
        """Block until the task has reported or the process died; whatever is left of its group is ended."""
        line = b""
        with contextlib.suppress(OSError):
            line = self._incoming.readline()
        self.kill()
        self._channel.close()
        if line.endswith(b"\n"):
            return WorkerExit(json.loads(line)["report"], 0)
        self._exited.wait(EXIT_NOTICE_TIMEOUT_S)
        return WorkerExit(None, self._exit_code)

    def terminate(self) -> None:
        """Ask the code to stop (SIGTERM to the group)."""
        self._signal_group(signal.SIGTERM)

    def kill(self) -> None:
        """End the group at once."""
        self._signal_group(signal.SIGKILL)

    def note_exit(self, exit_code: int) -> None:
        """The process has ended: nothing more comes, even if its children still hold the channel."""
        self._exit_code = exit_code
        self._exited.set()
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RD)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class ServerlessPool:
    """Starts workers. `size` is how many may run at once; the fork server is restarted when it has died."""

    def __init__(self, home: Path, size: int = DEFAULT_SIZE) -> None:
        self.home = home
        self.size = size
        self.log_path = home / "logs" / "pool.log"
        self._lock = threading.Lock()
        self._server: ChildProcess | None = None
        self._control: socket.socket | None = None
        self._workers: dict[int, Worker] = {}
        self._workers_lock = threading.Lock()
        self.restarts = -1

    @property
    def pid(self) -> int | None:
        """The fork server's process id."""
        return self._server.pid if self._server else None

    def start(self) -> ServerlessPool:
        """Start the fork server and wait until its libraries are loaded.

        Raises:
            PoolError: it did not come up; the message holds the end of its log.
        """
        with self._lock:
            self._ensure_server()
        return self

    def is_alive(self) -> bool:
        """Say whether the fork server runs."""
        return self._server is not None and self._server.is_alive()

    def stop(self) -> None:
        """End the fork server and with it all workers."""
        with self._lock:
            if self._control is not None:
                self._control.close()
                self._control = None
            if self._server is not None:
                self._server.stop(grace_s=2)
                self._server = None

    def fork_worker(self, log_path: Path) -> Worker:
        """Return a fresh worker whose stdout and stderr go to `log_path`."""
        ours, theirs = socket.socketpair()
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with theirs, log_path.open("ab") as log, self._lock:
            control = self._ensure_server()
            try:
                socket.send_fds(control, [b"w"], [theirs.fileno(), log.fileno()])
            except OSError:  # it died since the last look
                self._discard_server()
                control = self._ensure_server()
                socket.send_fds(control, [b"w"], [theirs.fileno(), log.fileno()])
        worker = Worker(ours)
        if not worker.pid:
            raise PoolError(f"The serverless fork server died while forking a worker. See {self.log_path}.")
        with self._workers_lock:
            self._workers[worker.pid] = worker
        return worker

    def _ensure_server(self) -> socket.socket:
        if self._server is not None and self._server.is_alive() and self._control is not None:
            return self._control
        self._discard_server()
        ours, theirs = socket.socketpair()
        module = "local_workspace.serverless_runtime.zygote"
        with theirs:
            self._server = start_process(
                "serverless",
                [sys.executable, "-m", module],
                self.log_path,
                cwd=self.home,
                stdin=theirs.fileno(),
                death_signal=signal.SIGKILL,
            )
        self._control = ours
        self._await_ready(ours)
        self.restarts += 1
        return ours

    def _await_ready(self, control: socket.socket) -> None:
        control.settimeout(START_TIMEOUT_S)
        notices = control.makefile("rb")
        try:
            ready = notices.readline()
        except TimeoutError:
            ready = b""
        if not ready:
            tail = self._server.log_tail() if self._server else ""
            self._discard_server()
            raise PoolError(f"The serverless fork server did not start. End of {self.log_path}:\n{tail}")
        control.settimeout(None)
        threading.Thread(target=self._read_exits, args=(notices,), name="serverless-exits", daemon=True).start()

    def _discard_server(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.kill()
        self._control = self._server = None

    def _read_exits(self, notices: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in notices:
                notice = json.loads(line)
                with self._workers_lock:
                    worker = self._workers.pop(notice["pid"], None)
                if worker is not None:
                    worker.note_exit(notice["status"])
