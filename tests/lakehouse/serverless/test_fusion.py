"""Steps of one Dagster run in one remote run: a task each, and still each its own result, failure and retry."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import JobEnvironment, Run, RunResultState, SparkPythonTask, SubmitTask, TaskDependency

from lakehouse.serverless import FUSION_TAG, FusedStep, contexts_of_run
from lakehouse.serverless.fusion import require_fusible
from tests.lakehouse.serverless.conftest import SCRIPTS, VOLUME, Remote

REPORT = """
from dagster_pipes import (PipesCliArgsParamsLoader, PipesUnityCatalogVolumesMessageWriter, open_dagster_pipes)
loader, writer = PipesCliArgsParamsLoader(), PipesUnityCatalogVolumesMessageWriter(interval=0)
with open_dagster_pipes(params_loader=loader, message_writer=writer) as pipes:
    pipes.log.info(f"I am {pipes.asset_key}")
    pipes.report_asset_materialization(metadata={"who": pipes.get_extra("who")})
"""
FAIL = "raise ValueError('out of order')\n"
FAIL_ONCE = f"""
import os
path = '{VOLUME}/fused_once'
if not os.path.exists(path):
    open(path, 'w').write('x')
    raise ConnectionError('first try')
"""
FIND_BAD = """
    pipes.report_asset_check("good", passed=False, severity="ERROR")
raise RuntimeError("nothing is built on this")
"""


class Chain:
    """first -> second -> third; alone: four steps that run scripts; the code of each can be given."""

    AFTER = {"first": (), "second": ("first",), "third": ("second",), "alone": ()}

    def __init__(self, remote: Remote, name: str, **code: str) -> None:
        self.name, self.remote = name, remote
        self.assets = [self._asset(step, code.get(step, REPORT)) for step in self.AFTER]

    def key(self, step: str) -> str:
        return f"{self.name}_{step}"

    def write(self, step: str, code: str) -> None:
        self.remote.add_script(f"{self.key(step)}.py", code)

    def task(self, step: str, members: Any = ()) -> SubmitTask:
        before = [TaskDependency(self.key(other)) for other in self.AFTER[step] if self.key(other) in members]
        script = SparkPythonTask(f"{SCRIPTS}/{self.key(step)}.py")
        return SubmitTask(self.key(step), spark_python_task=script, environment_key="e", depends_on=before or None)

    def fused(self, context: dg.AssetExecutionContext) -> list[FusedStep]:
        own = contexts_of_run(context)
        members = [step for step in self.AFTER if self.key(step) in own]
        return [FusedStep(own[self.key(step)], self.task(step, own), {"who": step}) for step in members]

    def run(self, instance: dg.DagsterInstance, *steps: str, tags: Any = None) -> dg.ExecuteInProcessResult:
        wanted = [self.key(step) for step in steps] or None  # without a selection the checks are in it, too
        return dg.materialize(self.assets, selection=wanted, instance=instance, raise_on_error=False, tags=tags)

    def again(self, instance: dg.DagsterInstance, failed: Any, *steps: str) -> dg.ExecuteInProcessResult:
        """Re-execute from failure."""
        ids = {"dagster/root_run_id": failed.run_id, "dagster/parent_run_id": failed.run_id}
        return self.run(instance, *steps, tags={"dagster/is_resume_retry": "true", **ids})

    def remote_runs(self) -> list[Run]:
        """Oldest first, with their tasks."""
        jobs = self.remote.client.jobs
        ids = sorted(run.run_id or 0 for run in jobs.list_runs(expand_tasks=True) if self._is_mine(run))
        return [jobs.get_run(run_id) for run_id in ids]

    def _is_mine(self, run: Any) -> bool:
        return any(task.task_key.startswith(f"{self.name}_") for task in run.tasks or [])

    def _asset(self, step: str, code: str) -> dg.AssetsDefinition:
        self.write(step, code)
        check = dg.AssetCheckSpec("good", asset=self.key(step), blocking=True)
        retry = dg.RetryPolicy(max_retries=1) if code == FAIL_ONCE else None

        @dg.asset(
            name=self.key(step),
            deps=[self.key(other) for other in self.AFTER[step]],
            retry_policy=retry,
            check_specs=[check] if FIND_BAD in code else [],
        )
        def run_step(context: dg.AssetExecutionContext) -> Iterator[Any]:
            invocation = self.remote.runs.run(
                context=context,
                task=self.task(step),
                environments=[JobEnvironment("e", Environment(environment_version="4"))],
                extras={"who": step},
                fused=lambda: self.fused(context),
            )
            yield from invocation.get_results()

        return run_step


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def made(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """Who reported which asset."""
    events = result.get_asset_materialization_events()
    return {event.asset_key.to_user_string(): event.materialization.metadata for event in events}  # type: ignore[union-attr]


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    errors = {event.step_key: event.step_failure_data.error for event in result.all_events if event.is_step_failure}
    return {key or "": (error.cause or error).message for key, error in errors.items() if error}


def test_all_steps_are_tasks_of_one_remote_run(remote: Remote, instance: dg.DagsterInstance) -> None:
    chain = Chain(remote, "whole")
    result = chain.run(instance)
    assert result.success
    (run,) = chain.remote_runs()
    before = {task.task_key: [one.task_key for one in task.depends_on or []] for task in run.tasks or []}
    assert before == {
        "whole_first": [],
        "whole_second": ["whole_first"],
        "whole_third": ["whole_second"],
        "whole_alone": [],
    }
    assert {key: metadata["who"].value for key, metadata in made(result).items()} == {
        chain.key(step): step for step in chain.AFTER
    }
    pages = {metadata["databricks/run_url"].value for metadata in made(result).values()}
    assert len(pages) == 4  # each its own task's
    said = {event.user_message for event in instance.all_logs(result.run_id)}
    assert {f"I am {chain.key(step)}" for step in chain.AFTER} <= said


def test_a_run_can_be_told_not_to(remote: Remote, instance: dg.DagsterInstance) -> None:
    chain = Chain(remote, "apart")
    assert chain.run(instance, tags={FUSION_TAG: "off"}).success
    assert [len(run.tasks or []) for run in chain.remote_runs()] == [1, 1, 1, 1]


def test_a_failed_step_stops_what_depends_on_it_and_nothing_else(remote: Remote, instance: dg.DagsterInstance) -> None:
    chain = Chain(remote, "broken", second=FAIL)
    result = chain.run(instance)
    assert set(made(result)) == {"broken_first", "broken_alone"}
    assert list(failures(result)) == ["broken_second"]
    assert "ValueError: out of order" in failures(result)["broken_second"]
    (run,) = chain.remote_runs()
    states = {task.task_key: task.state and task.state.result_state for task in run.tasks or []}
    assert states["broken_third"] is RunResultState.UPSTREAM_FAILED


def test_a_step_that_is_tried_again_is_a_run_of_its_own_and_the_rest_goes_on(
    remote: Remote, instance: dg.DagsterInstance
) -> None:
    chain = Chain(remote, "flaky", second=FAIL_ONCE)
    result = chain.run(instance)
    assert result.success
    assert set(made(result)) == {chain.key(step) for step in chain.AFTER}
    tasks = [[task.task_key for task in run.tasks or []] for run in chain.remote_runs()]
    assert tasks[1:] == [["flaky_second"], ["flaky_third"]]


def test_from_failure_repeats_nothing_that_was_done(remote: Remote, instance: dg.DagsterInstance) -> None:
    chain = Chain(remote, "mended", second=FAIL)
    failed = chain.run(instance)
    chain.write("second", REPORT)
    result = chain.again(instance, failed, "second", "third")
    assert result.success
    assert set(made(result)) == {"mended_second", "mended_third"}
    tasks = [[task.task_key for task in run.tasks or []] for run in chain.remote_runs()]
    assert tasks[1:] == [["mended_second", "mended_third"]]


@pytest.mark.parametrize("left", [["first", "second", "third", "alone"], ["third"]])
def test_what_ended_unseen_is_collected(remote: Remote, instance: dg.DagsterInstance, left: list[str]) -> None:
    """However many steps the worker that was killed had not come to."""
    chain = Chain(remote, f"unseen{len(left)}")
    first = chain.run(instance)
    again = chain.again(instance, first, *left)
    assert again.success
    assert set(made(again)) == {chain.key(step) for step in left}
    assert len(chain.remote_runs()) == 1


def test_what_a_blocking_check_found_bad_is_recorded_and_not_built_on(
    remote: Remote, instance: dg.DagsterInstance
) -> None:
    chain = Chain(remote, "found_bad", first=REPORT + FIND_BAD)
    result = chain.run(instance)
    assert not result.success
    assert set(made(result)) == {"found_bad_first", "found_bad_alone"}
    assert "good" in failures(result)["found_bad_first"] and "RuntimeError" not in failures(result)["found_bad_first"]
    (run,) = chain.remote_runs()
    states = {task.task_key: task.state and task.state.result_state for task in run.tasks or []}
    assert states["found_bad_second"] is RunResultState.UPSTREAM_FAILED


def test_an_answer_lost_on_submit_makes_no_second_run(remote: Remote, instance: dg.DagsterInstance) -> None:
    rule = {"method": "POST", "path": "/api/2.*/jobs/runs/submit", "drop": "after", "times": 2}
    remote.client.api_client.do("POST", "/local/faults", body=rule)
    chain = Chain(remote, "lost")
    assert chain.run(instance).success
    remote.client.api_client.do("DELETE", "/local/faults")
    assert len(chain.remote_runs()) == 1


def test_termination_ends_the_whole_remote_run(remote: Remote, dagster_home: Path) -> None:
    """The signal goes to this process, as to a run worker's."""
    endless = "import time\nwhile True: time.sleep(0.1)"
    chain = Chain(remote, "stopped", second=endless, alone="print(1)")
    job = dg.define_asset_job("stopped_job", chain.assets)
    definitions = dg.Definitions(assets=chain.assets, jobs=[job])
    with dg.DagsterInstance.local_temp(str(dagster_home)) as instance:

        def interrupt() -> None:
            while not (instance.get_runs() and is_at(instance, "stopped_second")):
                time.sleep(0.1)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(BaseException):  # noqa: B017 - Dagster's interrupt
            definitions.resolve_job_def("stopped_job").execute_in_process(instance=instance)
        thread.join()
    deadline = time.monotonic() + 10
    while (run := chain.remote_runs()[-1]).end_time in (None, 0) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.state and run.state.result_state is RunResultState.CANCELED
    assert len(chain.remote_runs()) == 1


def is_at(instance: dg.DagsterInstance, step: str) -> bool:
    """Say whether the step follows its remote run."""
    events = instance.all_logs(instance.get_runs()[0].run_id)
    return any(event.step_key == step and "Databricks run" in event.user_message for event in events)


def test_more_steps_than_a_remote_run_has_tasks_are_refused_with_the_limit() -> None:
    step = FusedStep(dg.build_asset_context(), SubmitTask("one"), {})  # type: ignore[arg-type]
    require_fusible([step] * 1000)
    with pytest.raises(dg.Failure, match="1,001 steps .* takes 1,000 tasks: select fewer, or .* lakehouse/fusion=off"):
        require_fusible([step] * 1001)
