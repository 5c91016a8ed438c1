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
    """Return all known references of a task run; the value of a job parameter may hold references itself."""
    trigger = run.get("trigger") or "ONE_TIME"
    # when a schedule fired, to the minute: https://docs.databricks.com/aws/en/jobs/dynamic-value-references
    triggered_at = run["created_at"] // 60_000 * 60_000 if trigger == "PERIODIC" else run["created_at"]
    values = {
        "job.id": run["job_id"],
        "job_id": run["job_id"],
        "job.name": run["run_name"],
        "job.run_id": run["run_id"],
        "job.trigger.type": trigger.lower(),
        "run_id": task["run_id"],
        "task.run_id": task["run_id"],
        "task.name": task["task_key"],
        **_time_values("job.start_time", run["created_at"]),
        **_time_values("job.trigger.time", triggered_at),
    }
    known = {name: str(value) for name, value in values.items()}
    given = run.get("job_parameters") or {}
    return known | {f"job.parameters.{name}": _resolve(str(value), known) for name, value in given.items()}


def _time_values(name: str, epoch_ms: int) -> dict[str, Any]:
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return {
        f"{name}.iso_date": moment.date().isoformat(),
        f"{name}.iso_datetime": moment.strftime("%Y-%m-%dT%H:%M:%S"),
        f"{name}.timestamp_ms": epoch_ms,
    }


def _resolve(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [_resolve(item, values) for item in value]
    if isinstance(value, dict):
        return {name: _resolve(item, values) for name, item in value.items()}
    return value
