"""Child processes of the gateway: started in their own group with a log file, stopped by pid, never orphaned.

What runs inside them is not known here. `tether.py` makes the kernel end a child when its parent dies.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

TETHER = Path(__file__).with_name("tether.py")


class ChildProcess:
    """A started child: its `pid` is also its process group."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log_path: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.log_path = log_path
        self._popen = popen

    @property
    def stdin(self) -> IO[bytes] | None:
        """The pipe to the child, when it was started with one."""
        return self._popen.stdin

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._popen.poll()

    def is_alive(self) -> bool:
        """Say whether the process still runs."""
        return self.exit_code is None

    def stop(self, grace_s: float = 10.0) -> int:
        """End the child with SIGTERM, after `grace_s` with SIGKILL; then whatever it left in its group."""
        if self.is_alive():
            self._popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(grace_s)
        self.kill()
        return self._popen.wait()

    def kill(self) -> None:
        """End the child and its whole group at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of the log, for an error message."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def start_process(
    name: str,
    command: Sequence[str],
    log_path: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    death_signal: int = signal.SIGTERM,
    kept_open: Sequence[int] = (),
) -> ChildProcess:
    """Start a child that gets `death_signal` when this process dies; `environment` adds to the inherited.

    `kept_open` are descriptors that the child has as well, a lock's for example.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    settings = [f"{key}={value}" for key, value in (environment or {}).items()]
    tethered = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(death_signal))]

    def spawn() -> subprocess.Popen[bytes]:
        with log_path.open("ab") as log:
            return subprocess.Popen(
                [*tethered, *settings, *command],
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                start_new_session=True,
                pass_fds=kept_open,
            )

    return ChildProcess(name, _spawner.call(spawn), log_path)


def free_port() -> int:
    """Return a loopback port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Spawner:
    """One thread that lives as long as the process: the death signal is tied to the starting THREAD."""

    def __init__(self) -> None:
        self._calls: queue.Queue[tuple[Callable[[], Any], queue.Queue[Any]]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        os.register_at_fork(after_in_child=self.__init__)  # type: ignore[misc]

    def call(self, function: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="spawner", daemon=True)
                self._thread.start()
        answer: queue.Queue[Any] = queue.Queue(1)
        self._calls.put((function, answer))
        result = answer.get()
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    def _serve(self) -> None:
        while True:
            function, answer = self._calls.get()
            try:
                answer.put(function())
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                answer.put(error)


_spawner = _Spawner()
