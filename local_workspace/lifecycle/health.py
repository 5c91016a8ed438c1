"""How a workspace is: the document behind `GET /local/health`, and the progress file read while it comes up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_workspace.gateway.app import needs_no_token
from local_workspace.gateway.calls import Call, Route
from local_workspace.lifecycle.files import write_atomically
from local_workspace.lifecycle.memory import measure_memory_mb
from local_workspace.lifecycle.supervisor import EngineRecord


@dataclass(frozen=True)
class EngineStatus:
    """One engine (or the gateway) as `status` shows it; `since` is when its state began, in epoch seconds."""

    name: str
    state: str
    pid: int | None
    port: int | None
    since: float
    restarts: int = 0
    last_failure: str | None = None
    memory_mb: int | None = None
    start_seconds: float = 0.0


@dataclass(frozen=True)
class WorkspaceStatus:
    """A workspace: `state` is down, starting, up, degraded or stopping."""

    name: str
    state: str
    directory: str
    engines: list[EngineStatus] = field(default_factory=list)
    failure: str | None = None


def describe_engine(record: EngineRecord, with_memory: bool) -> EngineStatus:
    """Return what is known of the engine."""
    pid = record.engine.pid if record.engine is not None else None
    return EngineStatus(
        name=record.name,
        state=record.state,
        pid=pid,
        port=getattr(record.engine, "port", None),
        since=record.since,
        restarts=record.restarts,
        last_failure=record.last_failure,
        memory_mb=measure_memory_mb(pid) if with_memory and pid else None,
        start_seconds=record.start_seconds,
    )


def health_routes(describe: Callable[[], dict[str, Any]]) -> list[Route]:
    """Return the route that tells how the workspace is; it needs no token and reveals no data."""

    @needs_no_token
    def show(_call: Call) -> dict[str, Any]:
        return describe()

    return [("GET", "/local/health", show)]


def write_progress(directory: Path, document: dict[str, Any]) -> None:
    """Tell a waiting `up` how far the start is."""
    write_atomically(directory / "progress.json", json.dumps({**document, "written_at": time.time()}))


def read_progress(directory: Path) -> dict[str, Any]:
    """Return the last progress; empty when there is none."""
    try:
        return dict(json.loads((directory / "progress.json").read_text()))
    except FileNotFoundError:
        return {}


def parse_status(document: dict[str, Any]) -> WorkspaceStatus:
    """Read the health document or the progress file."""
    engines = [EngineStatus(**engine) for engine in document.get("engines", [])]
    return WorkspaceStatus(document["name"], document["state"], document["directory"], engines, document.get("failure"))
