"""The threaded executor: parallel where the graph allows, in order where it demands, honest about failure."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.job.asset_layer import AssetLayer
from dagster._utils.interrupts import check_captured_interrupt

from lakehouse.executor import threaded_executor
from lakehouse.termination import when_terminated

MEETING = threading.Barrier(2, timeout=20)
ENDED: list[str] = []


@dg.op
def meet_left() -> int:
    MEETING.wait()
    return 1


@dg.op
def meet_right() -> int:
    MEETING.wait()
    return 2


@dg.op
def add(left: int, right: int) -> int:
    return left + right


@dg.op
def fail() -> int:
    raise ValueError("no such table")


@dg.op(out=dg.Out(dg.Nothing))
def wait_for_interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    while not check_captured_interrupt():
        time.sleep(0.02)
    raise dg.Failure("cancelled", allow_retries=False)


@dg.op(out=dg.Out(dg.Nothing))
def leave_something_and_interrupt(context: dg.OpExecutionContext) -> None:
    """Ends before the run does: no step is at work when the run ends."""
    when_terminated(context.run_id, lambda: ENDED.append(context.run_id))
    os.kill(os.getpid(), signal.SIGINT)


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def fail_once(context: dg.OpExecutionContext) -> int:
    if context.retry_number == 0:
        raise ValueError("first try")
    return 3


@dg.job(executor_def=threaded_executor)
def parallel_job() -> None:
    add(meet_left(), meet_right())


@dg.job(executor_def=threaded_executor)
def half_failing_job() -> None:
    add(fail(), fail_once())


@dg.job(executor_def=threaded_executor)
def interrupted_job() -> None:
    wait_for_interrupt()


@dg.job(executor_def=threaded_executor)
def interrupted_between_steps_job() -> None:
    leave_something_and_interrupt()


SIZE = 60


@dg.multi_asset(specs=[dg.AssetSpec(f"many_{number}") for number in range(SIZE)], can_subset=True)
def many() -> Iterator[dg.MaterializeResult[None]]:
    for number in range(SIZE):
        yield dg.MaterializeResult(asset_key=f"many_{number}")


def many_job() -> dg.JobDefinition:
    job = dg.define_asset_job("many", [many], executor_def=threaded_executor)
    return dg.Definitions(assets=[many], jobs=[job]).resolve_job_def("many")


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test(temp_dir=str(dagster_home)) as instance:
        yield instance


def run(instance: dg.DagsterInstance, name: str) -> dg.JobExecutionResult:
    job = dg.reconstructable(globals()[name])
    return dg.execute_job(job, instance=instance)


def test_independent_steps_run_at_the_same_time_and_dependents_after(instance: dg.DagsterInstance) -> None:
    with run(instance, "parallel_job") as result:
        assert result.success
        assert result.output_for_node("add") == 3


def test_a_failed_step_skips_its_dependents_only_and_retries_are_taken(instance: dg.DagsterInstance) -> None:
    with run(instance, "half_failing_job") as result:
        assert not result.success
        outcome = {event.step_key: event.event_type_value for event in result.all_events if event.is_step_event}
        assert outcome["fail"] == "STEP_FAILURE"
        assert outcome["fail_once"] == "STEP_SUCCESS"
        assert "add" not in outcome


def test_what_belongs_to_a_terminated_run_ends_also_when_no_step_is_at_work(instance: dg.DagsterInstance) -> None:
    with run(instance, "interrupted_between_steps_job") as result:
        assert not result.success
        assert result.run_id in ENDED


def test_a_terminated_run_says_so_and_ends_no_step_as_success(instance: dg.DagsterInstance) -> None:
    with run(instance, "interrupted_job") as result:
        assert result.dagster_run.status is not dg.DagsterRunStatus.SUCCESS
        ended = {event.event_type_value for event in result.all_events}
        assert "STEP_SUCCESS" not in ended
        assert "interrupted" in (result.all_events[-1].message or "")


def test_a_step_with_many_outputs_looks_at_all_of_them_once(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = AssetLayer.get_selected_entity_keys_for_node
    monkeypatch.setattr(
        AssetLayer,
        "get_selected_entity_keys_for_node",
        lambda self, handle: looked.append(handle.name) or real(self, handle),
    )
    with dg.execute_job(dg.reconstructable(many_job), instance) as result:
        assert result.success
        assert len(result.get_asset_materialization_events()) == SIZE
    assert len(looked) < SIZE * 10, "it grows with the square of the outputs"
