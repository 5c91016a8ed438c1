"""Dynamic value references in a task's parameters: `{{job.run_id}}`, `{{job.parameters.day}}`, ...

Unknown references stay as they are, as the service leaves them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

REFERENCE = re.compile(r"\{\{\s*([\w.\-]+)\s*\}\}")


def resolve_references(settings: dict[str, Any], run: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """Return the task settings with the references in their strings replaced."""
    values = reference_values(run, task)
    resolved: dict[str, Any] = _resolve(settings, values)
    return resolved


def reference_values(run: dict[str, Any], task: dict[str, Any]) -> dict[str, str]:
    """Return all known references of a task run."""
    start = datetime.fromtimestamp(run["created_at"] / 1000, UTC)
    values = {
        "job.id": run["job_id"],
        "job_id": run["job_id"],
        "job.name": run["run_name"],
        "job.run_id": run["run_id"],
        "run_id": task["run_id"],
        "task.run_id": task["run_id"],
        "task.name": task["task_key"],
        "job.start_time.iso_date": start.date().isoformat(),
        "job.start_time.iso_datetime": start.strftime("%Y-%m-%dT%H:%M:%S"),
        "job.start_time.timestamp_ms": run["created_at"],
    }
    values |= {f"job.parameters.{name}": value for name, value in (run.get("job_parameters") or {}).items()}
    return {name: str(value) for name, value in values.items()}


def _resolve(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_resolve(item, values) for item in value]
    if isinstance(value, dict):
        return {name: _resolve(item, values) for name, item in value.items()}
    return value
