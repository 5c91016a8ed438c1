"""Runs that the sensor asked for and that did not end well: the messages are gone, so the runs must be taken up again.

Only runs of this demo; those of a daemon are the daemon's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from demo.dagster_runs import RUN_MARK
from demo.sensing import RUN_KEY_TAG, SENSOR_NAME_TAG


def find_unfinished(instance: dg.DagsterInstance, sensor_name: str) -> list[dg.DagsterRun]:
    """Return the last run of each run key that has never succeeded, oldest first.

    The caller holds the demo's lock: a run that is still in progress belonged to a process that died.
    """
    last = [_settle(instance, runs[0]) for runs in _by_run_key(instance, sensor_name) if not _has_succeeded(runs)]
    return [run for run in reversed(last) if run is not None]


def _by_run_key(instance: dg.DagsterInstance, sensor_name: str) -> list[Sequence[dg.DagsterRun]]:
    found: defaultdict[str, list[dg.DagsterRun]] = defaultdict(list)
    for run in instance.get_runs(dg.RunsFilter(tags={SENSOR_NAME_TAG: sensor_name})):  # newest first
        if run.tags.get(RUN_KEY_TAG):
            found[run.tags[RUN_KEY_TAG]].append(run)
    return list(found.values())


def _has_succeeded(runs: Sequence[dg.DagsterRun]) -> bool:
    return any(run.status is dg.DagsterRunStatus.SUCCESS for run in runs)


def _settle(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun | None:
    if RUN_MARK not in run.tags:
        return None
    if run.status in (*IN_PROGRESS_RUN_STATUSES, dg.DagsterRunStatus.NOT_STARTED):
        instance.report_run_failed(run, "The process of this run died")
    return run
