"""A local workspace seen from outside: bring it up or down, ask how it is, start over, read its logs.

Everything here may be called twice, or by two processes at once. What happens inside is gateway_process.py's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_workspace.lifecycle.files import Endpoints, close_to_others, read_endpoints, workspace_home
from local_workspace.lifecycle.health import EngineStatus, WorkspaceStatus, parse_status, read_progress
from local_workspace.lifecycle.locks import hold_lock, lock_holder
from local_workspace.lifecycle.memory import measure_memory_mb
from local_workspace.lifecycle.serve import ENGINES

Progress = Callable[[WorkspaceStatus], None]
START_TIMEOUT_S = 600.0  # the first start on a machine fetches the jars
STOP_TIMEOUT_S = 60.0


class WorkspaceFailed(Exception):
    """A local workspace did not come up or go down; the message says why and where to look."""


class WorkspaceIsUp(Exception):
    """The workspace must be down for this."""


def up(
    name: str,
    home: Path,
    cache_home: Path,
    engines: Sequence[str] = ENGINES,
    on_progress: Progress = lambda _status: None,
    region: str | None = None,
    warm_up: bool = False,
) -> Endpoints:
    """Bring the workspace up, or find it up, and return where it listens. `home` is the state home.

    `region` is the AWS region that it is in, the same each time; None is eu-central-1. `warm_up` lets Spark run some
    statements of its own once it is up, so that the first of somebody's are quick; nothing waits for it.

    Raises:
        WorkspaceFailed: with the reason and the log's place.
    """
    directory = workspace_home(home, name)
    close_to_others(home, directory)
    with hold_lock(directory / "up.lock"):
        found = None
        if lock_holder(directory / "gateway.lock") is not None:
            found = _await_endpoints(name, directory, on_progress)
        if found is None:  # nothing runs here, or what ran has ended meanwhile
            _spawn_gateway(name, directory, cache_home, engines, region, warm_up)
            found = _await_endpoints(name, directory, on_progress)
        if found is None:
            failure = parse_status(_progress(name, directory)).failure
            raise WorkspaceFailed(f"Workspace '{name}' did not come up: {failure}. {_see_log(directory)}")
        return found


def down(name: str, home: Path) -> bool:
    """Stop the workspace and save its state; say whether it was up.

    Raises:
        WorkspaceFailed: it did not end in time and was killed; the last seconds of AWS state may be lost.
    """
    directory = workspace_home(home, name)
    pid = lock_holder(directory / "gateway.lock")
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _await_end(directory, pid, STOP_TIMEOUT_S):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise WorkspaceFailed(
            f"Workspace '{name}' did not stop in {STOP_TIMEOUT_S:.0f} s and was killed. {_see_log(directory)}"
        )
    return True


def status(name: str, home: Path) -> WorkspaceStatus:
    """Return how the workspace is, its engines' memory included."""
    directory = workspace_home(home, name)
    pid = lock_holder(directory / "gateway.lock")
    if pid is None:
        return WorkspaceStatus(name, "down", str(directory))
    endpoints = read_endpoints(directory)
    found = _ask(endpoints) if endpoints else None
    found = found or parse_status(_progress(name, directory))
    port = int(endpoints.host.rpartition(":")[2]) if endpoints else None
    since = (directory / "gateway.lock").stat().st_mtime
    gateway = EngineStatus("gateway", found.state, pid, port, since, memory_mb=measure_memory_mb(pid))
    return replace(found, engines=[gateway, *found.engines])


def is_answering(name: str, home: Path) -> bool:
    """Say whether the workspace's gateway answers now; a process that hangs holds its lock and does not."""
    endpoints = read_endpoints(workspace_home(home, name))
    return endpoints is not None and _ask(endpoints) is not None


def reset(name: str, home: Path) -> None:
    """Remove the workspace's state, all of it; there is no way back.

    Raises:
        WorkspaceIsUp: it must be down.
    """
    directory = workspace_home(home, name)
    if not directory.exists():
        return
    with hold_lock(directory / "up.lock"):
        if lock_holder(directory / "gateway.lock") is not None:
            raise WorkspaceIsUp(f"Workspace '{name}' is up; stop it first with `lakehouse local down`")
        shutil.rmtree(directory)


def list_workspaces(home: Path) -> list[str]:
    """Return the names of the workspaces that have state under the home."""
    return sorted(path.parent.name for path in (home / "local").glob("*/gateway.lock"))


def _spawn_gateway(
    name: str, directory: Path, cache_home: Path, engines: Sequence[str], region: str | None, warm_up: bool
) -> None:
    for stale in ("endpoints.json", "progress.json"):
        (directory / stale).unlink(missing_ok=True)
    log_path = directory / "logs" / "gateway.log"
    log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_path.touch(mode=0o600)
    where = ["--directory", str(directory.absolute()), "--cache-home", str(cache_home.absolute()), "--name", name]
    what = ["--engines", ",".join(engines), *(["--region", region] if region else [])]
    what += ["--warm-up"] if warm_up else []
    command = [sys.executable, "-m", "local_workspace.lifecycle.serve", *where, *what]
    with log_path.open("ab") as log:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=directory,
            umask=0o077,
        )
    deadline = time.monotonic() + 30
    while lock_holder(directory / "gateway.lock") is None:
        if time.monotonic() > deadline:
            raise WorkspaceFailed(f"The gateway of workspace '{name}' did not start. {_see_log(directory)}")
        time.sleep(0.02)


def _await_endpoints(name: str, directory: Path, on_progress: Progress) -> Endpoints | None:
    """Wait until the gateway answers; None when its process has ended before that."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        holder = lock_holder(directory / "gateway.lock")
        endpoints = read_endpoints(directory)
        on_progress(parse_status(_progress(name, directory)))
        if endpoints is not None and _ask(endpoints) is not None:
            return endpoints
        if holder is None:
            return None
        time.sleep(0.05)
    raise WorkspaceFailed(f"Workspace '{name}' is not up after {START_TIMEOUT_S:.0f} s. {_see_log(directory)}")


def _await_end(directory: Path, pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while lock_holder(directory / "gateway.lock") is not None or _is_process(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _is_process(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # when this process started the gateway, it must also reap it
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _progress(name: str, directory: Path) -> dict[str, Any]:
    unknown: dict[str, Any] = {
        "name": name,
        "state": "starting",
        "directory": str(directory),
        "engines": [],
        "failure": None,
    }
    return read_progress(directory) or unknown


def _ask(endpoints: Endpoints) -> WorkspaceStatus | None:
    try:
        with urllib.request.urlopen(f"{endpoints.host}/local/health", timeout=10) as answer:
            return parse_status(json.load(answer))
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def _see_log(directory: Path) -> str:
    path = directory / "logs" / "gateway.log"
    tail = path.read_text(errors="replace").splitlines()[-8:] if path.exists() else []
    return "\n".join([f"See {path}; it ends with:", *tail])
