"""Runs a notebook once on serverless compute, as part of making a resource, and waits for its end."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run

    from lakehouse.serverless.outcomes import Outcome

TIMEOUT_S = 600
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0


class NotebookFailed(Exception):
    """The run did not succeed; the message holds its own error and its address."""


def run_notebook(workspace: WorkspaceClient, path: str, parameters: Mapping[str, str]) -> None:
    """Run the notebook with the caller's rights and return when it has succeeded; one that is under way is waited for.

    Raises:
        NotebookFailed: it ended otherwise, or not in time.
    """
    from lakehouse.serverless.outcomes import Verdict

    run = _wait(workspace, _begin(workspace, path, parameters))
    outcome = _judge(run)
    if outcome.verdict is not Verdict.SUCCEEDED:
        (ended,) = run.tasks or []
        said = workspace.jobs.get_run_output(ended.run_id or 0)
        raise NotebookFailed(f"{path}: {said.error or outcome.reason}. See {run.run_page_url}")


def _begin(workspace: WorkspaceClient, path: str, parameters: Mapping[str, str]) -> int:
    """Submit with a token that says what is done: so a killed apply's run is met again, if it has not ended."""
    from databricks.sdk.service.jobs import NotebookTask, SubmitTask

    task = SubmitTask("notebook", notebook_task=NotebookTask(path, base_parameters=dict(parameters)))
    name = f"{path} [{uuid.uuid4().hex[:8]}]"
    for number in itertools.count():
        token = hashlib.sha256(json.dumps([path, dict(parameters), number]).encode()).hexdigest()
        submitted = workspace.jobs.submit(
            run_name=name, tasks=[task], idempotency_token=token, timeout_seconds=TIMEOUT_S
        )
        run_id = int(submitted.bind()["run_id"])
        run = workspace.jobs.get_run(run_id)
        if run.run_name == name or not _judge(run).is_final:
            return run_id
    raise AssertionError("counting ends nowhere")


def _wait(workspace: WorkspaceClient, run_id: int) -> Run:
    deadline, pause = time.monotonic() + TIMEOUT_S + 60, _FIRST_PAUSE_S
    while True:
        run = workspace.jobs.get_run(run_id)
        if _judge(run).is_final:
            return run
        if time.monotonic() > deadline:
            raise NotebookFailed(f"run {run_id} has not ended after {TIMEOUT_S} s. See {run.run_page_url}")
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE_S, pause * 1.3)


def _judge(run: Run) -> Outcome:
    from lakehouse.serverless.outcomes import judge_run  # late: with it comes Dagster, which a plan does without

    return judge_run(run)
