"""Runs of a persistent job that Databricks started by itself, taken up by a Dagster run that was asked for by a sensor.

One Dagster run for each of them, by a tag; its steps follow the job's tasks as if they had submitted them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from lakehouse.serverless.attempts import find_root
from lakehouse.serverless.fusion import narrow
from lakehouse.serverless.remote_step import AttendedStep, Context

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

JOB_RUN_TAG = "lakehouse/databricks_run"  # of a Dagster run: the id of the run that it collects


class CollectedStep(AttendedStep):
    """A step whose remote side is a task of a job's run that is there already."""

    may_run_again = False

    def __init__(
        self,
        workspace: WorkspaceClient,
        context: Context,
        patience_s: float,
        messages_root: str,
        run_id: int,
        task_key: str,
    ) -> None:
        super().__init__(workspace, context, patience_s)
        self.task_key = task_key
        self.directory = f"{messages_root}/{name_directory(str(run_id))}"
        self._run_id = run_id

    def begin(self) -> Run:
        """Return the run as seen from the task.

        Raises:
            dg.Failure: there is no such task, or another Dagster run collects it.
        """
        self._require_first()
        run = narrow(self.ask(lambda: self._run_id), self.task_key or "")
        if run is None or not run.tasks:
            raise dg.Failure(f"Databricks run {self._run_id} has no task {self.task_key}", allow_retries=False)
        self.folder = name_folder(run.tasks[0].task_key, str(run.tasks[0].run_id))
        self.context.log.info("Collecting task %s of Databricks run %s: %s", self.task_key, self._run_id,
                              run.run_page_url)  # fmt: skip
        return run

    def _require_first(self) -> None:
        """Refuse to collect what an earlier Dagster run collects: two daemons may have asked for the same."""
        records = self.context.instance.get_run_records(
            dg.RunsFilter(tags={JOB_RUN_TAG: str(self._run_id)}), ascending=True, limit=1
        )
        own = self.context.run.run_id
        first = records[0].dagster_run.run_id if records else own
        if first not in (own, find_root(self.context.run)):
            raise dg.Failure(
                f"Databricks run {self._run_id} is collected by Dagster run {first}; this one was asked for twice",
                allow_retries=False,
            )


def name_directory(run_id: str) -> str:
    """Return the folder of the messages volume for a job's run; also with a reference instead of its id."""
    return f"databricks-{run_id}"


def name_folder(task_key: str, task_run_id: str) -> str:
    """Return what a task's folder in there is called; a repaired task has another id, and so another folder."""
    return f"{task_key}.{task_run_id}"
