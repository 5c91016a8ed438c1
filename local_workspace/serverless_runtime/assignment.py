"""The messages between gateway and worker: what to run, and what came of it, as JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Assignment:
    """One task: everything a worker knows about its run. Paths are workspace, /Volumes or s3:// paths.

    Of a JAR task, `entry_point` is the main class, `jars` are files in `work_dir`, `java` starts its JVM.
    """

    run_id: int
    task_run_id: int
    job_id: int
    task_key: str
    host: str
    token: str
    principal: str
    spark_url: str
    aws_endpoint: str
    region: str
    session_id: str
    work_dir: str
    kind: Literal["script", "wheel", "notebook", "jar"]
    path: str = ""
    package: str = ""
    entry_point: str = ""
    parameters: list[str] = field(default_factory=list)
    widgets: dict[str, str] = field(default_factory=dict)
    overlay: str = ""
    jars: list[str] = field(default_factory=list)
    java: list[str] = field(default_factory=list)

    def encode(self) -> bytes:
        """Return the JSON line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Assignment:
        """Parse the JSON line."""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class TaskReport:
    """How the task's code ended. `failure` tells the code's own error from a missing or forbidden source."""

    ok: bool
    error: str = ""
    error_trace: str = ""
    failure: Literal["", "workload", "resource_not_found", "unauthorized"] = ""
    exit_value: str | None = None
    cells: list[dict[str, Any]] = field(default_factory=list)

    def encode(self) -> bytes:
        """Return the JSON line."""
        return json.dumps({"report": asdict(self)}).encode() + b"\n"
