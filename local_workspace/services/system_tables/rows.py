"""Rows of the system tables, made of runs that have ended. Pure.

What a run uses is this workspace's own rule: one DBU for each hour that a task is set up and executed.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from local_workspace.gateway.workspace import DATABRICKS_ACCOUNT, WORKSPACE_ID
from local_workspace.services.jobs import records, states
from local_workspace.services.jobs.states import Outcome, TaskState

Row = dict[str, Any]
HOUR_MS = 3_600_000
DBU_PER_TASK_HOUR = 1
SKU = "LOCAL_JOBS_SERVERLESS_COMPUTE"
_PLACE = {"account_id": DATABRICKS_ACCOUNT, "workspace_id": str(WORKSPACE_ID)}
_TRIGGERS = {"ONE_TIME": "ONETIME", "PERIODIC": "CRON"}
_RESULTS = {
    "SUCCESS": "SUCCEEDED",
    "SUCCESS_WITH_FAILURES": "SUCCEEDED",
    "FAILED": "FAILED",
    "TIMEDOUT": "TIMED_OUT",
    "CANCELED": "CANCELLED",
    "UPSTREAM_CANCELED": "CANCELLED",
}  # all others did not run: SKIPPED
_RECORDS = uuid.UUID("0d26daa6-5e44-4c97-a497-ef015f91254a")


def job_run_rows(runs: Iterable[records.Run]) -> Iterator[Row]:
    """Yield the rows of system.lakeflow.job_run_timeline."""
    for run in runs:
        outcome = records.outcome_of(run["outcome"])
        assert outcome is not None  # only ended runs come here
        parts = Counter[str]()
        for task in run["tasks"]:
            parts.update(states.measure(records.state_of(task)))
        last = {
            **_describe_end(outcome),
            **{f"{name}_seconds": parts[name] // 1000 for name in parts},
            "run_duration_seconds": (run["ended_at"] - run["created_at"]) // 1000,
        }
        shared = {
            **_PLACE,
            "job_id": str(run["job_id"]),
            "run_id": str(run["run_id"]),
            "trigger_type": _TRIGGERS[run.get("trigger") or "ONE_TIME"],
            "run_type": run["run_type"],
            "run_name": run["run_name"],
            "compute_ids": [],
            "job_parameters": list((run.get("job_parameters") or {}).items()),
        }
        yield from _slice(run["created_at"], run["ended_at"], shared, last)


def task_run_rows(runs: Iterable[records.Run]) -> Iterator[Row]:
    """Yield the rows of system.lakeflow.job_task_run_timeline."""
    for run in runs:
        for task in run["tasks"]:
            state = records.state_of(task)
            assert state.outcome is not None
            parts = states.measure(state)
            names = ("setup_duration", "cleanup_duration", "execution_duration")
            last = {**_describe_end(state.outcome), **{f"{name}_seconds": parts[name] // 1000 for name in names}}
            shared = {
                **_PLACE,
                "job_id": str(run["job_id"]),
                "run_id": str(task["run_id"]),
                "job_run_id": str(run["run_id"]),
                "parent_run_id": str(run["run_id"]),
                "task_key": task["task_key"],
                "compute_ids": [],
            }
            yield from _slice(_begin(state) or state.ended_at, state.ended_at, shared, last)


def usage_rows(runs: Iterable[records.Run]) -> Iterator[Row]:
    """Yield the rows of system.billing.usage: one for each run and hour of the clock in which it used something."""
    for run in runs:
        used = Counter[int]()
        for task in run["tasks"]:
            used.update(_use_by_hour(records.state_of(task)))
        for hour, milliseconds in sorted(used.items()):
            yield _usage_row(run, hour, milliseconds)


def _usage_row(run: records.Run, hour: int, milliseconds: int) -> Row:
    start, end = _moment(hour * HOUR_MS), _moment((hour + 1) * HOUR_MS)
    is_job = run["run_type"] == "JOB_RUN"
    return {
        **_PLACE,
        "record_id": str(uuid.uuid5(_RECORDS, f"{run['run_id']}/{hour}")),
        "sku_name": SKU,
        "cloud": "AWS",
        "usage_start_time": start,
        "usage_end_time": end,
        "usage_date": start.date(),
        "custom_tags": [],  # of serverless usage they are the budget policy's, and there are none here
        "usage_unit": "DBU",
        "usage_quantity": round(Decimal(milliseconds * DBU_PER_TASK_HOUR) / HOUR_MS, 18),
        "usage_metadata": {
            "job_id": str(run["job_id"]),
            "job_run_id": str(run["run_id"]),
            "job_name": run["run_name"] if is_job else None,
            "run_name": None if is_job else run["run_name"],
        },
        "identity_metadata": {"run_as": run["run_as"]},
        "record_type": "ORIGINAL",
        "ingestion_date": _moment(run["ended_at"]).date(),
        "billing_origin_product": "JOBS",
        "product_features": {"is_serverless": True, "is_photon": False},
        "usage_type": "COMPUTE_TIME",
    }


def _use_by_hour(state: TaskState) -> Mapping[int, int]:
    """Return how many milliseconds a task used in each hour since the epoch."""
    begin, end = _begin(state), state.ended_at
    if not begin:
        return {}
    hours = range(begin // HOUR_MS, end // HOUR_MS + 1)
    used = {hour: min(end, (hour + 1) * HOUR_MS) - max(begin, hour * HOUR_MS) for hour in hours}
    return {hour: milliseconds for hour, milliseconds in used.items() if milliseconds > 0}


def _begin(state: TaskState) -> int:
    return state.setup_at or state.running_at


def _slice(begin: int, end: int, shared: Row, last: Row) -> Iterator[Row]:
    """Yield a row for each hour of a run since its start; how it ended stands in the last."""
    starts = range(begin, max(end, begin + 1), HOUR_MS)
    for start in starts:
        is_last = start == starts[-1]
        period = {"period_start_time": _moment(start), "period_end_time": _moment(min(end, start + HOUR_MS))}
        yield {**shared, **period, **(last if is_last else {})}


def _describe_end(outcome: Outcome) -> Row:
    result = "ERROR" if outcome.code == "INTERNAL_ERROR" else _RESULTS.get(outcome.result, "SKIPPED")
    return {"result_state": result, "termination_code": outcome.code, "termination_type": outcome.type}


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
