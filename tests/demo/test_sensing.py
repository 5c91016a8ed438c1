"""Sensing in process keeps the daemon's promises: cursor before runs, tags, runs of dead processes taken up."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from demo.dagster_runs import RUN_MARK, RunFailed, open_instance, run_job
from demo.sensing import RUN_KEY_TAG, SENSOR_NAME_TAG, Sensing
from demo.unfinished import find_unfinished

TICKS = 2


@dg.asset
def one() -> None:
    pass


@dg.asset
def two(context: dg.AssetExecutionContext) -> None:
    if (context.run.root_run_id or context.run_id) == context.run_id and "fail" in context.run.tags:
        raise ValueError("the first try fails")


JOB = dg.define_asset_job("both")


@dg.sensor(job=JOB)
def counting(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Asks for one run in each of its first ticks."""
    number = int(context.cursor or 0)
    if number == TICKS:
        return dg.SensorResult(skip_reason="enough", cursor="[]" if context.cursor == "[]" else str(number))
    return dg.SensorResult([dg.RunRequest(f"key {number}", tags={"number": str(number)})], cursor=str(number + 1))


DEFINITIONS = dg.Definitions(assets=[one, two], jobs=[JOB], sensors=[counting])


def both() -> dg.JobDefinition:
    return DEFINITIONS.resolve_job_def("both")


def quiet(_: str) -> None:
    pass


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(dagster_home) as instance:
        yield instance


def tags(run_key: str) -> dict[str, str]:
    return {SENSOR_NAME_TAG: "counting", RUN_KEY_TAG: run_key}


def test_the_cursor_is_kept_in_the_instance(instance: dg.DagsterInstance) -> None:
    keys = [request.run_key for _ in range(3) for request in Sensing(instance, DEFINITIONS, "counting").tick().requests]
    assert keys == ["key 0", "key 1"]
    assert Sensing(instance, DEFINITIONS, "counting").tick().said == "enough"


def test_a_run_has_the_tags_that_the_daemon_gives(instance: dg.DagsterInstance) -> None:
    sensing = Sensing(instance, DEFINITIONS, "counting")
    (request,) = sensing.tick().requests
    run = run_job(instance, both, quiet, sensing.tags_of(request), [dg.AssetKey("one")])
    assert {**tags("key 0"), "number": "0"}.items() <= run.tags.items()
    assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None
    assert instance.get_latest_materialization_event(dg.AssetKey("two")) is None


def test_a_failed_run_is_taken_up_and_then_is_finished(instance: dg.DagsterInstance) -> None:
    with pytest.raises(RunFailed, match="two: .*the first try fails"):
        run_job(instance, both, quiet, {**tags("key"), "fail": "yes"})
    (failed,) = find_unfinished(instance, "counting")
    again = run_job(instance, both, quiet, {**tags("key"), "fail": "yes"}, retry_of=failed.run_id)
    assert again.root_run_id == failed.run_id
    assert find_unfinished(instance, "counting") == []


def test_a_run_of_a_dead_process_is_taken_up(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(both(), tags={**tags("key"), RUN_MARK: "x"}, status=dg.DagsterRunStatus.STARTED)
    assert [found.run_id for found in find_unfinished(instance, "counting")] == [run.run_id]
    settled = instance.get_run_by_id(run.run_id)
    assert settled is not None and settled.status is dg.DagsterRunStatus.FAILURE


def test_runs_of_the_daemon_are_left_alone(instance: dg.DagsterInstance) -> None:
    instance.create_run_for_job(both(), tags=tags("key"), status=dg.DagsterRunStatus.STARTED)
    assert find_unfinished(instance, "counting") == []
