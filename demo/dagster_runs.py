"""Runs Dagster's own jobs in this process, on the instance the UI reads, showing their steps as they go.

The main job wants no daemon start-up in its way; sensor, jobs and executor are the ones the daemon would use.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dagster as dg
from dagster import DagsterEventType
from dagster._core.instance.ref import InstanceRef

from demo.failures import DemoFailed
from demo.phases import Say

RUN_MARK = "lakehouse/main_job"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # of a run: no log on the console
_TOLD = {
    DagsterEventType.STEP_START: "running",
    DagsterEventType.STEP_SUCCESS: "done",
    DagsterEventType.STEP_FAILURE: "failed",
}


class RunFailed(DemoFailed):
    """A Dagster run of the main job did not succeed; the message says which steps and why."""


def open_instance(home: Path) -> dg.DagsterInstance:
    """Return the instance in `home`, bringing the project's dagster.yaml there."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).parent.parent / "deploy" / "dagster.yaml", home / "dagster.yaml")
    # the file says where by DAGSTER_HOME, which is set for Dagster's own commands only
    events = {"module": "lakehouse.event_log", "class": "OpenSqliteEventLog", "config": {"home": str(home)}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"event_log_storage": events}))


def run_job(
    instance: dg.DagsterInstance,
    job: Callable[[], dg.JobDefinition],
    say: Say,
    tags: Mapping[str, str] | None = None,
    assets: Sequence[dg.AssetKey] | None = None,
    retry_of: str | None = None,
) -> dg.DagsterRun:
    """Run the job that the module-level function `job` returns, or some of its assets, to its end.

    `retry_of`: the id of a run that did not end well; what its steps finished remotely is collected, not done again.

    Raises:
        RunFailed: with the failed steps and their errors.
    """
    mark = uuid.uuid4().hex
    with _told(instance, mark, say):
        result = dg.execute_job(
            dg.reconstructable(job),
            instance,
            run_config=QUIET,
            tags={**(tags or {}), RUN_MARK: mark},
            asset_selection=assets,
            reexecution_options=dg.ReexecutionOptions(retry_of) if retry_of else None,
        )
    with result:
        if not result.success:
            raise RunFailed(_describe_failure(result))
        return result.dagster_run


def read_step_seconds(instance: dg.DagsterInstance, run_id: str) -> dict[str, float]:
    """Return how long each step of a run took, in the order in which they began."""
    steps = [step for step in instance.get_run_step_stats(run_id) if step.start_time and step.end_time]
    steps.sort(key=lambda step: step.start_time or 0)
    return {step.step_key: round((step.end_time or 0) - (step.start_time or 0), 1) for step in steps}


def _describe_failure(result: dg.JobExecutionResult) -> str:
    failures = [
        f"  {event.step_key}: {(error.cause or error).message.strip()}"
        for event in result.all_events
        if event.is_step_failure and (error := event.step_failure_data.error)
    ]
    return "\n".join([f"Run {result.run_id} of job {result.dagster_run.job_name} failed:", *failures])


class _told:
    """Tells the step events of the marked run while the block runs."""

    def __init__(self, instance: dg.DagsterInstance, mark: str, say: Say) -> None:
        self._instance, self._mark, self._say = instance, mark, say
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _tell(self) -> None:
        cursor: str | None = None
        while not self._ended.wait(0.5):
            runs = self._instance.get_runs(dg.RunsFilter(tags={RUN_MARK: self._mark}), limit=1)
            if runs:
                connection = self._instance.get_records_for_run(runs[0].run_id, cursor, set(_TOLD))
                cursor = connection.cursor
                for record in connection.records:
                    event = record.event_log_entry.dagster_event
                    if event is not None:
                        self._say(f"{event.step_key} {_TOLD[event.event_type]}")
