"""Memory of an engine: its process and all that it started, as the kernel counts it (shared pages divided)."""

from __future__ import annotations

import contextlib
from pathlib import Path

_SESSION_FIELD = 3  # of /proc/PID/stat, counted after the command's closing parenthesis


def measure_memory_mb(session: int) -> int:
    """Return the megabytes of all processes of the session (an engine starts one with its own pid); Linux only."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _session_of(path) == session]
    return sum(_proportional_kb(pid) for pid in pids) // 1024


def _session_of(process: Path) -> int | None:
    with contextlib.suppress(OSError):
        return int((process / "stat").read_text().rpartition(")")[2].split()[_SESSION_FIELD])
    return None


def _proportional_kb(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
