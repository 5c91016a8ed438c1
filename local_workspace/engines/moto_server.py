"""AWS for a local workspace: starts, watches and stops the moto child process on a loopback port.

What moto serves and how its state is kept is in moto_child.py and moto_state.py, which run in that process.
"""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from local_workspace.engines.processes import ChildProcess, free_port, start_process

# Settings that moto reads from its environment at import: policies bind from the first request on.
MOTO_SETTINGS = {
    "INITIAL_NO_AUTH_ACTION_COUNT": "0",
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class EngineFailed(Exception):
    """An engine did not come up; the message carries the end of its log."""


class MotoServer:
    """The moto child: its state is under `home`/buckets, its log under `home`/logs."""

    name = "moto"

    def __init__(self, home: Path, account: str, root_key_id: str, root_secret: str, port: int | None = None):
        self.port = port or free_port()
        self._home = home
        self._identity = ("--account", account, "--access-key-id", root_key_id)
        self._secret = root_secret
        self._child: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The AWS endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The child's process id, None before the first start."""
        return self._child.pid if self._child else None

    @property
    def state_path(self) -> Path:
        """The snapshot file; replaced whole whenever one is taken."""
        return self._home / "buckets" / "state.pickle"

    def start(self) -> None:
        """Start the child; it restores what was saved. The port stays, so that clients survive a restart."""
        where = ("--directory", str(self._home / "buckets"), "--port", str(self.port))
        command = [sys.executable, "-m", "local_workspace.engines.moto_child", *where, *self._identity]
        log = self._home / "logs" / "moto.log"
        self._child = start_process("moto", command, log, MOTO_SETTINGS, stdin=subprocess.PIPE)
        assert self._child.stdin is not None
        with self._child.stdin as pipe:
            pipe.write(f"{self._secret}\n".encode())

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Return when it answers.

        Raises:
            EngineFailed: it ended, or did not answer in time.
        """
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if self._child is None or not self._child.is_alive() or time.monotonic() > deadline:
                tail = self._child.log_tail() if self._child else "it was never started"
                raise EngineFailed(f"moto did not come up on {self.url}. The end of its log:\n{tail}")
            time.sleep(0.05)

    def is_alive(self) -> bool:
        """Say whether the process runs."""
        return self._child is not None and self._child.is_alive()

    def stop(self, grace_s: float = 30.0) -> None:
        """Let the child save its state and end."""
        if self._child is not None:
            self._child.stop(grace_s)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/", timeout=5):
                return True
        except urllib.error.HTTPError:  # nobody signed the request, so it is refused: that is an answer
            return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
