"""Runs a Dagster step as a serverless Databricks run and follows it to its end.

Rules, measured reasons and the states: docs/explanation/serverless-runs.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import PipesEnvContextInjector, open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.pipes.client import PipesClientCompletedInvocation
from dagster._core.pipes.context import build_external_execution_context_data

from lakehouse.serverless.collection import CollectedStep
from lakehouse.serverless.failures import describe_failure
from lakehouse.serverless.fusion import (
    FUSION_TAG,
    FusedStep,
    count_resumed,
    fused_name,
    fused_token,
    is_own,
    narrow,
    require_fusible,
)
from lakehouse.serverless.messages import NoMessages, VolumeMessageReader
from lakehouse.serverless.outcomes import Verdict, judge_run
from lakehouse.serverless.parameters import add_pipes_parameters
from lakehouse.serverless.remote_step import AttendedStep, Context
from lakehouse.serverless.retries import tell_cause
from lakehouse.termination import when_terminated

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesSession
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import JobEnvironment, Run, SubmitTask


@dataclass(frozen=True)
class ServerlessRuns:
    """Runs steps on one workspace; messages go through `messages_root`, a /Volumes path the run may write to.

    `patience_seconds`: how long a service that answers with errors is asked again before the step gives up.
    `budget_policy_id`: the serverless budget policy whose tags stand on the runs' bill; none: the user's default.
    """

    workspace: WorkspaceClient
    messages_root: str
    patience_seconds: float = 300.0
    budget_policy_id: str | None = None

    def run(
        self,
        *,
        context: Context,
        task: SubmitTask,
        environments: Sequence[JobEnvironment] = (),
        extras: Mapping[str, Any] | None = None,
        timeout_seconds: int = 0,
        fused: Callable[[], Sequence[FusedStep]] | None = None,
    ) -> PipesClientCompletedInvocation:
        """Run the task, or take up the run that an earlier try of this step began, and return what it reported.

        `task` comes without Pipes parameters; `timeout_seconds` 0 means no limit. `fused` tells which steps of the
        Dagster run, this one among them, may go into one remote run; the limit is then each task's.

        Raises:
            dg.Failure: the run did not succeed (with its own error, trace and address), or the step was terminated.
        """
        given = dict(extras or {})
        step = _SubmittedStep(self, FusedStep(context, task, given), environments, timeout_seconds, fused)
        described = _describe_environment(task, environments)
        return self._attend(step, given, task.spark_jar_task is None, described)

    def collect(
        self, *, context: Context, run_id: int, task_key: str, extras: Mapping[str, Any] | None = None
    ) -> PipesClientCompletedInvocation:
        """Follow a task of a run that Databricks started by itself, and return what it reported.

        Raises:
            dg.Failure: the task did not succeed, is not in the run, or another Dagster run collects it. Never retried:
                this does not run anything.
        """
        step = CollectedStep(self.workspace, context, self.patience_seconds, self.messages_root, run_id, task_key)
        return self._attend(step, dict(extras or {}), True, {})

    def _attend(
        self, step: AttendedStep, extras: dict[str, Any], speaks: bool, described: Mapping[str, Any]
    ) -> PipesClientCompletedInvocation:
        with tell_cause(step.context, self.workspace.config.host):
            return self._attend_once(step, extras, speaks, described)

    def _attend_once(
        self, step: AttendedStep, extras: dict[str, Any], speaks: bool, described: Mapping[str, Any]
    ) -> PipesClientCompletedInvocation:
        context = step.context
        try:
            run = step.begin()
            reader = VolumeMessageReader(step.shared.feed, step.directory, step.folder) if speaks else NoMessages()
            with open_pipes_session(context, PipesEnvContextInjector(), reader, extras) as session:
                run = step.follow(run, reader.closed)
        except DagsterExecutionInterruptedError:
            raise step.cancel() from None
        outcome = judge_run(run)
        if outcome.verdict is not Verdict.SUCCEEDED and not _was_stopped_by_check(context, session):
            failure = describe_failure(self.workspace, run, outcome)
            failure.allow_retries = failure.allow_retries and step.may_run_again
            raise failure
        _require_all_messages(reader, run)
        if not session.message_handler.received_opened_message:
            step.print_logs(run)
        return PipesClientCompletedInvocation(session, metadata={**describe_run(run), **described})


class _SubmittedStep(AttendedStep):
    """A step whose remote run is submitted: one of its own, or one that steps of the Dagster run share."""

    def __init__(
        self,
        runs: ServerlessRuns,
        step: FusedStep,
        environments: Sequence[JobEnvironment],
        timeout_seconds: int,
        fused: Callable[[], Sequence[FusedStep]] | None,
    ) -> None:
        super().__init__(runs.workspace, step.context, runs.patience_seconds)
        self._step = step
        self._environments = list(environments)
        self._budget_policy_id = runs.budget_policy_id
        self._timeout_seconds = timeout_seconds
        self._fused = fused
        self.directory = f"{runs.messages_root}/{self.attempt.root_run_id}"  # of all messages of the Dagster run

    def begin(self) -> Run:
        """Return the run of this attempt: a new one, one still active, or one that succeeded unseen."""
        return self._join() or self.begin_alone(self._submit_alone, lambda run: run.run_name)

    def _join(self) -> Run | None:
        """Return the run that steps of the Dagster run share, as seen from this one's task, if that is to be had."""
        if self._fused is None or self.context.run.tags.get(FUSION_TAG) == "off":
            return None
        self.task_key = self._step.task.task_key
        # also for one step: which steps are left, re-execution must ask for what the killed worker asked for
        for number in range(count_resumed(self.context.instance, self.context.run) + 1):
            token = fused_token(self.attempt, number)
            self.folder = _name_folder(token, self.task_key)
            submit = partial(self._submit_fused, token, self._fused)
            run = narrow(self.ask(partial(self.shared.once, token, submit)), self.task_key)
            if run is not None and self.takes(run, is_own(self.attempt, run)):
                return run
        self.task_key = None
        return None

    def _submit_alone(self, token: str) -> int:
        self.folder = token
        return self._send(self.attempt.run_name, [self._prepare(self._step, token)], token, self._timeout_seconds)

    def _submit_fused(self, token: str, fused: Callable[[], Sequence[FusedStep]]) -> int:
        tasks, steps = [], fused()
        require_fusible(steps)
        for step in steps:
            tasks.append(self._prepare(step, _name_folder(token, step.task.task_key)))
            tasks[-1].timeout_seconds = self._timeout_seconds or None
        run_id = self._send(fused_name(self.attempt, self.context.run.job_name), tasks, token, 0)
        when_terminated(self.attempt.run_id, partial(self.cancel_run, run_id))  # also between two of the steps
        return run_id

    def _prepare(self, step: FusedStep, folder: str) -> SubmitTask:
        data = build_external_execution_context_data(step.context, dict(step.extras))
        return add_pipes_parameters(step.task, data, f"{self.directory}/{folder}")

    def _send(self, name: str, tasks: list[SubmitTask], token: str, timeout_seconds: int) -> int:
        self.shared.submits.take()
        waiter = self.jobs.submit(
            run_name=name,
            tasks=tasks,
            environments=self._environments or None,
            idempotency_token=token,
            budget_policy_id=self._budget_policy_id,
            timeout_seconds=timeout_seconds or None,
        )
        return int(waiter.bind()["run_id"])


def _name_folder(token: str, task_key: str) -> str:
    return f"{token}.{task_key}"


def _describe_environment(task: SubmitTask, environments: Sequence[JobEnvironment]) -> dict[str, Any]:
    specs = [one.spec for one in environments if one.environment_key == task.environment_key]
    version = next((spec.environment_version or spec.client for spec in specs if spec), None)
    return {"databricks/environment_version": version} if version else {}


def describe_run(run: Run) -> dict[str, Any]:
    """Return the metadata that every materialization of a run carries; durations in seconds."""
    tasks = run.tasks or []
    return {
        "databricks/run_url": dg.MetadataValue.url(run.run_page_url or ""),
        "databricks/run_id": run.run_id or 0,
        "databricks/task_keys": ", ".join(task.task_key for task in tasks),
        "databricks/queue_seconds": _sum_seconds(task.queue_duration for task in tasks),
        "databricks/setup_seconds": _sum_seconds(task.setup_duration for task in tasks),
        "databricks/execution_seconds": _sum_seconds(task.execution_duration for task in tasks),
    }


def _sum_seconds(milliseconds: Any) -> float:
    return sum(value or 0 for value in milliseconds) / 1000


def _require_all_messages(reader: VolumeMessageReader | NoMessages, run: Run) -> None:
    if reader.break_off:
        raise dg.Failure(
            f"Databricks run {run.run_id} succeeded but its messages break off: what it did is not known. "
            f"See {run.run_page_url}"
        )


def _was_stopped_by_check(context: Context, session: PipesSession) -> bool:
    """Say whether the remote code told everything and then failed so that nothing is built on what it found bad.

    Dagster says the same of a blocking check: it fails the step after what it reported has been recorded.
    """
    results = session.get_reported_results()
    made = {result.asset_key for result in results if isinstance(result, dg.MaterializeResult)}
    failed = [result for result in results if isinstance(result, dg.AssetCheckResult) and not result.passed]
    if not failed or not session.message_handler.received_closed_message or made < context.selected_asset_keys:
        return False
    blocking = {(spec.asset_key, spec.name) for spec in context.assets_def.check_specs if spec.blocking}
    serious = [result for result in failed if result.severity is dg.AssetCheckSeverity.ERROR]
    return any((result.asset_key, result.check_name) in blocking for result in serious)
