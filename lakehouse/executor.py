"""The executor of both code locations: the steps of a run in threads of one process.

Steps wait on remote runs, so a process per step buys nothing and costs 5-12 s each; one after another loses the
parallelism that the graph allows. docs/explanation/executor.md has the measurements.
Built on the same pieces of Dagster as its in-process executor.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import DagsterEvent, EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.execute_plan import dagster_event_sequence_for_step
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode, get_retries_config
from dagster._core.executor.base import Executor
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.termination import end_all

DEFAULT_MAX_CONCURRENT = 8
_TICK_SECONDS = 0.1


@dataclass(frozen=True)
class _StepEnded:
    """The last thing a step's thread says; `error` is what Dagster itself could not turn into an event."""

    step_key: str
    error: BaseException | None = None


@dg.executor(
    name="threaded",
    config_schema={
        "max_concurrent": dg.Field(int, default_value=DEFAULT_MAX_CONCURRENT),
        "retries": get_retries_config(),  # type: ignore[no-untyped-call]
    },
)
def threaded_executor(init_context: dg.InitExecutorContext) -> Executor:
    """Run the steps of a run in at most `max_concurrent` threads of the run's own process.

    Termination: the run stops starting steps; steps in flight see
    `dagster._utils.interrupts.check_captured_interrupt()` and cancel their remote runs.
    """
    config: Any = init_context.executor_config
    retries = RetryMode.from_config(config["retries"])
    assert retries is not None  # the config schema allows nothing else
    return ThreadedExecutor(retries, config["max_concurrent"])


class ThreadedExecutor(Executor):
    """See `threaded_executor`."""

    def __init__(self, retries: RetryMode, max_concurrent: int) -> None:
        self._retries = retries
        self._max_concurrent = max_concurrent

    @property
    def retries(self) -> RetryMode:
        """How step retries are done."""
        return self._retries

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        """Run the plan and yield its events."""
        yield DagsterEvent.engine_event(
            plan_context,
            f"Executing steps in up to {self._max_concurrent} threads (pid: {os.getpid()})",
            EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute),
        )
        yield from ExecuteRunWithPlanIterable(
            execution_plan=execution_plan,
            iterator=self._run_steps,
            execution_context_manager=PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=self._retries,
                execution_plan=execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            ),
        )

    def _run_steps(self, job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[DagsterEvent]:
        with (
            InstanceConcurrencyContext(job_context.instance, job_context.dagster_run) as concurrency,
            ActiveExecution(
                execution_plan,
                retry_mode=self._retries,
                max_concurrent=self._max_concurrent,
                instance_concurrency_context=concurrency,
                step_dependency_config=self.step_dependency_config,
            ) as active,
            ThreadPoolExecutor(self._max_concurrent, thread_name_prefix="step") as threads,
        ):
            yield from _StepThreads(job_context, active, threads).run()


class _StepThreads:
    """Starts what is ready, hands events of all threads to the one that owns the run."""

    def __init__(self, job_context: PlanExecutionContext, active: ActiveExecution, threads: ThreadPoolExecutor) -> None:
        self._job_context = job_context
        self._active = active
        self._threads = threads
        self._news: deque[DagsterEvent | _StepEnded] = deque()
        self._step_ended = threading.Event()
        self._in_flight: set[str] = set()
        self._interrupted = False
        self._error: BaseException | None = None

    def run(self) -> Iterator[DagsterEvent]:
        """Yield events until nothing is left to do.

        Raises:
            DagsterExecutionInterruptedError: the run was terminated and its steps have ended.
        """
        self._interrupted = check_captured_interrupt()
        while self._in_flight or not (self._stopping or self._active.is_complete):
            if not self._stopping:
                yield from self._start_ready_steps()
            yield from self._drain_news()
            self._interrupted = self._interrupted or check_captured_interrupt()
            yield from self._active.plan_events_iterator(self._job_context)
        if self._interrupted:
            self._active.mark_interrupted()
            end_all(self._job_context.run_id)
            raise DagsterExecutionInterruptedError
        if self._error is not None:
            raise self._error

    @property
    def _stopping(self) -> bool:
        return self._interrupted or self._error is not None

    def _start_ready_steps(self) -> Iterator[DagsterEvent]:
        steps = self._active.get_steps_to_execute()
        yield from self._active.concurrency_event_iterator(self._job_context)
        for step in steps:
            step_context = self._job_context.for_step(step, self._active.get_known_state())
            # Dagster asks anew for each output: one at a cost that grows with their number, the other makes a class
            step_context.get_output_asset_keys = cache(step_context.get_output_asset_keys)  # type: ignore[method-assign]
            step_context.for_type = cache(step_context.for_type)  # type: ignore[method-assign]
            self._in_flight.add(step.key)
            self._threads.submit(self._run_step, step.key, step_context)

    def _run_step(self, step_key: str, step_context: Any) -> None:
        error: BaseException | None = None
        try:
            for event in dagster_event_sequence_for_step(step_context):
                self._news.append(event)
        except BaseException as raised:  # noqa: BLE001 - raised again by the thread that owns the run
            error = raised
        self._news.append(_StepEnded(step_key, error))
        self._step_ended.set()

    def _drain_news(self) -> Iterator[DagsterEvent]:
        self._step_ended.wait(_TICK_SECONDS)
        self._step_ended.clear()
        while self._news:
            yield from self._handle(self._news.popleft())

    def _handle(self, news: DagsterEvent | _StepEnded) -> Iterator[DagsterEvent]:
        if isinstance(news, DagsterEvent):
            yield news
            self._active.handle_event(news)
            return
        self._in_flight.discard(news.step_key)
        if news.error is None:
            self._active.verify_complete(self._job_context, news.step_key)
        elif not isinstance(news.error, DagsterExecutionInterruptedError):
            self._error = self._error or news.error
