"""How long serverless compute takes to start: here nothing, unless a comparison or a test says otherwise.

As on the real service it is waited for once in a run, whatever the number of its tasks.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.request_log import require_admin

if TYPE_CHECKING:
    from local_workspace.gateway.calls import Call
    from local_workspace.gateway.workspace import Workspace

LONGEST_S = 600


class ColdStart:
    """The time it takes, and when the compute of each run is there."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._ready_at: dict[int, float] = {}

    def wait(self, run_id: int, stopped: threading.Event) -> None:
        """Return when the run's compute is there, or the task was stopped."""
        if not self.seconds:
            return
        with self._lock:
            ready_at = self._ready_at.setdefault(run_id, time.monotonic() + self.seconds)
        stopped.wait(max(0.0, ready_at - time.monotonic()))


def cold_start_of(workspace: Workspace) -> ColdStart:
    """Return the workspace's one."""
    found: ColdStart = workspace.__dict__.setdefault("_cold_start", ColdStart())
    return found


def get_serverless(call: Call) -> dict[str, Any]:
    """Answer GET /local/serverless."""
    require_admin(call)
    return {"cold_start_seconds": cold_start_of(call.workspace).seconds}


def set_serverless(call: Call) -> dict[str, Any]:
    """Answer PUT /local/serverless: `cold_start_seconds`."""
    require_admin(call)
    seconds = call.body.get("cold_start_seconds")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_S:
        raise bad_request(f"cold_start_seconds must be a number from 0 to {LONGEST_S}, got {seconds!r}")
    cold_start_of(call.workspace).seconds = float(seconds)
    return get_serverless(call)
