"""Runs of the persistent jobs that Databricks started: which of them Dagster has not asked for yet.

Each becomes one Dagster run of the job `collect`, at once; its steps follow the run's tasks and report what they
reported (lakehouse/serverless/collection.py). What has been asked for is known by the tag of the Dagster runs; the
cursor only says how far back to look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from data_assets.arrival.selection import RANGE_TAGS
from data_assets.assets import DAYS
from data_assets.persistent_jobs import TablesJob
from data_assets.remote_steps import task_key
from data_assets.steps._job import parse_days
from data_assets.steps._plan import InvalidPlan
from data_assets.tables import Step
from lakehouse.names import table_key
from lakehouse.serverless.collection import JOB_RUN_TAG

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import BaseRun

OVERLAP_MS = 15 * 60 * 1000  # a run may be listed later than it was started, or than another that started after it
_START_REFERENCE = "{{job.start_time.iso_date}}"
# A worker that was lost is replaced by a run "from failure"; a run whose task failed has nothing to try again.
_RETRY_TAGS = {"dagster/max_retries": "3", "dagster/retry_on_asset_or_op_failure": "false"}

WasAsked = Callable[[int], bool]


class UnreadableCursor(Exception):
    """The cursor is not one that this sensor wrote."""


class UnknownDays(Exception):
    """A run loads days that are no partitions; the message names run and parameters."""


@dataclass(frozen=True)
class Found:
    """What a look at the workspace found: requests, what cannot be asked for and why, and the cursor after it."""

    requests: tuple[dg.RunRequest, ...]
    refused: tuple[str, ...]
    cursor: str


def look(
    workspace: WorkspaceClient, jobs: Iterable[tuple[TablesJob, int]], cursor: str | None, was_asked: WasAsked
) -> Found:
    """Look for runs of the jobs, given with their ids in the workspace, that were not asked for."""
    since = parse_cursor(cursor)
    requests, refused, newest = [], [], since
    for job, job_id in jobs:
        runs = workspace.jobs.list_runs(
            job_id=job_id, expand_tasks=True, start_time_from=max(0, since - OVERLAP_MS) or None
        )
        for run in sorted(runs, key=lambda one: one.start_time or 0):
            newest = max(newest, run.start_time or 0)
            if was_asked(run.run_id or 0):
                continue
            try:
                requests.append(make_request(job, run))
            except (UnknownDays, InvalidPlan) as error:
                refused.append(f"Databricks run {run.run_id} of {job.name} is not collected: {error}")
    return Found(tuple(requests), tuple(refused), format_cursor(newest))


def make_request(job: TablesJob, run: BaseRun) -> dg.RunRequest:
    """Return what Dagster is asked for: the tables of the run's tasks, over the run's days.

    Raises:
        UnknownDays, InvalidPlan: its days are none, or no partitions.
    """
    keys = {task.task_key for task in run.tasks or []}
    steps = [step for step in job.steps if task_key(step) in keys]
    days = find_days(job, run) if any(step.daily for step in steps) else None
    return dg.RunRequest(
        run_key=f"databricks-{run.run_id}",
        asset_selection=list(_select(steps)),
        tags={
            JOB_RUN_TAG: str(run.run_id),
            **_RETRY_TAGS,
            **(dict(zip(RANGE_TAGS, days, strict=True)) if days else {}),
        },
    )


def find_days(job: TablesJob, run: BaseRun) -> tuple[str, str]:
    """Return the first and last day of the run, as its tasks read them from its parameters."""
    given = {one.name: one.value or one.default for one in run.job_parameters or []}
    started = datetime.fromtimestamp((run.start_time or 0) / 1000, UTC).date().isoformat()
    start, end = (
        (given.get(name) or default).replace(_START_REFERENCE, started)
        for name, default in zip(("start", "end"), job.days, strict=True)
    )
    days = parse_days(start, end)
    if not all(DAYS.has_partition_key(day) for day in days):
        first, last = DAYS.get_first_partition_key(), DAYS.get_last_partition_key()
        raise UnknownDays(f"its days {days[0]} to {days[1]} are not within {first} to {last}")
    return days


def _select(steps: Sequence[Step]) -> Iterator[dg.AssetKey]:
    yield from (table_key(table.name) for step in steps for table in step.tables)


def parse_cursor(text: str | None) -> int:
    """Return when the newest run that was seen had started, in ms since the epoch; 0 if none was.

    Raises:
        UnreadableCursor: saying how to go on.
    """
    if not text:
        return 0
    try:
        return int(json.loads(text)["since"])
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableCursor(
            f"The cursor of the sensor of Databricks runs cannot be read ({error}): reset it in the UI; what was asked "
            "for before is not asked for again"
        ) from error


def format_cursor(since: int) -> str:
    """Return the cursor for what was seen."""
    return json.dumps({"since": since})
