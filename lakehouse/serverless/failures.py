"""What a failed run says in Dagster: remote error and trace, task, page, and for known causes the remedy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse.remedies import find_remedies
from lakehouse.serverless.outcomes import Outcome
from lakehouse.serverless.retries import may_pass

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import Run, RunOutput, RunTask

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_TRACE = 20_000
_LONGEST_LOG = 4_000


def describe_failure(workspace: WorkspaceClient, run: Run, outcome: Outcome) -> dg.Failure:
    """Return the failure of a step whose run did not succeed."""
    failed = [task for task in run.tasks or [] if _is_broken(task)]
    stories = [_tell(task, _read_output(workspace, task)) for task in failed]
    lines = [f"Databricks run {run.run_id} ended {outcome.verdict.value}: {outcome.reason}", f"See {run.run_page_url}"]
    metadata: dict[str, Any] = {"databricks/run_url": dg.MetadataValue.url(run.run_page_url or "")}
    for task, (error, trace, log) in zip(failed, stories, strict=True):
        lines += [f"Task {task.task_key}: {error}", *find_remedies(error), trace]
        metadata[f"{task.task_key} error"] = error
        if log:
            metadata[f"{task.task_key} log"] = dg.MetadataValue.md(f"```\n{log}\n```")
    description = "\n".join(line for line in lines if line)
    may_end_otherwise = outcome.retryable and all(may_pass(error) for error, _, _ in stories)
    return dg.Failure(description, metadata=metadata, allow_retries=may_end_otherwise)


def _is_broken(task: RunTask) -> bool:
    from databricks.sdk.service.jobs import RunResultState

    result = task.state.result_state if task.state else None
    skipped = (RunResultState.SUCCESS, RunResultState.UPSTREAM_FAILED, RunResultState.UPSTREAM_CANCELED)
    return result not in (*skipped, RunResultState.EXCLUDED, None)


def _read_output(workspace: WorkspaceClient, task: RunTask) -> RunOutput | Exception:
    from databricks.sdk.errors.base import DatabricksError

    try:
        return workspace.jobs.get_run_output(task.run_id or 0)
    except DatabricksError as error:  # told beside the failure itself, which counts
        return error


def _tell(task: RunTask, output: RunOutput | Exception) -> tuple[str, str, str]:
    """Return error, trace and the end of the log."""
    said = (task.state.state_message if task.state else "") or "no message"
    if isinstance(output, Exception):
        return said, f"(its output could not be read: {output})", ""
    trace = _ANSI.sub("", output.error_trace or "")[-_LONGEST_TRACE:]
    return _ANSI.sub("", output.error or said), trace, (output.logs or "")[-_LONGEST_LOG:]
